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
    """A cluster with a pod whose breaker was open for 30 seconds, and closed again after a trial."""

    def __init__(self, refused: int | None = None, check_mode: bool = False, **options: Any) -> None:
        self.params = {
            "namespace": "mailsite",
            "pod": "web",
            "port": 6000,
            "backend_port": 5000,
            "behaviour": None,
            "label_selectors": None,
            "since": None,
            **options,
        }
        self.check_mode = check_mode
        self.refused = refused
        self.dynamic = self
        self.behaviour = "healthy"
        self.behaves_so_since = self.params.pop("behaves_so_since", 1.0)
        self.names = ["web"]
        self.said: list[str] = []

    def pod(self, name, namespace):
        return {}, "900"

    def ask(self, path, query):
        assert (path, query) == ("/api/v1/namespaces/mailsite/pods", {"labelSelector": "app=weather,site=guarded"})
        leaving = {"metadata": {"name": "old", "deletionTimestamp": "2026-01-31T12:00:00Z"}}
        return {"items": [leaving, *({"metadata": {"name": name}} for name in self.names)]}

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
                spells = [("closed", 1.0, 3), ("open", 10.0, 0), ("half-open", 40.0, 1), ("closed", 40.5, 2)]
                answer = {
                    "state": "closed",
                    "now": 50.0,
                    "passed_requests": 6,
                    "rejected_requests": 0,
                    "spells": [
                        {"state": state, "at": at, "passed_requests": passed, "rejected_requests": 0}
                        for state, at, passed in spells
                    ],
                }
            case ["GET 5000", "/status"]:
                answer = {
                    "requests": 6,
                    "started_at": 1.0,
                    "behaviour": self.behaviour,
                    "behaves_so_since": self.behaves_so_since,
                }
            case ["PUT 5000", behaviour]:
                self.behaviour = behaviour.removeprefix("/behaviour/")
                answer = {}
        return SimpleNamespace(status=200, data=json.dumps(answer).encode())


def test_a_look_changes_nothing():
    cluster = FakeCluster()
    seen = observe(cluster)
    assert not seen["changed"]
    assert seen["state"] == "closed"
    assert seen["states"]["open"]["seconds"] == 30.0
    assert [found["closed_at"] for found in seen["recoveries"]] == [40.5]
    assert all(said.startswith("GET") for said in cluster.said)


@pytest.mark.parametrize(("since", "states"), [(11.0, 3), (40.2, 2), (60.0, 0)])
def test_spells_that_were_over_before_are_left_out(since, states):
    seen = observe(FakeCluster(since=since))
    assert len(seen["spells"]) == states
    assert len(seen["recoveries"]) == (states == 3)


def test_since_it_behaves_so_is_what_is_meant_when_it_is_told_how_to():
    assert len(observe(FakeCluster(behaviour="slow", behaves_so_since=40.2))["spells"]) == 2


def test_the_one_pod_that_is_not_on_its_way_out():
    cluster = FakeCluster(pod=None, label_selectors=["app=weather", "site=guarded"])
    assert observe(cluster)["state"] == "closed"


@pytest.mark.parametrize(("names", "told"), [([], "none"), (["b", "a"], "a, b")])
def test_selectors_that_match_another_number_of_pods(names, told):
    cluster = FakeCluster(pod=None, label_selectors=["app=weather", "site=guarded"])
    cluster.names = names
    with pytest.raises(Problem, match=f"has to match one pod in namespace mailsite, and matches {told}: correct it.$"):
        observe(cluster)


@pytest.mark.parametrize(("behaviour", "changed"), [("slow", True), ("healthy", False)])
def test_a_backend_that_is_told_how_to_behave(behaviour, changed):
    seen = observe(FakeCluster(behaviour=behaviour))
    assert seen["changed"] is changed
    assert seen["backend"]["after"]["behaviour"] == behaviour


def test_check_mode_tells_nothing():
    cluster = FakeCluster(behaviour="slow", check_mode=True)
    assert observe(cluster)["changed"]
    assert cluster.behaviour == "healthy"


@pytest.mark.parametrize("options", [{"port": 0}, {"backend_port": 65536}])
def test_bad_input_asks_nothing(options):
    cluster = FakeCluster(**options)
    with pytest.raises(Problem, match="_?port is [0-9]+: give 1 to 65535.$"):
        observe(cluster)
    assert cluster.said == []


def test_a_pod_that_does_not_answer():
    with pytest.raises(Problem, match=r"^/status on port 5000 of pod web has no answer \(503: no endpoints\): wait"):
        observe(FakeCluster(refused=503))


def test_what_the_cluster_forbids_is_its_own_answer():
    with pytest.raises(ApiException):
        observe(FakeCluster(refused=403))
