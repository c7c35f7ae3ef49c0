# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.modules import circuit_breaker
from api_server import Answer, ApiServer, listing, status

PODS = "/api/v1/namespaces/mailsite/pods"
STATE = f"{PODS}/web:6000/proxy/state"
STATUS = f"{PODS}/web:5000/proxy/status"
SLOW = f"{PODS}/web:5000/proxy/behaviour/slow"


def spell(state: str, at: float, passed: int) -> dict[str, Any]:
    return {"state": state, "at": at, "passed_requests": passed, "rejected_requests": 0}


# It was open for 30 seconds, and closed again after a trial.
BREAKER = {
    "state": "closed",
    "now": 50.0,
    "passed_requests": 6,
    "rejected_requests": 0,
    "spells": [spell("closed", 1.0, 3), spell("open", 10.0, 0), spell("half-open", 40.0, 1), spell("closed", 40.5, 2)],
}


def backend(behaviour: str = "healthy", since: float = 1.0) -> Answer:
    return Answer({"requests": 6, "started_at": 1.0, "behaviour": behaviour, "behaves_so_since": since})


@pytest.fixture
def api(api: ApiServer) -> ApiServer:
    """A cluster with a pod of a breaker and a healthy backend, which will be slow when it is told to."""
    api.on(f"{PODS}/web", Answer({"metadata": {"name": "web", "resourceVersion": "900"}}))
    api.on(STATE, Answer(BREAKER))
    api.on(STATUS, backend(), backend("slow", since=40.2))
    for behaviour in ("slow", "healthy"):
        api.on(f"{PODS}/web:5000/proxy/behaviour/{behaviour}", Answer({}), method="PUT")
    return api


@pytest.fixture
def look(call_on_cluster: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What the module says of that pod."""

    def run(**options: Any) -> dict[str, Any]:
        pod = {} if "label_selectors" in options else {"pod": "web"}
        return call_on_cluster(circuit_breaker, **{"namespace": "mailsite", **pod, **options})

    return run


def test_a_look_changes_nothing(api, look):
    seen = look()
    assert not seen["changed"]
    assert (seen["state"], seen["passed_requests"], seen["rejected_requests"]) == ("closed", 6, 0)
    assert len(seen["spells"]) == 4
    assert seen["states"]["open"]["seconds"] == 30.0
    assert [found["closed_at"] for found in seen["recoveries"]] == [40.5]
    assert {request.method for request in api.requests} == {"GET"}


# The third spell begins at 40.0, where the second is over, and ends at 40.5.
@pytest.mark.parametrize(("since", "states"), [(11.0, 3), (40.0, 3), (40.2, 2), (60.0, 0)])
def test_spells_that_were_over_before_are_left_out(look, since, states):
    seen = look(since=since)
    assert len(seen["spells"]) == states
    assert sum(state["spells"] for state in seen["states"].values()) == states
    assert len(seen["recoveries"]) == (states == 3)


def test_since_it_behaves_so_is_what_is_meant_when_it_is_told_how_to(look):
    assert len(look(behaviour="slow")["spells"]) == 2


def test_a_time_that_is_given_counts_even_so(look):
    assert len(look(behaviour="slow", since=11.0)["spells"]) == 3


def test_a_backend_is_told_how_to_behave_between_two_looks_at_it(api, look):
    seen = look(behaviour="slow")
    assert seen["changed"]
    assert seen["backend"]["before"]["behaviour"] == "healthy"
    assert seen["backend"]["after"]["behaviour"] == "slow"
    assert [request.method for request in api.asked(SLOW)] == ["PUT"]
    assert [request.path for request in api.requests[1:4]] == [STATUS, SLOW, STATUS]


def test_a_backend_that_behaves_so_already_is_not_changed(api, look):
    api.on(STATUS, backend())
    assert not look(behaviour="healthy")["changed"]


def test_check_mode_tells_nothing(api, look):
    assert look(behaviour="slow", _ansible_check_mode=True)["changed"]
    assert {request.method for request in api.requests} == {"GET"}


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


def test_the_one_pod_that_is_not_on_its_way_out(api, look):
    api.on(PODS, listing(pod("old", deletionTimestamp="2026-01-31T12:00:00Z"), pod("web")))
    assert look(label_selectors=["app=weather", "site=guarded"])["state"] == "closed"
    (request,) = api.asked(PODS)
    assert request.query == {"labelSelector": "app=weather,site=guarded"}


@pytest.mark.parametrize(("pods", "told"), [([], "none"), ([pod("b"), pod("a")], "a, b")])
def test_selectors_that_match_another_number_of_pods(api, look, pods, told):
    api.on(PODS, listing(*pods))
    assert look(label_selectors=["app=weather"])["msg"] == (
        f"label_selectors has to match one pod in namespace mailsite, and matches {told}: correct it."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"port": 0}, "port is 0: give 1 to 65535."),
        ({"backend_port": 65536}, "backend_port is 65536: give 1 to 65535."),
        ({"label_selectors": ["app=weather"], "pod": "web"}, "parameters are mutually exclusive: pod|label_selectors"),
        ({"pod": None}, "No pod is named: give pod or label_selectors."),
        ({"label_selectors": []}, "No pod is named: give pod or label_selectors."),
    ],
)
def test_bad_input_asks_nothing(api, look, options, said):
    assert look(**options)["msg"] == said
    assert api.requests == []


@pytest.mark.parametrize("port", [1, 65535])
def test_ports_of_ones_own(api, look, port):
    api.on(f"{PODS}/web:{port}/proxy/state", Answer(BREAKER))
    api.on(f"{PODS}/web:{port}/proxy/status", backend())
    assert look(port=port, backend_port=port)["state"] == "closed"


def test_a_pod_that_is_not_there_is_not_asked(api, look):
    assert look(pod="gone")["msg"].startswith("There is no pod gone in namespace mailsite: ")
    assert len(api.requests) == 1


def test_a_pod_that_does_not_answer_is_told_in_the_clusters_first_words(api, look):
    api.on(STATUS, Answer(b" " + b"x" * 300, code=503))
    assert look()["msg"] == (
        f"/status on port 5000 of pod web has no answer (503: {'x' * 200}): wait until the pod is ready, or correct "
        "the pod or the port."
    )


def test_a_pod_that_answers_something_else(api, look):
    api.on(STATE, Answer(b"\xff?"))
    assert look()["msg"].startswith("/state on port 6000 of pod web answers '\ufffd?', which is not what was asked for")


@pytest.mark.parametrize("code", [401, 403])
def test_what_the_cluster_forbids_is_its_own_answer(api, look, code):
    api.on(STATUS, status(code, "you may not"))
    assert look()["msg"] == f"The cluster refused ({code}): you may not"
