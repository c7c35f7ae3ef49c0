# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.workshop.production_patterns.plugins.modules.pod_outcome import main, observe
from api_server import ApiServer, listing
from kubernetes.client.exceptions import ApiException

PODS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "module_utils" / "pods.yml").read_text())
WEB, HOG = PODS["ready"], PODS["oom_killed"]


def event(reason: str, uid: str, time: str = "2026-01-31T12:00:01Z") -> dict[str, Any]:
    return {"reason": reason, "involvedObject": {"kind": "Pod", "uid": uid}, "lastTimestamp": time}


class FakeCluster:
    """A cluster with two pods and these events, or the status with which it refuses to list events."""

    def __init__(self, events: list[dict[str, Any]] | int, **options: Any) -> None:
        self.params = {"pod": None, "namespace": "quotas", "label_selectors": [], **options}
        self.events = events
        self.asked: dict[str, Any] = {}
        self.pods = [WEB, HOG]

    def pod(self, name, namespace):
        assert namespace == "quotas"
        return next(pod for pod in self.pods if pod["metadata"]["name"] == name), "900"

    def ask(self, path, query):
        kind = path.removeprefix("/api/v1/namespaces/quotas/")
        self.asked[kind] = query
        if kind == "pods":
            return {"items": self.pods}
        if isinstance(self.events, int):
            raise ApiException(status=self.events, reason="Forbidden")
        return {"items": self.events}


def test_one_pod_with_its_own_events_by_time():
    uid = WEB["metadata"]["uid"]
    cluster = FakeCluster(
        [
            event("Started", uid, "2026-01-31T12:00:03Z"),
            event("Created", uid, "2026-01-31T12:00:02Z"),
            # Of the pod that bore the name before.
            event("Killing", "another"),
        ],
        pod="web",
    )
    seen = observe(cluster)
    assert [pod["name"] for pod in seen["pods"]] == ["web"]
    assert [found["reason"] for found in seen["pods"][0]["events"]] == ["Created", "Started"]
    assert (seen["changed"], seen["not_seen"]) == (False, [])
    # It needs no right to list pods.
    assert cluster.asked == {"events": {"fieldSelector": "involvedObject.kind=Pod,involvedObject.name=web"}}


def test_all_pods_that_match_by_name():
    cluster = FakeCluster([event("OOMKilling", HOG["metadata"]["uid"])], label_selectors=["a=b", "c"])
    seen = observe(cluster)
    assert [pod["name"] for pod in seen["pods"]] == ["hog", "web"]
    assert [len(pod["events"]) for pod in seen["pods"]] == [1, 0]
    assert cluster.asked == {"pods": {"labelSelector": "a=b,c"}, "events": {"fieldSelector": "involvedObject.kind=Pod"}}


def test_the_events_of_a_static_pod():
    cluster = FakeCluster([event("Started", "f00d")], pod="web")
    mirror = copy.deepcopy(WEB)
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "f00d"}
    cluster.pods = [mirror]
    (pod,) = observe(cluster)["pods"]
    assert (pod["mirror"], [found["reason"] for found in pod["events"]]) == (True, ["Started"])


@pytest.mark.parametrize("options", [{"pod": "web"}, {}])
def test_without_the_right_to_events_the_rest_is_told(options):
    seen = observe(FakeCluster(403, **options))
    assert {pod["events"] for pod in seen["pods"]} == {None}
    assert seen["pods"][-1]["ready"] is True
    assert seen["not_seen"] == ["The events in namespace quotas may not be listed with these credentials (403)."]


@pytest.mark.parametrize("status", [401, 500])
def test_no_other_refusal_is_passed_over(status):
    with pytest.raises(ApiException):
        observe(FakeCluster(status))


def said(capsys: pytest.CaptureFixture[str], api: ApiServer, **options: Any) -> dict[str, Any]:
    """What the module says of a cluster with one pod."""
    api.on("/api/v1/namespaces/quotas/pods", listing(WEB))
    api.on("/api/v1/namespaces/quotas/events", listing())
    with patch_module_args({"namespace": "quotas", **api.connection(), **options}), pytest.raises(SystemExit):
        main()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_the_module_looks_at_all_pods_unless_told_otherwise(capsys, api):
    assert [pod["name"] for pod in said(capsys, api)["pods"]] == ["web"]


def test_one_pod_is_not_also_chosen_by_its_labels(capsys, api):
    told = said(capsys, api, name="web", label_selectors=["app=web"])
    assert told["msg"].startswith("parameters are mutually exclusive: pod|label_selectors")
    assert api.requests == []
