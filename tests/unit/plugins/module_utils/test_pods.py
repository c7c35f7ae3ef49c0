# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import typing as t
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import (
    PREDICATES,
    by_time,
    chosen_container,
    endings,
    epoch,
    event,
    killed_by,
    oom_killed,
    outcome,
    uids,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

PODS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("pods.yml").read_text())
NOON = 1769860800.0  # 2026-01-31T12:00:00Z
THE_PODS = ("oom_killed", "pod_ready", "unschedulable")


@pytest.mark.parametrize("seen", [lambda pod: pod, outcome], ids=["as the API gives it", "as pod_outcome gives it"])
@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("oom_killed", {"oom_killed"}),
        ("error_137", set()),
        ("unschedulable", {"unschedulable"}),
        ("ready", {"pod_ready"}),
        ("empty_status", set()),
    ],
)
def test_what_is_true_of_a_pod(name, true, seen):
    assert {predicate for predicate in THE_PODS if PREDICATES[predicate](seen(PODS[name]))} == true


def test_no_predicate_is_left_out():
    assert set(PREDICATES) == {"killed_by", *THE_PODS}


def kind(name: str, spec: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": name, "metadata": {"name": "web", "uid": "1"}, "spec": spec, "status": status}


READY = {"conditions": [{"type": "Ready", "status": "True"}]}
TEMPLATE = {"template": {"spec": {"containers": [{"name": "web"}]}}}
NO_PODS = [
    kind("Node", {"podCIDR": "10.244.0.0/24"}, **READY),
    kind("Deployment", TEMPLATE, **READY),
    kind("StatefulSet", TEMPLATE),
    kind("Job", TEMPLATE, succeeded=1),
    kind("CronJob", {"jobTemplate": {"spec": TEMPLATE}}),
    # One of somebody's own may look like a pod.
    kind("Workload", {"containers": [{"name": "web"}]}, **READY),
]


@pytest.mark.parametrize("predicate", THE_PODS)
@pytest.mark.parametrize("value", NO_PODS, ids=[value["kind"] for value in NO_PODS])
def test_what_is_another_kind_is_refused_by_its_name(value, predicate):
    with pytest.raises(ValueError, match=f"^This is a {value['kind']} and no pod: give one of the pods"):
        PREDICATES[predicate](value)


# A Deployment whose kind was lost is one, too.
@pytest.mark.parametrize("predicate", THE_PODS)
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"pods": []},
        None,
        "hog",
        7,
        [PODS["ready"]],
        {"metadata": {}, "spec": TEMPLATE},
        {"metadata": {}, "spec": None},
        {"terminations": []},
        {"scheduled": {"status": "True"}},
    ],
)
def test_what_is_no_pod_is_refused(value, predicate):
    with pytest.raises(ValueError, match="^This is no pod: give one of the pods"):
        PREDICATES[predicate](value)


def test_an_item_of_a_list_needs_no_kind():
    item = {name: value for name, value in PODS["oom_killed"].items() if name not in ("kind", "apiVersion")}
    assert oom_killed(item) is True


@pytest.mark.parametrize(
    ("ended", "signal", "true"),
    [
        (137, "SIGKILL", True),
        (143, "SIGKILL", False),
        ({"exit_code": 143}, "SIGTERM", True),
        ({"exit_code": 0}, "SIGTERM", False),
        ({"exit_code": None}, "SIGTERM", False),
        (None, "SIGTERM", False),
    ],
)
def test_killed_by(ended, signal, true):
    assert killed_by(ended, signal) is true


def test_killed_by_refuses_what_it_cannot_answer():
    with pytest.raises(ValueError, match="'KILL' is no signal"):
        killed_by(137, "KILL")
    with pytest.raises(ValueError, match="has no exit_code"):
        killed_by({"rc": 137}, "SIGKILL")
    with pytest.raises(ValueError, match="has no exit_code"):
        killed_by(outcome(PODS["error_137"]), "SIGKILL")
    with pytest.raises(TypeError, match="is no exit code"):
        killed_by("137", "SIGKILL")


def test_outcome_of_a_killed_pod():
    hog = outcome(PODS["oom_killed"])
    assert (hog["name"], hog["node"], hog["phase"], hog["ready"]) == ("hog", "workshop-control-plane", "Running", False)
    assert (hog["mirror"], hog["reason"], hog["message"], hog["deletion_timestamp"]) == (False, None, None, None)
    assert hog["scheduled"] == {"status": "True", "reason": None, "message": None}
    assert hog["containers"]["hog"] == {
        "kind": "container",
        "image": "localhost:5001/hog:1",
        "image_pull_policy": "IfNotPresent",
        "image_digest": "sha256:aaa",
        "id": "containerd://bbb",
        "ready": False,
        "started": False,
        "restarts": 2,
        "state": "waiting",
        "reason": "CrashLoopBackOff",
        "message": "back-off 20s restarting failed container=hog",
        "exit_code": None,
        "signal": None,
        "started_at": None,
        "finished_at": None,
    }
    assert hog["terminations"] == [
        {
            "container": "hog",
            "ran": True,
            "reason": "OOMKilled",
            "message": None,
            "exit_code": 137,
            "signal": "SIGKILL",
            "started_at": NOON + 1,
            "finished_at": NOON + 2,
        }
    ]


def test_both_endings_are_known_by_time():
    assert [ended["exit_code"] for ended in outcome(PODS["error_137"])["terminations"]] == [1, 137]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"containerID": "containerd://a"}, {"containerID": "containerd://b"}),
        ({"finishedAt": "2026-01-31T12:00:01Z"}, {"finishedAt": "2026-01-31T12:00:02Z"}),
    ],
    ids=["in one second", "without an identity"],
)
def test_two_endings_are_two(first, second):
    pod = copy.deepcopy(PODS["error_137"])
    status = pod["status"]["containerStatuses"][0]
    status["lastState"], status["state"] = ({"terminated": {"exitCode": 1, **one}} for one in (first, second))
    assert len(outcome(pod)["terminations"]) == 2


def test_an_error_is_no_kill_for_memory():
    assert outcome(PODS["error_137"])["oom_killed"] is False


def test_a_container_that_runs_is_started_and_ready():
    web = outcome(PODS["ready"])["containers"]["web"]
    assert (web["started"], web["ready"]) == (True, True)


@pytest.mark.parametrize(
    ("image", "digest"),
    [
        ("localhost:5001/hog@sha256:aaa", "sha256:aaa"),
        # Of an image that came from no registry.
        ("sha256:ccc", "sha256:ccc"),
        ("", None),
        (None, None),
    ],
)
def test_the_digest_of_an_image(image, digest):
    pod = copy.deepcopy(PODS["oom_killed"])
    pod["status"]["containerStatuses"][0]["imageID"] = image
    assert outcome(pod)["containers"]["hog"]["image_digest"] == digest


def test_why_the_scheduler_found_no_node():
    scheduled = outcome(PODS["unschedulable"])["scheduled"]
    assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
    assert scheduled["message"] is not None
    assert scheduled["message"].startswith("0/1 nodes are available")


def test_one_ending_told_twice_is_one():
    pod = yaml.safe_load(yaml.safe_dump(PODS["error_137"]))
    status = pod["status"]["containerStatuses"][0]
    status["lastState"] = status["state"]
    assert [ended["exit_code"] for ended in outcome(pod)["terminations"]] == [137]


def test_kinds_of_containers():
    assert {name: found["kind"] for name, found in outcome(PODS["ready"])["containers"].items()} == {
        "fetch": "init",
        "proxy": "sidecar",
        "web": "container",
    }


def test_who_owns_a_pod_and_why_the_cluster_ends_it():
    hog = outcome(PODS["oom_killed"])
    assert (hog["owners"], hog["disruption"]) == ([], None)
    pod = yaml.safe_load(yaml.safe_dump(PODS["oom_killed"]))
    pod["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "hog-1", "uid": "2"}]
    pod["status"].setdefault("conditions", []).append(
        {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
    )
    marked = outcome(pod)
    assert marked["owners"] == [{"kind": "ReplicaSet", "name": "hog-1"}]
    assert marked["disruption"] == "DeletionByTaintManager"


def test_a_pod_that_nobody_has_looked_at_yet():
    new = outcome(PODS["empty_status"])
    assert (new["phase"], new["node"], new["scheduled"]["status"]) == (None, None, "Unknown")
    assert new["containers"]["new"]["state"] == "waiting"
    assert new["containers"]["new"]["restarts"] == 0
    assert new["terminations"] == []


def test_endings_tell_only_what_was_seen():
    assert endings(PODS["error_137"])["hog"] == {
        "exit_code": 137,
        "signal": "SIGKILL",
        "reason": "Error",
        "message": None,
        "started_at": NOON + 4,
        "finished_at": NOON + 5,
    }
    # Not the reason for waiting, nor the ending before the last start.
    assert set(endings(PODS["oom_killed"])["hog"].values()) == {None}


def test_events_of_both_generations():
    kubelet = event(
        {
            "reason": "Unhealthy",
            "type": "Warning",
            "message": "Liveness probe failed",
            "count": 3,
            "firstTimestamp": "2026-01-31T12:00:01Z",
            "lastTimestamp": "2026-01-31T12:00:21Z",
            "eventTime": None,
        }
    )
    scheduler = event(
        {
            "reason": "FailedScheduling",
            "type": "Warning",
            "message": "0/1 nodes are available",
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": "2026-01-31T12:00:21.500000Z",
        }
    )
    assert (kubelet["count"], kubelet["first_time"], kubelet["last_time"]) == (3, NOON + 1, NOON + 21)
    assert (scheduler["count"], scheduler["first_time"], scheduler["last_time"]) == (1, NOON + 21.5, NOON + 21.5)
    assert by_time([scheduler, kubelet]) == [kubelet, scheduler]
    assert (kubelet["reason"], kubelet["type"], kubelet["message"]) == ("Unhealthy", "Warning", "Liveness probe failed")


def test_an_event_that_goes_on_is_counted_by_its_series():
    series = {"count": 4, "lastObservedTime": "2026-01-31T12:00:09.000000Z"}
    told = event({"eventTime": "2026-01-31T12:00:01.000000Z", "series": series})
    assert (told["count"], told["first_time"], told["last_time"]) == (4, NOON + 1, NOON + 9)


@pytest.mark.parametrize(
    ("time", "since_1970"),
    [
        (None, None),
        ("", None),
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T13:00:00.250000+01:00", NOON + 0.25),
        # What runtimes write where there is no time.
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_times_are_seconds_since_the_epoch(time, since_1970):
    assert epoch(time) == since_1970


def ended(**terminated: Any) -> dict[str, Any]:
    """A pod whose container is terminated like this, now and before its last start."""
    pod: dict[str, Any] = copy.deepcopy(PODS["error_137"])
    status = pod["status"]["containerStatuses"][0]
    status["state"] = status["lastState"] = {"terminated": terminated}
    return pod


INVENTED = [
    # By the kubelet, for a container that it can't find or that never ran.
    {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    },
    # By containerd, for one whose end it missed.
    {
        "exitCode": 255,
        "reason": "Unknown",
        "startedAt": "2026-01-31T12:00:00Z",
        "finishedAt": "2026-01-31T13:00:00Z",
        "containerID": "containerd://eee",
    },
    # By CRI-O, for one whose exit file it does not find.
    {
        "exitCode": -1,
        "reason": "Error",
        "startedAt": "2026-01-31T12:00:00Z",
        "finishedAt": "2026-01-31T13:00:00Z",
        "containerID": "cri-o://eee",
    },
    # By the kubelet, for one that it took away to start all of the pod again, and for an init container that it lost.
    {
        "exitCode": 137,
        "reason": "RestartingAllContainers",
        "message": "The container is removed because RestartAllContainers in place",
        "startedAt": None,
        "finishedAt": None,
    },
    {
        "exitCode": 0,
        "reason": "Completed",
        "message": "Unable to get init container status from container runtime and pod has been initialized, treat it "
        "as exited normally",
        "startedAt": None,
        "finishedAt": None,
    },
]


@pytest.mark.parametrize("terminated", INVENTED, ids=["kubelet", "containerd", "CRI-O", "all again", "lost"])
def test_an_ending_that_nobody_saw_is_null_with_its_reason(terminated):
    pod = ended(**terminated)
    unseen = {"exit_code": None, "signal": None, "finished_at": None}
    told: dict[str, t.Any]
    for told in (outcome(pod)["containers"]["hog"], endings(pod)["hog"], *outcome(pod)["terminations"]):  # type: ignore[assignment]
        assert {name: told[name] for name in unseen} == unseen
        assert (told["reason"], told["message"]) == (terminated["reason"], terminated.get("message"))
        assert killed_by(told, "SIGKILL") is False
    assert len(outcome(pod)["terminations"]) == 1


@pytest.mark.parametrize(
    ("code", "reason"), [(137, "Error"), (137, "Unknown"), (255, "Error"), (137, "OOMKilled"), (0, "Completed")]
)
def test_an_ending_that_the_runtime_saw_is_told(code, reason):
    pod = ended(exitCode=code, reason=reason, startedAt="2026-01-31T12:00:00Z", finishedAt="2026-01-31T12:00:02Z")
    told = endings(pod)["hog"]
    assert (told["exit_code"], told["started_at"], told["finished_at"]) == (code, NOON, NOON + 2)


@pytest.mark.parametrize("reason", ["StartError", "ContainerCannotRun"])
def test_a_program_that_could_not_be_started_never_did(reason):
    pod = ended(
        exitCode=128,
        reason=reason,
        message="exec: no such file",
        startedAt="1970-01-01T00:00:00Z",
        finishedAt="2026-01-31T12:00:02Z",
    )
    assert [one["ran"] for one in outcome(pod)["terminations"]] == [False]
    assert endings(pod)["hog"] == {
        "exit_code": 128,
        "signal": None,
        "reason": reason,
        "message": "exec: no such file",
        "started_at": None,
        "finished_at": NOON + 2,
    }


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("Evicted", "The node was low on resource: memory."),
        ("OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu"),
        ("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed"),
        ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
    ],
)
def test_a_pod_that_failed_as_a_whole_says_why(reason, message):
    pod = copy.deepcopy(PODS["empty_status"])
    pod["status"] = {"phase": "Failed", "reason": reason, "message": message}
    told = outcome(pod)
    assert (told["phase"], told["reason"], told["message"], told["terminations"]) == ("Failed", reason, message, [])


def test_a_pod_that_is_being_deleted():
    pod = copy.deepcopy(PODS["ready"])
    pod["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:30Z"
    assert outcome(pod)["deletion_timestamp"] == NOON + 30


def debugged() -> dict[str, Any]:
    pod: dict[str, Any] = copy.deepcopy(PODS["ready"])
    pod["spec"]["ephemeralContainers"] = [{"name": "peek", "targetContainerName": "web"}]
    pod["status"]["ephemeralContainerStatuses"] = [
        {"name": "peek", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-31T12:00:09Z"}}}
    ]
    return pod


def test_an_ephemeral_container_is_one_of_them():
    peek = outcome(debugged())["containers"]["peek"]
    assert (peek["kind"], peek["state"], peek["started_at"]) == ("ephemeral", "running", NOON + 9)
    assert set(endings(debugged())) == {"fetch", "proxy", "web", "peek"}


def test_the_ending_of_a_container_of_any_kind_is_one():
    pod = debugged()
    terminated = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-31T12:01:00Z"}}
    pod["status"]["ephemeralContainerStatuses"][0]["state"] = terminated
    assert [termination["container"] for termination in outcome(pod)["terminations"]] == ["fetch", "peek"]
    assert outcome(pod)["oom_killed"] is True


def test_events_of_a_static_pod_name_itself_and_those_of_others_their_pod():
    pod = copy.deepcopy(PODS["ready"])
    assert uids(pod) == {pod["metadata"]["uid"]}
    pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "f00d"}
    assert uids(pod) == {pod["metadata"]["uid"], "f00d"}
    assert outcome(pod)["mirror"] is True


def test_the_only_container_is_meant_whatever_stands_beside_it():
    assert chosen_container(debugged(), None)[0] == "web"
    assert chosen_container(debugged(), "peek")[1]["kind"] == "ephemeral"


def test_a_container_that_is_not_named_or_not_there():
    pod = copy.deepcopy(PODS["ready"])
    with pytest.raises(Problem, match=r"^Pod web has no container gone: it has fetch, proxy, web\.$"):
        chosen_container(pod, "gone")
    pod["spec"]["containers"].append({"name": "second"})
    with pytest.raises(Problem, match=r"^Pod web has several containers: .* \(web, second\)\.$"):
        chosen_container(pod, None)
