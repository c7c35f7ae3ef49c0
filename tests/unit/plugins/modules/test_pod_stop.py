# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils import cluster as module_cluster
from ansible_collections.workshop.production_patterns.plugins.module_utils import watching
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import ApiException, Cluster
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules import pod_stop
from ansible_collections.workshop.production_patterns.plugins.modules.pod_stop import stop
from api_server import CUT, SILENCE, Answer, ApiServer, changes, status, too_old

PODS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "module_utils" / "pods.yml").read_text())
RUNNING = PODS["ready"]
UID = RUNNING["metadata"]["uid"]
PATH = "/api/v1/namespaces/quotas/pods"
WEB = f"{PATH}/web"
EVENTS = "/api/v1/namespaces/quotas/events"


def ended() -> dict[str, Any]:
    pod = copy.deepcopy(RUNNING)
    pod["status"]["containerStatuses"][0]["state"] = copy.deepcopy(
        PODS["error_137"]["status"]["containerStatuses"][0]["state"]
    )
    return pod


def deleting(version: str = "901") -> dict[str, Any]:
    more = {"deletionTimestamp": "2026-01-31T12:00:30Z", "resourceVersion": version}
    return {**RUNNING, "metadata": {**RUNNING["metadata"], **more}}


def another() -> dict[str, Any]:
    return {**RUNNING, "metadata": {**RUNNING["metadata"], "uid": "another"}}


GOES = changes(("MODIFIED", RUNNING), ("MODIFIED", ended()), ("DELETED", ended()))


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(watching, "QUIET_SECONDS", 0.4)
    monkeypatch.setattr(watching, "REQUEST_SECONDS", 0.4)
    monkeypatch.setattr(watching, "SHORTEST_PAUSE", 0.02)
    monkeypatch.setattr(module_cluster, "REQUEST_SECONDS", 0.5)


@pytest.fixture
def api(api: ApiServer) -> ApiServer:
    """A server with a pod that does as it is told and goes."""
    api.on(WEB, Answer(RUNNING))
    api.on(WEB, Answer(deleting()), method="DELETE")
    api.on_watch(PATH, GOES)
    return api


def ask(api: ApiServer, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    defaults = {"pod": "web", "namespace": "quotas", "grace_seconds": None, "timeout": 10}
    return stop(Cluster({**api.connection(), **defaults, **options}, check_mode))


def deletions(api: ApiServer) -> list[dict[str, Any]]:
    return [request.body for request in api.requests if request.method == "DELETE"]


def watches(api: ApiServer) -> list[dict[str, str]]:
    return [request.query for request in api.asked(PATH)]


def test_the_end_of_a_pod(api):
    before = time.time()
    result = ask(api)
    assert result["changed"]
    assert result["grace_seconds"] == 30
    assert result["gaps"] == 0
    assert result["containers"]["web"]["signal"] == "SIGKILL"
    assert result["containers"]["proxy"]["exit_code"] is None
    assert before - 0.01 <= result["deleted_at"] <= time.time()
    # Milliseconds are enough.
    assert all(result[name] == round(result[name], 3) for name in ("deleted_at", "seconds"))
    (watch,) = watches(api)
    # That of a pod which has not changed for a while may be forgotten.
    assert watch["resourceVersion"] == "901"
    assert watch["fieldSelector"] == "metadata.name=web"
    assert deletions(api) == [
        {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 30, "preconditions": {"uid": UID}}
    ]


def test_the_seconds_are_those_until_it_was_gone(api):
    # A server that takes a second to answer the first watch, which then ends without a word.
    api.on_watch(PATH, changes(quiet=True), GOES)
    assert 0.9 < ask(api)["seconds"] < 3


def killing(name: str, at: str, last: str | None = None, count: int = 1) -> dict[str, Any]:
    times = {"firstTimestamp": at, "lastTimestamp": last or at, "count": count}
    return {"metadata": {"name": name}, "reason": "Killing", **times}


def at(second: int) -> str:
    return f"2026-01-31T12:00:{second:02}Z"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [killing("a", at(2)), killing("b", at(1))], 1),
        # A liveness probe had it restarted before.
        ([killing("a", at(1))], [killing("a", at(1)), killing("b", at(5))], 5),
        ([killing("a", at(1))], [killing("a", at(1))], None),
        # The same happened before, and is counted on.
        ([killing("a", at(1))], [killing("a", at(1), at(7), 2)], 7),
    ],
)
def test_when_the_node_began_to_stop_it(api, before, after, told):
    api.on(EVENTS, Answer({"items": before}), Answer({"items": after}))
    expected = told and datetime(2026, 1, 31, 12, 0, told, tzinfo=UTC).timestamp()
    assert ask(api)["told_at"] == expected
    for request in api.asked(EVENTS):
        assert request.query["fieldSelector"] == f"involvedObject.uid={UID},reason=Killing"
    order = [(request.method, request.path) for request in api.requests]
    assert order.index(("GET", EVENTS)) < order.index(("DELETE", WEB))


@pytest.mark.parametrize("hidden", [status(403), CUT])
def test_what_was_before_has_to_be_known(api, hidden):
    api.on(EVENTS, hidden, Answer({"items": [killing("a", at(1))]}))
    assert ask(api)["told_at"] is None


@pytest.mark.parametrize(("seconds_before", "stop_seconds"), [(2, 2), (0, 0), (-1, None)])
def test_how_long_after_that_each_container_ended(api, seconds_before, stop_seconds):
    end = ended()["status"]["containerStatuses"][0]["state"]["terminated"]
    told = (datetime.fromisoformat(end["finishedAt"]) - timedelta(seconds=seconds_before)).isoformat()
    api.on(EVENTS, Answer({"items": []}), Answer({"items": [killing("a", told)]}))
    # The end of proxy was not seen, and fetch is an init container that had ended before.
    assert {name: ending["stop_seconds"] for name, ending in ask(api)["containers"].items()} == {
        "web": stop_seconds,
        "fetch": None,
        "proxy": None,
    }


@pytest.mark.parametrize("answer", [Answer({"items": []}), status(403), CUT])
def test_when_no_event_tells_it(api, answer):
    api.on(EVENTS, answer)
    result = ask(api)
    assert result["told_at"] is None
    assert result["containers"]["web"]["stop_seconds"] is None


def test_a_grace_period_of_ones_own(api):
    assert ask(api, grace_seconds=0)["grace_seconds"] == 0
    assert deletions(api)[0]["gracePeriodSeconds"] == 0


def test_the_cluster_shortens_the_grace_period(api):
    shortened = deleting()
    shortened["metadata"]["deletionGracePeriodSeconds"] = 0
    api.on(WEB, Answer(shortened), method="DELETE")
    assert ask(api)["grace_seconds"] == 0
    # It may be gone by the version that answers, and nothing comes after that.
    (watch,) = watches(api)
    assert watch["resourceVersion"] == RUNNING["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    "broken",
    [
        changes(),
        changes(("MODIFIED", RUNNING), cut=True),
        changes(("MODIFIED", RUNNING), half_line=b'{"type": "DELETED"'),
        changes(("MODIFIED", RUNNING), silent=True),
        CUT,
        SILENCE,
        status(503),
    ],
)
def test_a_watch_that_breaks_does_not_lose_the_end(api, broken):
    api.on_watch(PATH, broken, GOES)
    assert ask(api)["containers"]["web"]["exit_code"] == 137


@pytest.mark.parametrize("look", [status(404), Answer(another())], ids=["no pod", "another pod of the name"])
@pytest.mark.parametrize("broken", [changes(too_old()), status(410), status(403)])
def test_what_the_cluster_has_forgotten_or_does_not_show_is_a_gap(api, broken, look):
    api.on(WEB, Answer(RUNNING), Answer(ended()), look)
    api.on_watch(PATH, broken, broken)
    result = ask(api)
    assert result["gaps"] == 2
    assert result["containers"]["web"]["exit_code"] == 137


def test_the_end_of_another_pod_of_the_name_is_not_its_end(api):
    api.on_watch(PATH, changes(("MODIFIED", ended()), ("DELETED", another()), quiet=True))
    begun = time.monotonic()
    with pytest.raises(Problem, match="still there 1 seconds after its deletion with a grace period of 30") as problem:
        ask(api, timeout=1)
    assert 1 <= time.monotonic() - begun < 2
    seen = problem.value.seen
    assert (seen["changed"], seen["grace_seconds"], seen["gaps"]) == (True, 30, 0)
    assert seen["containers"]["web"]["exit_code"] == 137
    assert "seconds" not in seen


@pytest.mark.parametrize(
    ("last", "said"), [(status(401, "expired"), "expired"), (CUT, "does not answer"), (SILENCE, "does not answer")]
)
def test_an_error_after_the_deletion_says_what_was_seen(api, last, said):
    api.on_watch(PATH, changes(("MODIFIED", ended())), *[last] * 99)
    begun = time.monotonic()
    with pytest.raises(Problem, match=f"^Pod web in namespace quotas was deleted, but its end .*{said}") as problem:
        ask(api, timeout=2)
    assert time.monotonic() - begun < 3
    assert problem.value.seen["changed"]
    assert problem.value.seen["containers"]["web"]["exit_code"] == 137


@pytest.mark.parametrize("answer", [CUT, SILENCE, status(500, "who knows"), Answer(code=200)])
def test_a_deletion_whose_answer_is_missing_may_have_changed_something(api, answer):
    api.on(WEB, answer, method="DELETE")
    with pytest.raises(Problem, match="^Whether pod web in namespace quotas is being deleted is not known") as problem:
        ask(api)
    assert problem.value.seen == {"changed": True, "grace_seconds": 30}
    assert len(deletions(api)) == 1
    assert watches(api) == []


@pytest.mark.parametrize("refused", [status(400, "bad"), status(403, "may not delete"), status(409, "another uid")])
def test_a_deletion_that_was_refused_changed_nothing(api, refused):
    api.on(WEB, refused, method="DELETE")
    with pytest.raises(ApiException, match=r"\(4"):
        ask(api)
    assert watches(api) == []


def test_a_pod_that_is_being_deleted_is_left_alone(api):
    api.on(WEB, Answer(deleting()))
    with pytest.raises(Problem, match="is being deleted already"):
        ask(api)
    assert deletions(api) == []


def test_what_mirrors_a_static_pod_is_left_alone(api):
    mirror = copy.deepcopy(RUNNING)
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "abc"}
    mirror["spec"]["nodeName"] = "one"
    api.on(WEB, Answer(mirror))
    with pytest.raises(Problem, match="Pod web in namespace quotas mirrors a static pod of node one: its containers"):
        ask(api)
    assert deletions(api) == []


def test_a_pod_that_is_not_there(api):
    with pytest.raises(Problem, match="There is no pod gone in namespace quotas"):
        ask(api, pod="gone")
    assert deletions(api) == []


@pytest.mark.parametrize(("options", "grace_seconds"), [({}, 30), ({"grace_seconds": 5}, 5)])
def test_check_mode_deletes_nothing(api, options, grace_seconds):
    assert ask(api, check_mode=True, **options) == {"changed": True, "grace_seconds": grace_seconds}
    assert deletions(api) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [({"grace_seconds": -1}, "grace_seconds is -1: give 0"), ({"timeout": 0}, "timeout is 0: give 1")],
)
def test_bad_input_asks_nothing(api, options, said):
    with pytest.raises(Problem, match=said):
        ask(api, **options)
    assert api.requests == []


def test_the_module_takes_the_grace_period_of_the_pod_and_waits_for_its_end(api, call_on_cluster):
    said = call_on_cluster(pod_stop, namespace="quotas", pod="web")
    assert (said["changed"], said["grace_seconds"]) == (True, 30)
    assert said["containers"]["web"]["signal"] == "SIGKILL"
