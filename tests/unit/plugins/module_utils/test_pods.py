# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import (
    PREDICATES,
    by_time,
    endings,
    event,
    killed_by,
    oom_killed,
    outcome,
)

PODS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("pods.yml").read_text())
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


@pytest.mark.parametrize("value", [{}, {"pods": []}, None, "hog", [PODS["ready"]]])
def test_what_is_no_pod_is_refused(value):
    with pytest.raises(ValueError, match="^This is no pod: give"):
        oom_killed(value)


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


def test_outcome_of_a_killed_pod():
    hog = outcome(PODS["oom_killed"])
    assert (hog["name"], hog["node"], hog["phase"], hog["ready"]) == ("hog", "workshop-control-plane", "Running", False)
    assert hog["scheduled"] == {"status": "True", "reason": None, "message": None}
    assert hog["containers"]["hog"] == {
        "kind": "container",
        "ready": False,
        "started": False,
        "restarts": 2,
        "state": "waiting",
        "reason": "CrashLoopBackOff",
        "exit_code": None,
        "signal": None,
        "started_at": None,
        "finished_at": None,
    }
    assert hog["terminations"] == [
        {
            "container": "hog",
            "reason": "OOMKilled",
            "exit_code": 137,
            "signal": "SIGKILL",
            "finished_at": "2026-01-31T12:00:02Z",
        }
    ]


def test_both_endings_are_known_by_time():
    assert [ended["exit_code"] for ended in outcome(PODS["error_137"])["terminations"]] == [1, 137]


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
        "finished_at": "2026-01-31T12:00:05Z",
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
    assert (kubelet["count"], kubelet["first_time"]) == (3, "2026-01-31T12:00:01Z")
    assert (scheduler["count"], scheduler["first_time"]) == (1, "2026-01-31T12:00:21.500000Z")
    assert by_time([scheduler, kubelet]) == [kubelet, scheduler]
