# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules.traffic import observe
from kubernetes.client.exceptions import ApiException

PODS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "module_utils" / "pods.yml").read_text())
NOON = 1769860800.0
RUNNING = {"running": {"startedAt": "2026-01-31T12:00:00Z"}}
ENDED = {"terminated": {"exitCode": 0, "startedAt": "2026-01-31T12:00:00Z", "finishedAt": "2026-01-31T12:01:00Z"}}
BEFORE = {"terminated": {"exitCode": 1, "startedAt": "2026-01-31T11:00:00Z", "finishedAt": "2026-01-31T11:01:00Z"}}


def client(state: dict[str, Any] | None = None, last_state: dict[str, Any] | None = None, restarts: int = 0) -> Any:
    pod = copy.deepcopy(PODS["ready"])
    pod["metadata"] |= {"name": "client", "namespace": "shop"}
    pod["status"]["containerStatuses"][0] |= {
        "state": state or RUNNING,
        "lastState": last_state or {},
        "restartCount": restarts,
    }
    return pod


def line(number: int, status: int = 200, at: float | None = None) -> str:
    began = NOON + number if at is None else at
    return json.dumps({"number": number, "at": began, "seconds": 0.5, "status": status, "error": None})


class FakeCluster:
    """A cluster whose client has logged these lines; the second pod is that of a look after the log was read."""

    def __init__(self, *lines: str, pods: tuple[Any, ...] = (), refusal: Any = None, **options: Any) -> None:
        self.params = {
            "pods": ["client"],
            "pod": None,
            "namespace": "shop",
            "container": None,
            "since": None,
            "until": None,
            **options,
        }
        self.lines = lines
        self.pods = list(pods or (client(), client()))
        self.refusal = refusal

    def pod(self, name, namespace):
        assert (name, namespace) == ("client", "shop")
        return self.pods.pop(0), "900"

    def resource(self, kind):
        assert kind == "Pod"
        return SimpleNamespace(log=SimpleNamespace(get=self.get))

    def get(self, name, namespace, query_params, serialize):
        assert (name, namespace, query_params) == ("client", "shop", [("container", "web")])
        if self.refusal:
            raise self.refusal
        return SimpleNamespace(data="\n".join(self.lines).encode())


def look(cluster: FakeCluster) -> dict[str, Any]:
    """What became of the requests of the client."""
    seen: dict[str, Any] = observe(cluster)  # type: ignore[arg-type]
    assert not seen["changed"]
    assert seen["clients"].keys() == {"client"}
    only: dict[str, Any] = seen["clients"]["client"]
    return only


def test_what_became_of_the_requests():
    seen = look(FakeCluster(line(0), line(1, 503), line(2), since=NOON + 1))
    assert (seen["requests"], seen["failed_requests"], seen["ended"]) == (2, 1, False)
    assert (seen["missing_requests"], seen["cut_lines"], seen["not_seen"]) == (0, 0, [])


def test_a_single_client_is_told_without_its_name_too():
    seen: dict[str, Any] = observe(FakeCluster(line(0), line(1, 503), pods=None, pod="client"))  # type: ignore[arg-type]
    assert seen == {"changed": False, "clients": seen["clients"], **seen["clients"]["client"]}
    assert seen["failed_requests"] == 1
    # A log that lacks requests fails the task, and says even so what was seen.
    with pytest.raises(Problem) as raised:
        observe(FakeCluster(line(0), pods=(client(restarts=1),) * 2, pod="client", since=NOON - 3600))  # type: ignore[arg-type]
    assert raised.value.seen["requests"] == raised.value.seen["clients"]["client"]["requests"] == 1


def test_what_is_missing_and_what_was_cut_is_counted_and_said():
    seen = look(FakeCluster(line(0), line(3), '{"number": 4, "at":'))
    assert (seen["missing_requests"], seen["cut_lines"]) == (2, 1)
    assert seen["not_seen"] == [
        "Requests without a line: 2. They are under way, or were lost.",
        "Lines of the log that were cut: 1. Nobody knows what became of those requests.",
    ]


@pytest.mark.parametrize(
    ("lines", "state", "last_state", "restarts", "since", "said"),
    [
        ([0, 1], RUNNING, BEFORE, 1, None, "was restarted (1 in all)"),
        ([0, 1], RUNNING, BEFORE, 1, NOON - 60, "its last start at 1769860800.0:"),
        # It waits for its next start, and the log is that of the last one.
        ([0, 1], {"waiting": {"reason": "CrashLoopBackOff"}}, ENDED, 3, NOON, "was restarted (3 in all)"),
        ([0, 1], ENDED, BEFORE, 1, NOON, "was restarted (1 in all)"),
        ([7, 8], RUNNING, None, 0, None, "begins with the number 7"),
        ([0, 1, 1], RUNNING, None, 0, None, "more than one request with the number 1"),
        ([0, 3], ENDED, None, 0, None, "lacks 2 of its requests, from the number 1 on"),
        ([0, 3], {"waiting": {}}, ENDED, 1, NOON + 1, "lacks 2 of its requests, from the number 1 on"),
        ([0, 2, 100], RUNNING, None, 0, None, "lacks 1 of its requests, from the number 1 on"),
    ],
)
def test_no_failure_goes_unnoticed(lines, state, last_state, restarts, since, said):
    now = client(state, last_state, restarts)
    with pytest.raises(Problem) as problem:
        observe(FakeCluster(*map(line, lines), pods=(now, now), since=since))
    assert str(problem.value).startswith("The log of pod client ")
    assert said in str(problem.value)
    # What was seen is told even so.
    assert problem.value.seen["clients"]["client"]["requests"] >= 1


@pytest.mark.parametrize(("phase", "ended"), [("Running", False), ("Succeeded", True), ("Failed", True)])
def test_a_client_that_has_ended(phase, ended):
    now = client(RUNNING if phase == "Running" else ENDED)
    now["status"]["phase"] = phase
    assert look(FakeCluster(line(0), pods=(now, now)))["ended"] is ended


def test_a_client_that_was_restarted_before_the_time_asked_for():
    now = client(RUNNING, BEFORE, 1)
    assert look(FakeCluster(line(0), line(1), line(2), pods=(now, now), since=NOON + 1))["requests"] == 2


def test_a_restart_between_the_look_and_the_log_is_seen():
    with pytest.raises(Problem, match="was restarted"):
        observe(FakeCluster(line(0), pods=(client(), client(RUNNING, BEFORE, 1))))


def test_another_pod_of_the_name_is_not_the_client():
    other = client()
    other["metadata"]["uid"] = "another"
    with pytest.raises(Problem, match="^Pod client was replaced by another"):
        observe(FakeCluster(line(0), pods=(client(), other)))


def refused(status: int, body: str) -> ApiException:
    refusal = ApiException(status=status, reason="Bad Request")
    refusal.body = body
    return refusal


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, 'container "web" in pod "client" is waiting to start: ContainerCreating'),
        # It has no node yet, or the node has not heard of it.
        (400, "pod client does not have a host assigned"),
        (404, 'pods "client" not found'),
    ],
)
def test_a_client_that_has_not_started_has_no_samples(status, said):
    now = client({"waiting": {"reason": "ContainerCreating"}})
    assert look(FakeCluster(refusal=refused(status, said), pods=(now, now)))["requests"] == 0
    nothing = client()
    nothing["status"].pop("containerStatuses")
    assert look(FakeCluster(refusal=refused(status, said), pods=(nothing, nothing)))["requests"] == 0


def test_a_client_that_is_waiting_by_the_time_it_is_asked():
    said = 'container "web" in pod "client" is waiting to start: CrashLoopBackOff'
    assert look(FakeCluster(refusal=refused(400, said)))["requests"] == 0


@pytest.mark.parametrize("status", [400, 404, 500])
def test_the_log_of_a_client_that_has_started_can_be_had(status):
    with pytest.raises(ApiException):
        observe(FakeCluster(refusal=refused(status, "something else")))


def test_a_log_of_something_else():
    with pytest.raises(Problem, match=r"^The log of pod client has no samples but begins with 'Listening': is it a"):
        observe(FakeCluster("Listening", "on 80"))


def test_a_time_that_ends_before_it_begins():
    with pytest.raises(Problem, match=r"^since \(2.0\) is later than until \(1.0\)"):
        observe(FakeCluster(since=2.0, until=1.0))


def test_of_several_containers_one_has_to_be_named():
    several = client()
    several["spec"]["containers"].append({"name": "mesh"})
    with pytest.raises(Problem, match=r"several containers: name one with container \(web, mesh\)"):
        observe(FakeCluster(line(0), pods=(several, several)))
    assert look(FakeCluster(line(0), pods=(several, several), container="web"))["requests"] == 1
