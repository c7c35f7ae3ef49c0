# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The cluster is up, its credentials are for one user, and the user's own kubeconfig knows nothing of it."""

import os
from pathlib import Path

import pytest

STATE = Path.home() / ".local/state/workshop.production_patterns/workshop"


def kubectl(host, command):
    return host.check_output(
        f"docker exec workshop-control-plane kubectl --kubeconfig /etc/kubernetes/admin.conf {command}"
    )


def test_the_node_runs(host):
    assert host.docker("workshop-control-plane").is_running


def test_the_api_listens_on_loopback_only(host):
    ports = host.docker("workshop-control-plane").inspect()["NetworkSettings"]["Ports"]
    assert [binding["HostIp"] for binding in ports["6443/tcp"]] == ["127.0.0.1"]


def test_the_kubeconfig_is_for_its_owner_only(host):
    kubeconfig = host.file(str(STATE / "kubeconfig"))
    assert kubeconfig.mode == 0o600
    assert kubeconfig.uid == os.getuid()


def test_the_users_kubeconfig_does_not_name_the_lab(host):
    own = host.file(str(Path.home() / ".kube/config"))
    if not own.exists:
        pytest.skip("this user has no kubeconfig")
    assert "kind-workshop" not in own.content_string


def test_the_node_is_ready(host):
    assert kubectl(host, "wait --for=condition=Ready node --all --timeout=5s").count("condition met") == 1


def test_the_cluster_says_where_its_registry_is(host):
    assert "localhost:5001" in kubectl(host, "--namespace kube-public get configmap local-registry-hosting -o yaml")


def test_a_node_pulls_from_the_registry(host):
    image = "localhost:5001/workshop/busybox:trixie"
    pull = host.run(
        "docker exec workshop-control-plane ctr --namespace k8s.io images pull --plain-http "
        f"--hosts-dir /etc/containerd/certs.d {image}"
    )
    assert pull.rc == 0, pull.stderr
