# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules.pod_stop import stop

PODS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "module_utils" / "pods.yml").read_text())
RUNNING = PODS["ready"]


def ended() -> dict[str, Any]:
    pod = copy.deepcopy(RUNNING)
    pod["status"]["containerStatuses"][0]["state"] = copy.deepcopy(
        PODS["error_137"]["status"]["containerStatuses"][0]["state"]
    )
    return pod


def another() -> dict[str, Any]:
    return {**RUNNING, "metadata": {**RUNNING["metadata"], "uid": "another"}}


class FakeCluster:
    """A cluster that answers a deletion with the events it was given."""

    def __init__(self, *events: tuple[str, dict[str, Any]], check_mode: bool = False, **options: Any) -> None:
        self.params = {"pod": "web", "namespace": "quotas", "grace_seconds": None, "timeout": 120, **options}
        self.check_mode = check_mode
        self.events = events
        self.deletions: list[dict[str, Any]] = []
        self.watched: dict[str, Any] = {}

    def pod(self, name, namespace):
        return copy.deepcopy(RUNNING), "900"

    def resource(self, kind):
        assert kind == "Pod"
        return self

    def delete(self, name, namespace, body):
        self.deletions.append(body)
        deleted = {"metadata": {"deletionGracePeriodSeconds": body["gracePeriodSeconds"]}}
        return SimpleNamespace(to_dict=lambda: deleted)

    def watch(self, **options):
        self.watched = options
        return ({"type": kind, "raw_object": pod} for kind, pod in self.events)


def test_the_end_of_a_pod():
    cluster = FakeCluster(("MODIFIED", RUNNING), ("MODIFIED", ended()), ("DELETED", ended()))
    result = stop(cluster)
    assert result["changed"]
    assert result["grace_seconds"] == 30
    assert result["containers"]["web"]["signal"] == "SIGKILL"
    assert result["containers"]["proxy"]["exit_code"] is None
    assert cluster.watched["resource_version"] == "900"
    assert cluster.deletions[0]["preconditions"] == {"uid": RUNNING["metadata"]["uid"]}


def test_a_grace_period_of_ones_own():
    cluster = FakeCluster(("DELETED", RUNNING), grace_seconds=0)
    assert stop(cluster)["grace_seconds"] == 0
    assert cluster.deletions[0]["gracePeriodSeconds"] == 0


def test_the_end_of_another_pod_of_the_name_is_not_its_end():
    with pytest.raises(Problem, match="still there 120 seconds after its deletion") as problem:
        stop(FakeCluster(("MODIFIED", ended()), ("DELETED", another())))
    assert problem.value.seen["containers"]["web"]["exit_code"] == 137


def test_check_mode_deletes_nothing():
    cluster = FakeCluster(check_mode=True)
    assert stop(cluster) == {"changed": True, "grace_seconds": 30}
    assert cluster.deletions == []


@pytest.mark.parametrize("options", [{"grace_seconds": -1}, {"timeout": 0}])
def test_bad_input_deletes_nothing(options):
    cluster = FakeCluster(**options)
    with pytest.raises(Problem, match="or more"):
        stop(cluster)
    assert cluster.deletions == []
