# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Pods as strangers have them, on a real cluster: each is told as it is. Unit tests have more kinds, as recorded.

One playbook looks at all of them (strangers/look.yml); each test reads what came of one kind.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from runs import KUBECTL, ROOT, Playbook

NAMESPACE = "workshop-strangers"
IMAGE = "localhost:5001/workshop/debian:trixie"
STRANGERS = Path(__file__).with_name("strangers")
KUBECONFIG = Path.home() / ".local/state/workshop.production_patterns/workshop/kubeconfig"
# The kubelet runs what it finds in this folder, whatever the API says.
STATIC = "/etc/kubernetes/manifests/stranger.yaml"
READER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
"""


def kubectl(*words: str, given: str | None = None, check: bool = True) -> str:
    return subprocess.run([*KUBECTL, *words], input=given, text=True, check=check, stdout=subprocess.PIPE).stdout


def on_node(script: str, given: str = "") -> None:
    subprocess.run(
        ["docker", "exec", "-i", "workshop-control-plane", "sh", "-c", script], input=given, text=True, check=True
    )


def remove() -> None:
    on_node(f"rm -f {STATIC}")
    kubectl(
        "patch", "pod", "held", "-n", NAMESPACE, "--type=merge", "-p", '{"metadata":{"finalizers":null}}', check=False
    )
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def kubeconfig_of_reader(folder: Path) -> Path:
    """One that names the cluster in the same way, and somebody else."""
    config = yaml.safe_load(KUBECONFIG.read_text())
    token = kubectl("create", "token", "reader", "-n", NAMESPACE).strip()
    for user in config["users"]:
        user["user"] = {"token": token}
    path = folder / "reader.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def seen(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, t.Any]]:
    """What each module returned."""
    folder = tmp_path_factory.mktemp("strangers")
    shutil.copy(STRANGERS / "look.yml", folder)
    remove()
    kubectl("create", "namespace", NAMESPACE)
    try:
        kubectl("apply", "-n", NAMESPACE, "-f", "-", given=READER)
        kubectl("apply", "-n", NAMESPACE, "-f", "-", given=(STRANGERS / "pods.yml").read_text().replace("IMAGE", IMAGE))
        static = (STRANGERS / "static.yml").read_text().replace("IMAGE", IMAGE).replace("NAMESPACE", NAMESPACE)
        on_node(f"cat > {STATIC}", static)
        run = Playbook(folder)(
            str(folder / "look.yml"),
            config=ROOT / "ansible.cfg",
            kubeconfig=str(KUBECONFIG),
            reader_kubeconfig=str(kubeconfig_of_reader(folder)),
            context="kind-workshop",
            pod_namespace=NAMESPACE,
        )
        assert run.code == 0, run.output
        yield json.loads((folder / "seen.json").read_text())
    finally:
        remove()


@pytest.fixture
def pods(seen: dict[str, t.Any]) -> dict[str, t.Any]:
    """How each stood, by its name."""
    assert seen["watched"]["met"], seen["watched"]
    return {pod["name"]: pod for pod in seen["looked"]["pods"]}


def test_a_watch_and_a_look_tell_the_same(seen, pods):
    of_watch = seen["watched"]["pods"]
    # Of those that have come to rest.
    for name in "evicted", "past-its-deadline", "rejected", "never-starts", "fails-before":
        for key in "uid", "phase", "reason", "message", "ready", "scheduled", "containers", "oom_killed":
            assert of_watch[name][key] == pods[name][key], f"{name}: {key}"


def test_an_evicted_pod_says_why_and_its_container_was_not_killed_for_memory(pods):
    evicted = pods["evicted"]
    assert (evicted["phase"], evicted["reason"], evicted["ready"]) == ("Failed", "Evicted", False)
    assert 'exceeds the limit "1Mi"' in evicted["message"]
    assert not evicted["oom_killed"]


def test_a_pod_past_its_deadline_says_so_and_its_container_how_it_ended(pods):
    late = pods["past-its-deadline"]
    assert (late["phase"], late["reason"]) == ("Failed", "DeadlineExceeded")
    assert late["containers"]["box"]["exit_code"] == 7


def test_a_rejected_pod_never_had_a_container(pods):
    rejected = pods["rejected"]
    assert (rejected["phase"], rejected["reason"]) == ("Failed", "NodeAffinity")
    box = rejected["containers"]["box"]
    assert (box["id"], box["exit_code"], box["started_at"], box["finished_at"]) == (None, None, None, None)
    assert rejected["terminations"] == []


def test_a_program_that_is_not_there_has_no_beginning(pods):
    box = pods["never-starts"]["containers"]["box"]
    assert (box["state"], box["reason"], box["exit_code"]) == ("terminated", "StartError", 128)
    assert "no-such-program" in box["message"]
    # The API writes 1970.
    assert box["started_at"] is None


def test_a_pod_whose_init_container_failed_tells_it_from_the_container_that_waits(pods):
    containers = pods["fails-before"]["containers"]
    assert (containers["migrate"]["kind"], containers["migrate"]["exit_code"]) == ("init", 3)
    assert (containers["box"]["kind"], containers["box"]["exit_code"]) == ("container", None)
    assert [ending["container"] for ending in pods["fails-before"]["terminations"]] == ["migrate"]


def test_a_native_sidecar_is_told_from_an_init_container_and_ends_after_the_work(seen):
    helped = seen["watched"]["pods"]["helped"]
    assert helped["phase"] == "Succeeded"
    helper, box = helped["containers"]["helper"], helped["containers"]["box"]
    assert (helper["kind"], box["kind"], box["exit_code"]) == ("sidecar", "container", 0)
    assert helper["finished_at"] >= box["finished_at"]


def test_a_static_pod_is_a_mirror_with_the_events_of_what_it_mirrors(pods):
    static = pods["static-workshop-control-plane"]
    assert static["mirror"]
    assert [owner["kind"] for owner in static["owners"]] == ["Node"]
    assert "Started" in {event["reason"] for event in static["events"]}
    assert not pods["held"]["mirror"]


def test_who_may_read_pods_alone_gets_them_and_hears_what_was_not_seen(seen, pods):
    looked = seen["looked_as_reader"]
    (pod,) = looked["pods"]
    assert pod["containers"] == pods["never-starts"]["containers"]
    assert pod["events"] is None
    assert "events" in json.dumps(looked["not_seen"])
    assert "pods/exec" in seen["refused"]["msg"] and "forbidden" in seen["refused"]["msg"]


def test_a_process_list_is_that_of_the_container_though_the_pod_shares_its_processes(seen):
    assert [process["command"] for process in seen["shared"]["processes"]] == ["sleep 1002"]
    assert seen["shared"]["process_namespace"] == "pod"


def stopped(seen: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    (found,) = [result for result in seen["stopped"]["results"] if result["item"] == name]
    return found


def test_what_catches_sigterm_and_stays_is_told_by_how_it_ends(seen):
    stays = stopped(seen, "catches-and-stays")
    assert stays["containers"]["box"]["signal"] == "SIGKILL"
    assert stays["grace_seconds"] == 3
    assert stays["containers"]["box"]["finished_at"] - stays["told_at"] >= 2


@pytest.mark.parametrize(("name", "exit_code"), [("passes-it-on", 0), ("ends-otherwise", 143)])
def test_what_ends_by_sigterm_is_told_by_how_it_ends(seen, name, exit_code):
    ends = stopped(seen, name)
    assert ends["containers"]["box"]["exit_code"] == exit_code
    assert ends["seconds"] < ends["grace_seconds"] == 20


def test_a_pod_that_somebody_holds_is_no_success_and_what_was_seen_is_not_lost(seen):
    held = seen["held"]
    assert "look for finalizers" in held["msg"]
    # It ignores SIGTERM as PID 1.
    assert held["containers"]["box"]["signal"] == "SIGKILL"
    assert held["deleted_at"]
