# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Behind a proxy: what is on this machine is never asked through it, builds are."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from engines import Server, enter_role, running
from runs import ROOT, Playbook

LOCAL = [
    {
        "name": "Ask the registry",
        "ansible.builtin.uri": {"url": "http://{{ item }}:{{ workshop_registry_port }}/v2/"},
        "loop": ["127.0.0.1", "localhost"],
    },
    {
        "name": "Ask the cluster",
        "kubernetes.core.k8s_info": {
            "kubeconfig": "{{ workshop_kubeconfig }}",
            "context": "{{ workshop_context }}",
            "kind": "Namespace",
            "name": "default",
        },
    },
    {
        "name": "Hold on to a connection of the cluster's",
        "kubernetes.core.k8s_exec": {
            "kubeconfig": "{{ workshop_kubeconfig }}",
            "context": "{{ workshop_context }}",
            "namespace": "kube-system",
            "pod": "etcd-{{ workshop_lab_name }}-control-plane",
            "command": "true",
        },
        # Whether the container has such a program does not matter here, only which way the question goes.
        "failed_when": False,
    },
]


@pytest.fixture
def proxy() -> Iterator[Server]:
    """A proxy on every address of this machine, so that builds reach it too."""
    with running(Server(("", 0))) as server:
        yield server


def behind(server: Server, host: str = "127.0.0.1") -> dict[str, str]:
    address = f"http://me:secret@{host}:{server.server_address[1]}"
    return {"HTTP_PROXY": address, "HTTPS_PROXY": address}


@pytest.mark.usefixtures("lab")
def test_modules_ask_nothing_of_this_machine_through_the_proxy(tmp_path, proxy):
    run = enter_role(tmp_path, behind(proxy), tasks=LOCAL)
    assert run.code == 0, run.output
    assert proxy.asked == []


@pytest.mark.usefixtures("lab")
def test_a_run_asks_nothing_of_the_lab_through_the_proxy(playbook: Playbook, proxy, monkeypatch):
    for name, value in behind(proxy).items():
        monkeypatch.setenv(name, value)
    run = playbook(str(ROOT / "playbooks/lab.yml"))
    assert run.code == 0, run.output
    assert proxy.asked == []


@pytest.mark.usefixtures("lab")
def test_a_build_asks_through_the_proxy_and_keeps_nothing_of_it(tmp_path, proxy):
    subnet = subprocess.check_output(
        ["docker", "network", "inspect", "bridge", "--format", "{{ (index .IPAM.Config 0).Subnet }}"], text=True
    ).strip()
    gateway = str(next(ip_network(subnet).hosts()))
    image = "workshop-engine-proxy:test"
    (tmp_path / "Dockerfile").write_text(
        "ARG BUSYBOX\nFROM $BUSYBOX\nRUN wget -O /dev/null http://asked.example.org/ || true\n"
    )
    build = {
        "name": "Build as every role does",
        "community.docker.docker_image_build": {
            "path": str(tmp_path),
            "name": image,
            "nocache": True,
            "args": "{{ workshop_proxy_arguments | combine({'BUSYBOX': workshop_busybox_image}) }}",
        },
        "no_log": "{{ workshop_proxy_is_secret }}",
    }
    try:
        run = enter_role(tmp_path, {**behind(proxy, gateway), "ANSIBLE_VERBOSITY": "1"}, tasks=[build])
        assert run.code == 0, run.output
        assert "secret" not in run.output
        assert any(asked.startswith("GET http://asked.example.org/") for asked in proxy.asked), proxy.asked
        kept = [
            subprocess.check_output(["docker", "history", "--no-trunc", image], text=True),
            subprocess.check_output(["docker", "image", "inspect", image], text=True),
        ]
        assert not any(str(proxy.server_address[1]) in text for text in kept)
    finally:
        subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True, check=False)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("proxy.example.org:3128", "HTTP_PROXY is no URL of a proxy"),
        ("http://me:secret@proxy.example.org:99999", "HTTP_PROXY is no URL of a proxy"),
        ("http://me:secret@127.0.0.1:{closed}", "Nothing answers at 127.0.0.1:{closed}, which HTTP_PROXY names"),
    ],
)
def test_a_proxy_that_is_none(tmp_path: Path, address, said):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    run = enter_role(tmp_path, {"HTTP_PROXY": address.format(closed=closed), "ANSIBLE_VERBOSITY": "1"})
    assert run.code == 2, run.output
    assert "changed=0" in run.output
    assert said.format(closed=closed) in run.output
    assert "secret" not in run.output
