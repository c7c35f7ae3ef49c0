# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Bad input gets one sentence that names the thing and what to do, before anything is changed."""

from __future__ import annotations

import re
import socket
import typing as t
from pathlib import Path

import pytest
import yaml
from runs import ROOT, TAUGHT, Playbook

BROUGHT = {
    "workshop_kubeconfig": "/nowhere/kubeconfig",
    "workshop_context": "gone",
    "workshop_registry": "localhost:9",
}

# A lab that is not there, so that a clean-up that is not refused removes nothing.
NOBODYS = {"workshop_lab_name": "nobodys", "workshop_namespace_prefix": "nobodys-"}


def refusal(playbook: Playbook, name: str = "preflight", **variables: t.Any) -> str:
    """What the one failed task of a refused run says, in one sentence."""
    run = playbook(str(ROOT / f"playbooks/{name}.yml"), **variables)
    assert run.code == 2, run.output
    assert "changed=0" in run.output
    assert "Traceback" not in run.output
    said = re.search(r"Action failed: (.*)", run.output) or re.search(r"\[ERROR\]: (.*)", run.output)
    assert said, run.output
    return said[1]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """A kubeconfig with one context, of a cluster that is not there."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.fixture
def busy_port() -> t.Iterator[int]:
    """A port that somebody listens on who is no registry of ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"workshop_lessons": "pod_quotas,pod_quota"},
            f"no lesson pod_quota: workshop_lessons takes {TAUGHT[0]}",
        ),
        ({"workshop_lessons": ["sidecars"]}, "There is no lesson sidecars: workshop_lessons takes"),
        ({"workshop_lessons": ""}, "workshop_lessons names no lesson: leave it out to run all, or name some of"),
        ({"workshop_lessons": "pod_quotas,"}, "workshop_lessons has an empty name beside pod_quotas: put one comma"),
        ({"workshop_lesson": "1"}, "Nothing reads the variable workshop_lesson: names that begin with workshop_ are"),
        ({"lab_cluster_worker": "1"}, "names that begin with lab_cluster_ are lab_cluster_workers."),
        ({"pod_quotas_memory_limits": "1"}, "pod_quotas_memory_limit,"),
        ({"workshop_registry_port": "five thousand"}, "argument 'workshop_registry_port' is of type str and we were"),
        ({"workshop_lab": "perhaps"}, "'perhaps' is not a valid boolean"),
        ({"pod_quotas_watch_seconds": "long"}, "'long'"),
        ({"pod_quotas_watch_seconds": None}, "pod_quotas_watch_seconds is set to nothing: give it a value"),
        ({"pod_quotas_watch_seconds": "7"}, """write -e '{"pod_quotas_watch_seconds": 7}'."""),
        (
            {"pod_quotas_quota": "{{ nowhere }}"},
            "pod_quotas_quota can't be worked out: 'nowhere' is undefined",
        ),
        ({"workshop_namespace_prefix": "work_shop-"}, "work_shop-build-and-runtime, "),
        ({"workshop_namespace_prefix": "w" * 60}, "is longer than the 63 characters that a namespace"),
        ({"workshop_lab_name": "second_lab"}, "workshop_lab_name can't be 'second_lab': it may hold"),
        ({"workshop_lab_name": "w" * 50}, "workshop_lab_name has 50 characters: make it 49 at most"),
        ({"workshop_lab_name": "host"}, "workshop_lab_name can't be host, which is a network of Docker's own"),
        ({"workshop_registry_port": 65536}, "workshop_registry_port can't be 65536: name a port from 1 to 65535."),
        ({"lab_cluster_workers": -1}, "lab_cluster_workers can't be -1: say how many"),
        ({"lab_cluster_workers": 10**6}, "fs.inotify.max_user_instances is "),
        (
            {"lab_node_image_source": "no image"},
            "lab_node_image_source can't be 'no image', which is no name",
        ),
        (
            {"lab_base_images_debian_source": "Debian"},
            "lab_base_images_debian_source can't be 'Debian', which is no name",
        ),
        (
            {"workshop_debian_image": "https://x/debian"},
            "workshop_debian_image can't be 'https://x/debian'",
        ),
        (
            {"workshop_teach": True, "workshop_lessons": "pod_quotas"},
            "workshop_teach waits for Enter before each claim, and there is no terminal",
        ),
        ({"workshop_state_dir": "/dev/null/state"}, "for /dev/null is no folder: name another."),
        ({"workshop_state_dir": str(Path.home())}, "for your home lies in it and it is removed with the lab"),
        (
            {"workshop_context": "staging"},
            "workshop_context is staging, but the lab's own is kind-workshop:",
        ),
        (
            {"workshop_lab": False, **BROUGHT, "workshop_registry": "nexus"},
            "workshop_registry can't be 'nexus'",
        ),
    ],
)
def test_a_variable_that_will_not_do(playbook, variables, said):
    assert said in refusal(playbook, **variables)


@pytest.mark.parametrize("name", ["preflight", "lessons", "clean"])
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("K8S_AUTH_HOST", "https://127.0.0.1:9", "would lead this run to another cluster"),
        ("KIND_EXPERIMENTAL_PROVIDER", "podman", "would have kind use podman"),
    ],
)
def test_an_environment_that_leads_elsewhere(playbook, monkeypatch, name, variable, value, said):
    monkeypatch.setenv(variable, value)
    told = refusal(playbook, name, **NOBODYS)
    assert told.startswith(f"{variable} in the environment {said}")
    assert told.endswith(f": unset {variable}.")


def test_somebodys_own_kubeconfig_leads_nowhere(playbook, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    run = playbook(str(ROOT / "playbooks/preflight.yml"))
    assert run.code == 0, run.output


@pytest.mark.parametrize("name", ["lessons", "clean"])
def test_a_misspelt_variable_is_told_by_every_playbook(playbook, name):
    assert "Nothing reads the variable workshop_lesson:" in refusal(
        playbook, name, **NOBODYS, workshop_lesson="pod_quotas"
    )


def test_a_port_in_use(playbook, busy_port):
    said = refusal(playbook, workshop_registry_port=busy_port)
    assert said.startswith(f"Port {busy_port} is in use by something other than")
    assert "workshop_registry_port" in said


@pytest.mark.parametrize("missing", ["workshop_kubeconfig", "workshop_context", "workshop_registry"])
def test_a_cluster_that_is_not_wholly_named(playbook, kubeconfig, missing):
    named = {"workshop_kubeconfig": kubeconfig, "workshop_context": "gone", "workshop_registry": "localhost:9"}
    del named[missing]
    assert f"{missing} is not set" in refusal(playbook, workshop_lab=False, **named)


def test_a_kubeconfig_that_is_not_there(playbook):
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig="/nowhere/kubeconfig",
        workshop_context="gone",
        workshop_registry="localhost:9",
    )
    assert said.startswith("workshop_kubeconfig names /nowhere/kubeconfig")


def test_a_context_that_is_not_in_it(playbook, kubeconfig):
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig=kubeconfig,
        workshop_context="lost",
        workshop_registry="localhost:9",
    )
    assert f"{kubeconfig} has no context lost: workshop_context can be gone." in said


def test_a_cluster_that_does_not_answer(playbook, kubeconfig):
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig=kubeconfig,
        workshop_context="gone",
        workshop_registry="localhost:9",
    )
    assert said.startswith("The cluster of the context gone does not answer")


def test_a_registry_that_does_not_answer(playbook, lab):
    state = Path.home() / ".local/state/workshop.production_patterns/workshop"
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig=str(state / "kubeconfig"),
        workshop_context="kind-workshop",
        workshop_registry="localhost:9",
    )
    assert said.startswith("No registry answers at localhost:9")
