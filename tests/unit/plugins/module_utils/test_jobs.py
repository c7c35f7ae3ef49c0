# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.jobs import (
    job_outcomes,
    pod_outcomes,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import epoch
from ansible_collections.workshop.production_patterns.plugins.module_utils.watching import Change, Look, Seen

HERE = Path(__file__).parent
JOBS: dict[str, Any] = yaml.safe_load((HERE / "jobs.yml").read_text())
PODS: dict[str, Any] = yaml.safe_load((HERE / "pods.yml").read_text())

# 2026-11-25T13:11:57Z, when the Jobs and their pods were made.
MADE = 1795612317.0


def seen(*objects: dict[str, Any]) -> Seen:
    history = Seen()
    history.take(Look(list(objects), 0.0, "1"))
    return history


def job(name: str, *pods: dict[str, Any], gone_at: float | None = None) -> dict[str, Any]:
    """The outcome of a Job that has these pods."""
    jobs = seen(JOBS[name]["job"])
    if gone_at:
        jobs.take(Change(JOBS[name]["job"], True, gone_at))
    outcome: dict[str, Any] = job_outcomes(jobs, seen(*pods))[name]
    return outcome


def later(name: str, uid: str, created: str, ended: str | None, **terminated: Any) -> dict[str, Any]:
    """Another pod of a Job, of these times of day."""
    pod = copy.deepcopy(JOBS[name]["pod"])
    pod["metadata"] |= {"uid": uid, "name": uid, "creationTimestamp": f"2026-11-25T{created}Z"}
    status = pod["status"]["containerStatuses"][0]
    status["state"] = {"running": {}}
    if ended:
        ending = {"exitCode": 3, "reason": "Error", "finishedAt": f"2026-11-25T{ended}Z", "containerID": uid}
        status["state"] = {"terminated": {**ending, **terminated}}
    return pod


def test_a_job_that_was_ended_by_its_deadline():
    pods = [
        later("deadline", "1-third", "13:12:16", None),
        JOBS["deadline"]["pod"],
        later("deadline", "2-second", "13:12:10", "13:12:14", exitCode=137, reason="Error"),
    ]
    assert job("deadline", *pods, JOBS["limit"]["pod"]) == {
        "name": "deadline",
        "uid": JOBS["deadline"]["job"]["metadata"]["uid"],
        "spec": JOBS["deadline"]["job"]["spec"],
        "failures": 2,
        "exit_codes": [3, 137],
        "endings": 2,
        "start_errors": 0,
        "pods": 3,
        "pods_of_index": {},
        "pods_left": 3,
        "pods_after_end": 1,
        "created_at": [MADE, MADE + 13, MADE + 19],
        # The first ended at 13:12:00.
        "waits_seconds": [10.0, 2.0],
        "ended": "Failed",
        "reason": "DeadlineExceeded",
        "given_up_at": MADE + 15,
        "given_up_after_seconds": 15.0,
        # The cluster waits for the end of the last pod, three seconds after the deadline.
        "ended_at": MADE + 18,
        "ended_after_seconds": 18.0,
        "removed_at": None,
        "removed_after_seconds": None,
        "earlier": [],
    }


def test_the_pods_of_an_indexed_job_are_counted_for_each_index():
    pods = [later("deadline", uid, "13:12:16", None) for uid in ("a", "b", "c")]
    for pod, index in zip(pods, "010", strict=True):
        pod["metadata"]["annotations"] = {"batch.kubernetes.io/job-completion-index": index}
    assert job("deadline", *pods)["pods_of_index"] == {"0": 2, "1": 1}


def test_a_pod_that_is_gone_counts_but_is_not_left():
    jobs, pods = seen(JOBS["deadline"]["job"]), seen(JOBS["deadline"]["pod"])
    pods.take(Look([], 5.0, "2"))
    outcome = job_outcomes(jobs, pods)["deadline"]
    assert (outcome["pods"], outcome["pods_left"], outcome["exit_codes"]) == (1, 0, [3])


def test_a_pod_of_the_second_in_which_a_job_was_given_up_was_not_made_after_it():
    assert job("deadline", later("deadline", "same", "13:12:12", None))["pods_after_end"] == 0


def test_a_wait_after_an_end_that_nobody_saw_is_unknown():
    pods = [later("deadline", "second", "13:12:10", None), later("deadline", "third", "13:12:20", None)]
    assert job("deadline", JOBS["deadline"]["pod"], *pods)["waits_seconds"] == [10.0, None]


def test_a_container_that_failed_to_start_is_no_exit_code():
    outcome = job("starts-not", JOBS["starts-not"]["pod"])
    assert (outcome["start_errors"], outcome["exit_codes"], outcome["failures"]) == (1, [], 1)
    assert (outcome["ended"], outcome["spec"]["backoffLimit"]) == ("Failed", 0)


def test_a_job_that_was_removed():
    outcome = job("limit", gone_at=MADE + 17.5)
    assert (outcome["removed_at"], outcome["removed_after_seconds"]) == (MADE + 17.5, 10.5)


@pytest.mark.parametrize("keep", [[], ["FailureTarget"]], ids=["runs", "ends"])
def test_a_job_that_has_not_ended_yet(keep):
    found = copy.deepcopy(JOBS["deadline"]["job"])
    found["status"] = {"conditions": [one for one in found["status"]["conditions"] if one["type"] in keep]}
    outcome = job_outcomes(seen(found), seen(JOBS["deadline"]["pod"]))["deadline"]
    names = ("ended", "reason", "ended_at", "ended_after_seconds", "failures", "pods_after_end")
    assert [outcome[name] for name in names] == [None, None, None, None, 0, 0]


def test_a_job_of_a_cluster_that_does_not_say_when_it_gives_up():
    found = copy.deepcopy(JOBS["deadline"]["job"])
    found["status"]["conditions"] = [one for one in found["status"]["conditions"] if one["type"] != "FailureTarget"]
    outcome = job_outcomes(seen(found), seen())["deadline"]
    assert (outcome["given_up_at"], outcome["given_up_after_seconds"]) == (MADE + 18, 18.0)


def test_a_job_that_is_complete():
    found = copy.deepcopy(JOBS["limit"]["job"])
    found["spec"] |= {"selector": {"matchLabels": {}}, "template": {"spec": {}}}
    found["status"] = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": None}]}
    outcome = job_outcomes(seen(found), seen())["limit"]
    assert (outcome["ended"], outcome["ended_at"]) == ("Complete", None)
    # What belongs to the pods is theirs.
    assert outcome["spec"] == JOBS["limit"]["job"]["spec"]


def test_a_condition_that_is_false_is_no_end():
    found = copy.deepcopy(JOBS["limit"]["job"])
    for condition in found["status"]["conditions"]:
        condition["status"] = "False"
    assert job_outcomes(seen(found), seen())["limit"]["ended"] is None


def test_a_name_that_was_borne_by_several_is_that_of_the_last():
    first, last = JOBS["limit"]["pod"], later("limit", "0-last", "13:13:00", None)
    last["metadata"]["name"] = first["metadata"]["name"]
    outcome = pod_outcomes(seen(last, first))[first["metadata"]["name"]]
    assert outcome["uid"] == "0-last"
    assert [one["uid"] for one in outcome["earlier"]] == [first["metadata"]["uid"]]


def crashed(times: int, ident: str = "bbb") -> dict[str, Any]:
    """A pod whose container has ended so many times, always in the same second."""
    pod = copy.deepcopy(PODS["oom_killed"])
    status = pod["status"]["containerStatuses"][0]
    status["restartCount"] = times
    status["lastState"]["terminated"]["containerID"] = ident
    return pod


def test_every_ending_that_was_seen_is_told_not_only_the_last_two():
    pods = seen(crashed(1, "a"))
    for times, ident in enumerate("bbcd", start=2):
        pods.take(Change(crashed(times, ident), False, 0.0))
    hog = pod_outcomes(pods)["hog"]
    assert [one["reason"] for one in hog["terminations"]] == ["OOMKilled"] * 4
    assert hog["containers"]["hog"]["restarts"] == 5


def test_an_ending_says_how_long_after_it_it_was_seen_unless_it_was_there_before():
    """Of what a look finds nobody knows how long it has been there: the first one, and one after a gap."""
    pods, end = seen(crashed(1, "a")), PODS["oom_killed"]["status"]["containerStatuses"][0]["lastState"]["terminated"]
    finished_at = epoch(end["finishedAt"]) or 0.0
    pods.take(Change(crashed(2, "b"), False, finished_at + 0.75))
    # Told again, which says nothing new.
    pods.take(Change(crashed(2, "b"), False, finished_at + 60))
    pods.take(Look([crashed(3, "c")], finished_at + 61, "9"))
    hog = pod_outcomes(pods)["hog"]
    assert [one["seen_after_seconds"] for one in hog["terminations"]] == [None, 0.75, None]


def test_the_endings_of_several_containers_are_told_once_and_by_time():
    pod = copy.deepcopy(PODS["error_137"])
    (first,) = pod["status"]["containerStatuses"]
    del first["lastState"]
    earlier = copy.deepcopy(first) | {"name": "zz"}
    earlier["state"]["terminated"] |= {"containerID": "zz", "exitCode": 1, "finishedAt": "2026-01-31T12:00:00Z"}
    pod["spec"]["containers"].append({"name": "zz"})
    pod["status"]["containerStatuses"] = [first, earlier]
    hog = pod_outcomes(seen(pod))["hog"]
    assert [(one["container"], one["exit_code"]) for one in hog["terminations"]] == [("zz", 1), ("hog", 137)]
    assert hog["oom_killed"] is False


def test_a_kill_for_memory_is_not_forgotten_when_the_container_ends_otherwise_later():
    pods, after = seen(crashed(1)), crashed(2, "later")
    after["status"]["containerStatuses"][0]["lastState"]["terminated"] |= {"reason": "Error", "exitCode": 1}
    pods.take(Change(after, False, 0.0))
    assert pod_outcomes(pods)["hog"]["oom_killed"]


def test_the_times_of_a_pod():
    pod = copy.deepcopy(PODS["ready"])
    outcome = pod_outcomes(seen(pod))[pod["metadata"]["name"]]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    assert outcome["created_at"] == epoch(pod["metadata"]["creationTimestamp"])
    assert outcome["ready_since"] is not None
    assert outcome["ready_since"] == epoch(ready["lastTransitionTime"])
    assert (outcome["deleted_at"], outcome["gone_at"]) == (None, None)
    ready["status"] = "False"
    # The time until which it may take, and the grace period.
    pod["metadata"] |= {"deletionTimestamp": "2026-01-31T12:01:00Z", "deletionGracePeriodSeconds": 30}
    pods, last = seen(pod), copy.deepcopy(pod)
    # The last step of a deletion.
    last["metadata"]["deletionGracePeriodSeconds"] = 0
    pods.take(Change(last, True, 9.5))
    outcome = pod_outcomes(pods)[pod["metadata"]["name"]]
    assert (outcome["ready_since"], outcome["gone_at"]) == (None, 9.5)
    assert outcome["deleted_at"] == epoch("2026-01-31T12:00:30Z")


def test_a_pod_that_is_given_no_time_to_end():
    pod = copy.deepcopy(PODS["ready"])
    pod["metadata"] |= {"deletionTimestamp": "2026-01-31T12:01:00Z", "deletionGracePeriodSeconds": 0}
    assert pod_outcomes(seen(pod))[pod["metadata"]["name"]]["deleted_at"] == epoch("2026-01-31T12:01:00Z")
