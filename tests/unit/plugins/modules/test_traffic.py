# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.modules import traffic
from api_server import Answer, ApiServer, status

PODS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "module_utils" / "pods.yml").read_text())
POD = "/api/v1/namespaces/shop/pods/client"
NOON = 1769860800.0
RUNNING = {"running": {"startedAt": "2026-01-31T12:00:00Z"}}
ENDED = {"terminated": {"exitCode": 0, "startedAt": "2026-01-31T12:00:00Z", "finishedAt": "2026-01-31T12:01:00Z"}}
FAILED_START = {"terminated": {"exitCode": 128, "reason": "StartError", "finishedAt": "2026-01-31T11:59:59Z"}}
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


def line(number: int, status: int = 200) -> str:
    return json.dumps({"number": number, "at": NOON + number, "seconds": 0.5, "status": status, "error": None})


@pytest.fixture
def look(api: ApiServer, call_on_cluster: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What the module says of a client that has logged this; the second pod is that of a look after that."""

    def run(log: Any, *pods: Any, **options: Any) -> dict[str, Any]:
        text = log if isinstance(log, bytes) else "\n".join(log).encode()
        api.on(POD, *[Answer(pod) for pod in pods or [client()]])
        api.on(f"{POD}/log", options.pop("refused", Answer(text)))
        named = {} if "pod" in options else {"pods": ["client"]}
        return call_on_cluster(traffic, **{"namespace": "shop", **named, **options})

    return run


def only(said: dict[str, Any]) -> Any:
    """What was said of the one client."""
    assert not said.get("failed"), said["msg"]
    assert not said["changed"]
    assert said["clients"].keys() == {"client"}
    return said["clients"]["client"]


def test_what_became_of_the_requests(api, look):
    seen = only(look([line(0), line(1, 503), line(2)], since=NOON + 1))
    assert (seen["requests"], seen["failed_requests"], seen["ended"]) == (2, 1, False)
    assert (seen["missing_requests"], seen["cut_lines"], seen["not_seen"]) == (0, 0, [])
    (request,) = api.asked(f"{POD}/log")
    assert request.query == {"container": "web"}


def test_a_single_client_is_told_without_its_name_too(look):
    said = look([line(0), line(1, 503)], pod="client")
    assert said == {"changed": False, "clients": said["clients"], **said["clients"]["client"]}
    assert said["failed_requests"] == 1
    # A log that lacks requests fails the task, and says even so what was seen.
    said = look([line(0)], client(restarts=1), pod="client", since=NOON - 3600)
    assert said["failed"]
    assert said["requests"] == said["clients"]["client"]["requests"] == 1


def test_each_of_several_clients_is_told_and_so_is_what_is_wrong_with_any(api, look):
    other = client()
    other["metadata"]["name"] = "other"
    api.on(POD.replace("client", "other"), Answer(other))
    api.on(f"{POD.replace('client', 'other')}/log", Answer(line(0).encode()))
    said = look([line(0), line(1)], pods=["client", "other", "gone"])
    assert said["msg"].startswith("There is no pod gone in namespace shop: ")
    assert {name: seen.get("requests") for name, seen in said["clients"].items()} == {
        "client": 2,
        "other": 1,
        "gone": None,
    }


def test_what_is_missing_and_what_was_cut_is_counted_and_said(look):
    seen = only(look([line(0), line(3), '{"number": 4, "at":']))
    assert (seen["missing_requests"], seen["cut_lines"]) == (2, 1)
    assert seen["not_seen"] == [
        "Requests without a line: 2. They are under way, or were lost.",
        "Lines of the log that were cut: 1. Nobody knows what became of those requests.",
    ]


@pytest.mark.parametrize(
    ("since", "until", "requests", "missing"),
    [(None, None, 4, 4), (3.5, None, 2, 2), (None, 3.5, 2, 2), (3.5, 3.9, 0, 0), (4, 4, 1, 2)],
)
def test_the_requests_and_what_is_missing_are_those_of_the_time_asked_for(look, since, until, requests, missing):
    times = {name: NOON + at for name, at in {"since": since, "until": until}.items() if at is not None}
    seen = only(look(map(line, [0, 3, 4, 7]), **times))
    assert (seen["requests"], seen["missing_requests"]) == (requests, missing)


@pytest.mark.parametrize(
    ("lines", "state", "last_state", "restarts", "since", "said"),
    [
        ([0, 1], RUNNING, BEFORE, 1, None, "was restarted (1 in all)"),
        ([0, 1], RUNNING, BEFORE, 1, NOON - 60, "its last start at 1769860800.0:"),
        # It waits for its next start, and the log is that of the last one.
        ([0, 1], {"waiting": {"reason": "CrashLoopBackOff"}}, ENDED, 3, NOON, "was restarted (3 in all)"),
        ([0, 1], ENDED, BEFORE, 1, NOON, "was restarted (1 in all)"),
        # It had run before the start that failed, or nobody knows.
        ([0, 1], {"waiting": {}}, FAILED_START, 1, None, "was restarted (1 in all)"),
        ([0, 1], None, FAILED_START, 2, None, "was restarted (2 in all)"),
        ([7, 8], RUNNING, None, 0, None, "begins with the number 7"),
        ([0, 1, 1], RUNNING, None, 0, None, "more than one request with the number 1"),
        ([0, 3], ENDED, None, 0, None, "lacks 2 of its requests, from the number 1 on"),
        ([0, 3], {"waiting": {}}, ENDED, 1, NOON + 1, "lacks 2 of its requests, from the number 1 on"),
        ([0, 2, 100], RUNNING, None, 0, None, "lacks 1 of its requests, from the number 1 on"),
    ],
)
def test_no_failure_goes_unnoticed(look, lines, state, last_state, restarts, since, said):
    found = look(map(line, lines), client(state, last_state, restarts), since=since)
    assert found["msg"].startswith("The log of pod client ")
    assert said in found["msg"]
    # What was seen is told even so.
    assert found["clients"]["client"]["requests"] >= 1


@pytest.mark.parametrize(("phase", "ended"), [("Running", False), ("Succeeded", True), ("Failed", True)])
def test_a_client_that_has_ended(look, phase, ended):
    now = client(RUNNING if phase == "Running" else ENDED)
    now["status"]["phase"] = phase
    assert only(look([line(0)], now))["ended"] is ended


@pytest.mark.parametrize("state", [RUNNING, ENDED])
def test_a_start_that_failed_has_made_no_request_that_the_log_could_lack(look, state):
    assert only(look(map(line, [0, 1]), client(state, FAILED_START, 1)))["requests"] == 2


def test_a_client_that_was_restarted_before_the_time_asked_for(look):
    now = client(RUNNING, BEFORE, 1)
    assert only(look(map(line, [0, 1, 2]), now, since=NOON + 1))["requests"] == 2
    # That it ended once does not mean that nothing is under way.
    assert only(look(map(line, [0, 3]), now, since=NOON + 1))["missing_requests"] == 2


def test_a_log_that_was_rotated_before_the_time_asked_for(look):
    assert only(look(map(line, [7, 8, 9]), since=NOON + 8))["requests"] == 2


def test_a_restart_between_the_look_and_the_log_is_seen(look):
    assert "was restarted" in look([line(0)], client(), client(RUNNING, BEFORE, 1))["msg"]


def test_another_pod_of_the_name_is_not_the_client(look):
    other = client()
    other["metadata"]["uid"] = "another"
    assert look([line(0)], client(), other)["msg"].startswith("Pod client was replaced by another")


NO_HOST = 400, "pod client does not have a host assigned"
NO_POD = 404, 'pods "client" not found'


@pytest.mark.parametrize(
    "refused",
    [
        (400, 'container "web" in pod "client" is waiting to start: ContainerCreating'),
        # It has no node yet, or the node has not heard of it.
        NO_HOST,
        NO_POD,
    ],
)
def test_a_client_that_has_not_started_has_no_samples(look, refused):
    now = client({"waiting": {"reason": "ContainerCreating"}})
    assert only(look([], now, refused=status(*refused)))["requests"] == 0
    nothing = client()
    nothing["status"].pop("containerStatuses")
    assert only(look([], nothing, refused=status(*refused)))["requests"] == 0


def test_a_client_that_is_waiting_by_the_time_it_is_asked(look):
    said = 'container "web" in pod "client" is waiting to start: CrashLoopBackOff'
    assert only(look([], refused=status(400, said)))["requests"] == 0


@pytest.mark.parametrize("refused", [NO_HOST, NO_POD, (500, "something else")])
@pytest.mark.parametrize("states", [(RUNNING,), (ENDED,), ({"waiting": {"reason": "CrashLoopBackOff"}}, BEFORE)])
def test_the_log_of_a_client_that_has_started_can_be_had(look, states, refused):
    said = look([], client(*states), refused=status(*refused))
    assert said["msg"] == f"The cluster refused ({refused[0]}): {refused[1]}"


def test_a_log_of_something_else(look):
    assert look(["Listening", "on 80"])["msg"] == (
        "The log of pod client has no samples but begins with 'Listening': is it a traffic client?"
    )
    assert f"begins with '{'x' * 200}':" in look(["x" * 300])["msg"]


def test_a_line_that_is_no_text_is_none(look):
    assert only(look(b"caf\xe9\n" + line(0).encode()))["requests"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"since": 2.0, "until": 1.0}, "since (2.0) is later than until (1.0): exchange or correct them."),
        ({"pods": []}, "pods is empty: name the pods of the clients."),
        ({"pod": "client", "pods": ["client"]}, "parameters are mutually exclusive: pod|pods"),
    ],
)
def test_bad_input_asks_nothing(api, look, options, said):
    assert look([line(0)], **options)["msg"] == said
    assert api.requests == []


def test_a_client_has_to_be_named(call_on_cluster):
    assert call_on_cluster(traffic, namespace="shop")["msg"] == "one of the following is required: pod, pods"


def test_of_several_containers_one_has_to_be_named(look):
    several = client()
    several["spec"]["containers"].append({"name": "mesh"})
    assert "several containers: name one with container (web, mesh)" in look([line(0)], several)["msg"]
    assert only(look([line(0)], several, container="web"))["requests"] == 1
