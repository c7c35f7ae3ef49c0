# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import ApiException
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules.circuit_breaker import observe


class FakeCluster:
    """A cluster with a pod whose breaker passes on the first request and is open from then on."""

    def __init__(self, refused: int | None = None, check_mode: bool = False, **options: Any) -> None:
        self.params = {
            "namespace": "mailsite",
            "pod": "web",
            "port": 6000,
            "backend_port": 5000,
            "behaviour": None,
            "requests": 0,
            "interval": 0.0,
            **options,
        }
        self.check_mode = check_mode
        self.refused = refused
        self.dynamic = self
        self.behaviour = "healthy"
        self.passed = 0
        self.said: list[str] = []

    def pod(self, name, namespace):
        return {}, "900"

    def request(self, method, path, serialize, _request_timeout):
        assert not serialize
        prefix = "/api/v1/namespaces/mailsite/pods/web:"
        assert path.startswith(prefix)
        asked = f"{method} {path.removeprefix(prefix)}"
        self.said.append(asked)
        answer: Any
        if self.refused:
            error = ApiException(status=self.refused)
            error.body = b"no endpoints"
            raise error
        match asked.split("/proxy"):
            case ["GET 6000", "/state"]:
                state = "open" if self.passed else "closed"
                spell = {"state": state, "at": 1.0, "passed_requests": self.passed, "rejected_requests": 0}
                answer = {
                    "state": state,
                    "now": 2.0,
                    "passed_requests": self.passed,
                    "rejected_requests": 0,
                    "spells": [spell],
                }
            case ["GET 5000", "/status"]:
                answer = {
                    "requests": self.passed,
                    "started_at": 1.0,
                    "behaviour": self.behaviour,
                    "behaves_so_since": 1.0,
                }
            case ["PUT 5000", behaviour]:
                self.behaviour = behaviour.removeprefix("/behaviour/")
                answer = {}
            case ["GET 6000", "/"]:
                answer = "tripped" if self.passed else "unavailable"
                self.passed = 1
        return SimpleNamespace(status=200, data=json.dumps(answer).encode())


def test_a_look_changes_nothing():
    cluster = FakeCluster()
    seen = observe(cluster)
    assert not seen["changed"]
    assert (seen["state"], seen["asked"]) == ("closed", [])
    assert all(said.startswith("GET") for said in cluster.said)


def test_each_request_and_the_state_after_it():
    seen = observe(FakeCluster(requests=2))
    assert [(one["status"], one["body"], one["state"]) for one in seen["asked"]] == [
        (200, '"unavailable"', "open"),
        (200, '"tripped"', "open"),
    ]
    assert [seen["backend"][when]["requests"] for when in ("before", "after")] == [0, 1]
    assert not seen["changed"]


def test_requests_are_so_far_apart():
    seen = observe(FakeCluster(requests=3, interval=0.05))
    assert seen["seconds"] >= 0.1


@pytest.mark.parametrize(("behaviour", "changed"), [("slow", True), ("healthy", False)])
def test_a_backend_that_is_told_how_to_behave(behaviour, changed):
    seen = observe(FakeCluster(behaviour=behaviour))
    assert seen["changed"] is changed
    assert seen["backend"]["after"]["behaviour"] == behaviour


def test_check_mode_tells_and_asks_nothing():
    cluster = FakeCluster(behaviour="slow", requests=2, check_mode=True)
    seen = observe(cluster)
    assert seen["changed"]
    assert (cluster.behaviour, cluster.passed, seen["asked"]) == ("healthy", 0, [])


@pytest.mark.parametrize("options", [{"requests": -1}, {"interval": -0.5}])
def test_bad_input_asks_nothing(options):
    cluster = FakeCluster(**options)
    with pytest.raises(Problem, match="or more for both"):
        observe(cluster)
    assert cluster.said == []


def test_a_pod_that_does_not_answer():
    with pytest.raises(Problem, match=r"^/status on port 5000 of pod web has no answer \(503: no endpoints\): wait"):
        observe(FakeCluster(refused=503))


def test_what_the_cluster_forbids_is_its_own_answer():
    with pytest.raises(ApiException):
        observe(FakeCluster(refused=403))
