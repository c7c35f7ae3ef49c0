# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.workshop.production_patterns.plugins.action import watch as action_watch
from ansible_collections.workshop.production_patterns.plugins.action.watch import ActionModule
from ansible_collections.workshop.production_patterns.plugins.module_utils import watching
from api_server import CUT, SILENCE, ApiServer, changes, listing, status, too_old

ROOT = Path(__file__).parents[4]
JOBS: dict[str, Any] = yaml.safe_load((ROOT / "tests/unit/plugins/module_utils/jobs.yml").read_text())
JOBS_PATH = "/apis/batch/v1/namespaces/jobs/jobs"
PODS_PATH = "/api/v1/namespaces/jobs/pods"
LIMIT, POD = JOBS["limit"]["job"], JOBS["limit"]["pod"]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(watching, "QUIET_SECONDS", 0.4)
    monkeypatch.setattr(watching, "REQUEST_SECONDS", 0.4)
    monkeypatch.setattr(watching, "SHORTEST_PAUSE", 0.02)


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """The lines that were shown."""
    lines: list[str] = []
    monkeypatch.setattr(action_watch, "say", lines.append)
    return lines


def watch(api: ApiServer, conditions: Any, *, seconds: float = 5, variables: Any = None, **arguments: Any) -> Any:
    """The result of a task in namespace jobs."""
    if isinstance(conditions, list):
        conditions = [trust_as_template(one) if isinstance(one, str) else one for one in conditions]
    elif isinstance(conditions, str):
        conditions = trust_as_template(conditions)
    where = {} if arguments.keys() & {"jobs", "pods"} else {"pods": {"namespace": "jobs"}}
    task = SimpleNamespace(
        args={**api.connection(), **where, "for": conditions, "seconds": seconds, **arguments},
        async_val=0,
        check_mode=False,
        action="workshop.production_patterns.watch",
    )
    loader = DataLoader()
    action = ActionModule(task, mock.MagicMock(), mock.MagicMock(), loader, Templar(loader, variables or {}))
    return action.run(task_vars=variables or {})


def running() -> tuple[dict[str, Any], dict[str, Any]]:
    """The Job and its pod before they ended."""
    job, pod = copy.deepcopy(LIMIT), copy.deepcopy(POD)
    job["status"] = {}
    job["metadata"]["resourceVersion"] = "1"
    pod["metadata"]["resourceVersion"] = "1"
    pod["status"]["containerStatuses"][0]["state"] = {"running": {}}
    return job, pod


def named(name: str) -> dict[str, Any]:
    return {**POD, "metadata": {**POD["metadata"], "name": name, "uid": name, "resourceVersion": "101"}}


def test_jobs_until_they_have_ended(api):
    job, pod = running()
    api.on(JOBS_PATH, listing(job))
    api.on_watch(JOBS_PATH, changes(("MODIFIED", LIMIT), quiet=True))
    api.on(PODS_PATH, listing(pod), listing(POD, version="8000"))
    api.on_watch(PODS_PATH, changes(("MODIFIED", POD), quiet=True))
    before = time.time()
    result = watch(api, ["limit.ended", "limit.failures > before"], jobs={"namespace": "jobs"}, variables={"before": 0})
    assert result["jobs"]["limit"]["exit_codes"] == [1]
    assert result.pop("jobs").keys() == {"limit"}
    assert 0 < result.pop("seconds") < 5
    seen_at = result.pop("seen_at")
    assert before - 0.001 <= seen_at <= time.time() + 0.001
    assert seen_at == round(seen_at, 3), "milliseconds are enough"
    assert result == {"changed": False, "met": True, "unmet": [], "why": {}, "gaps": 0}
    assert api.asked(PODS_PATH)[0].query["labelSelector"] == "job-name"


def test_the_pods_of_jobs_are_watched_until_they_are_as_far_as_their_job(api):
    """The two watches are connections of their own, so one may be behind the other."""
    job, pod = running()
    api.on(JOBS_PATH, listing(LIMIT))
    api.on(PODS_PATH, listing(pod), listing(POD, version="8000"))
    api.on_watch(PODS_PATH, changes(quiet=True), changes(("MODIFIED", POD), quiet=True))
    result = watch(api, "limit.ended", jobs={"namespace": "jobs"})
    assert (result["met"], result["jobs"]["limit"]["exit_codes"]) == (True, [1])


def test_time_that_is_up_is_an_answer_and_no_failure(api):
    api.on(PODS_PATH, listing(named("a")))
    result = watch(api, ["pods | length == 1", "pods | length > 1", "b.ready"], seconds=1)
    assert not result.get("failed")
    assert 1 <= result["seconds"] < 1.5
    assert result["unmet"] == ["pods | length > 1", "b.ready"]
    assert result["why"] == {"b.ready": "'b' is undefined"}
    assert not result["met"]
    assert result["pods"].keys() == {"a"}


def test_all_conditions_hold_at_one_look(api):
    api.on(PODS_PATH, listing(named("a")))
    api.on_watch(PODS_PATH, changes(("DELETED", named("a")), ("ADDED", named("b")), quiet=True))
    result = watch(api, ["a.gone_at is none", "b.gone_at is none"], seconds=1)
    assert result["unmet"] == ["a.gone_at is none"]


def test_a_pod_that_is_gone_is_still_told(api):
    api.on(PODS_PATH, listing(named("a")))
    api.on_watch(PODS_PATH, changes(("DELETED", named("a")), quiet=True))
    before = time.time()
    result = watch(api, "a.gone_at")
    assert before - 0.01 <= result["pods"]["a"]["gone_at"] <= time.time() + 0.01
    assert result["pods"]["a"]["terminations"][0]["exit_code"] == 1


def test_names_that_are_no_identifiers_are_keys(api):
    api.on(PODS_PATH, listing(named("web-0")))
    assert watch(api, "pods['web-0'].exit_code is undefined")["met"]


def test_a_name_of_the_play_does_not_hide_a_pod(api):
    api.on(PODS_PATH, listing(named("a")))
    assert watch(api, "a.uid == 'a'", variables={"a": "mine"})["met"]


@pytest.mark.parametrize(("what", "path"), [("pods", PODS_PATH), ("jobs", JOBS_PATH)])
def test_labels_select(api, what, path):
    api.on(PODS_PATH, listing())
    api.on(JOBS_PATH, listing())
    watch(api, f"{what} == {{}}", **{what: {"namespace": "jobs", "label_selectors": ["app=a", "tier in (b, c)"]}})
    assert api.asked(path)[0].query["labelSelector"] == "app=a,tier in (b, c)"
    assert what == "pods" or api.asked(PODS_PATH)[0].query["labelSelector"] == "job-name"


def test_pods_without_jobs_have_nothing_to_wait_for_once_the_conditions_hold(api):
    api.on(PODS_PATH, listing(named("a")))
    assert watch(api, "a.uid")["met"]
    assert len([request for request in api.asked(PODS_PATH) if "watch" not in request.query]) == 1


@pytest.mark.parametrize("broken", [CUT, changes(), changes(too_old()), status(503)])
def test_a_connection_that_breaks_half_way(api, broken):
    api.on(PODS_PATH, listing())
    api.on_watch(PODS_PATH, broken, changes(("ADDED", named("a")), quiet=True))
    # After the look again it is there.
    if broken.lines:
        api.on(PODS_PATH, listing(), listing(named("a")))
    result = watch(api, "a.uid")
    assert (result["met"], result["gaps"]) == (True, int(bool(broken.lines)))


@pytest.mark.parametrize(
    ("last", "said"), [(CUT, "does not answer"), (SILENCE, "not answer"), (status(500, "no"), "no")]
)
def test_a_cluster_that_no_longer_answers_fails_with_its_sentence_and_what_was_seen(api, last, said):
    api.on(PODS_PATH, listing(named("a")), last)
    api.on_watch(PODS_PATH, changes(too_old()))
    result = watch(api, "b.ready", seconds=1.5)
    assert result["failed"]
    assert said in result["msg"]
    assert result["pods"].keys() == {"a"}
    assert (result["met"], result["unmet"]) == (False, ["b.ready"])


def test_a_refusal_is_told_at_once(api):
    api.on(PODS_PATH, status(403, "you may not list pods"))
    result = watch(api, "pods", seconds=60)
    assert result["msg"] == "The cluster refused (403): you may not list pods"
    assert (result["failed"], result["pods"]) == (True, {})
    assert (result["unmet"], result["why"]) == (["pods"], {"pods": "Nothing was seen."})


@pytest.mark.parametrize(
    ("seconds", "lines"), [(10, ["Waiting 10 seconds at most for: a.uid; b.uid"]), (9, [])], ids=["long", "short"]
)
def test_a_long_wait_says_once_what_it_waits_for(api, shown, monkeypatch, seconds, lines):
    looks = [watching.Look([], 1.0, "1"), watching.Look([named("b")], 2.0, "2")]
    looks.append(watching.Look([named("b"), named("a")], 3.0, "3"))
    # An API may tell two changes as one.
    monkeypatch.setattr(action_watch, "observe", lambda *_arguments: ([("pods", look)] for look in looks))
    assert watch(api, ["a.uid", "b.uid"], seconds=seconds)["met"]
    assert shown == lines


def test_what_holds_at_once_says_nothing(api, shown):
    api.on(PODS_PATH, listing())
    watch(api, "pods == {}", seconds=10)
    assert shown == []


@pytest.mark.parametrize(
    ("conditions", "arguments", "said"),
    [
        ("pods | length >", {}, '^The condition "pods | length >" is no expression'),
        ([], {}, "^for must be one or more conditions"),
        ("  ", {}, "^for must be"),
        (["pods", 3], {}, "^for must be"),
        ("pods", {"pods": None}, "^Nothing is named to watch: give jobs or pods"),
        ("pods", {"seconds": 0}, r"^seconds is 0\.0: give more than 0"),
        ("pods", {"seconds": float("inf")}, "^seconds is inf: give more"),
        ("pods", {"pods": {"namespace": "a/b"}}, "^There can be no namespace 'a/b'"),
        ("pods", {"pods": {"namespace": None}}, "^There can be no namespace"),
        ("pods", {"context": "lab"}, "^host and context name a cluster each"),
    ],
)
def test_bad_input_asks_nothing(api, conditions, arguments, said):
    result = watch(api, conditions, **arguments)
    assert result["failed"]
    assert re.search(said.replace("|", r"\|"), result["msg"])
    assert api.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"jobs": {"namespace": "a"}, "pods": {"namespace": "a"}}, "mutually exclusive"),
        ({"pods": {}}, "missing required arguments: namespace"),
        ({"seconds": "long"}, "seconds"),
        ({"seconds": None}, "seconds"),
        ({"until": "a"}, "until"),
    ],
)
def test_options_that_do_not_go_together(api, arguments, said):
    with pytest.raises(AnsibleError, match=said):
        watch(api, "pods", **arguments)
    assert api.requests == []


def test_it_takes_the_defaults_of_the_group():
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    assert "watch" in groups["cluster"]
