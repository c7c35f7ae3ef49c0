# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.workshop.production_patterns.plugins.action import circuit_breaker, pod_processes, traffic
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import waiting


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """The lines that were shown."""
    lines: list[str] = []
    monkeypatch.setattr(waiting, "say", lines.append)
    return lines


class Looks:
    """What the module says at each look, the last of it for ever; and what it was given."""

    def __init__(self, *said: dict[str, Any]) -> None:
        self.said = list(said)
        self.given: list[dict[str, Any]] = []
        self.variables: list[Any] = []

    def __call__(self, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        self.given.append(module_args)
        self.variables.append(task_vars)
        return dict(self.said.pop(0) if len(self.said) > 1 else self.said[0])


def run(looks: Looks, action: Any = circuit_breaker, variables: Any = None, **arguments: Any) -> Any:
    if isinstance(arguments.get("for"), list):
        arguments["for"] = [trust_as_template(condition) for condition in arguments["for"]]
    elif isinstance(arguments.get("for"), str):
        arguments["for"] = trust_as_template(arguments["for"])
    task = SimpleNamespace(args=arguments, async_val=0, check_mode=False, action="workshop.production_patterns.look")
    loader = DataLoader()
    module = action.ActionModule(task, mock.MagicMock(), mock.MagicMock(), loader, Templar(loader, variables or {}))
    with mock.patch.object(module, "_execute_module", looks):
        return module.run(task_vars=variables or {})


@pytest.mark.parametrize("action", [circuit_breaker, pod_processes, traffic])
def test_without_conditions_it_looks_once(action):
    looks = Looks({"changed": True, "state": "open"})
    assert run(looks, action, pod="web") == {"changed": True, "state": "open"}
    assert looks.given == [{"pod": "web"}]


def test_it_looks_until_all_conditions_hold_at_one_look():
    looks = Looks({"a": 1, "b": 0}, {"a": 0, "b": 1}, {"a": 1, "b": 1, "changed": False}, {"a": 0})
    seen = run(looks, **{"for": ["a == one", "b == one"], "seconds": 5, "pod": "web"}, variables={"one": 1})
    assert seen.pop("seconds") < 5
    assert seen == {"a": 1, "b": 1, "changed": False, "met": True, "unmet": [], "why": {}}
    assert looks.given == [{"pod": "web"}] * 3
    assert looks.variables == [{"one": 1}] * 3


def test_clients_are_known_by_the_names_of_their_pods():
    looks = Looks({"clients": {"steady": {"requests": 3}, "burst-1": {"requests": 20}}})
    conditions = ["steady.requests == 3", "clients['burst-1'].requests == 20"]
    assert run(looks, traffic, **{"for": conditions, "seconds": 5})["met"]


def test_time_that_is_up_is_an_answer_and_no_failure():
    seen = run(Looks({"state": "closed"}), **{"for": ["state == 'open'", "strange.at"], "seconds": 0.1})
    assert not seen.get("failed")
    assert (seen["met"], seen["unmet"]) == (False, ["state == 'open'", "strange.at"])
    assert seen["why"] == {"strange.at": "'strange' is undefined"}
    # For a task that takes it for a failure.
    assert seen["msg"] == "After 0 seconds this did not hold yet: state == 'open'; strange.at"


def test_a_look_that_fails_is_tried_again():
    looks = Looks({"failed": True, "msg": "no answer"}, {"state": "open"})
    seen = run(looks, **{"for": "state == 'open'", "seconds": 5})
    assert (seen["met"], seen.get("failed")) == (True, None)


def test_it_fails_when_the_last_look_did():
    seen = run(Looks({"state": "open"}, {"failed": True, "msg": "no answer"}), **{"for": "not state", "seconds": 0.1})
    assert (seen["failed"], seen["msg"], seen["met"]) == (True, "no answer", False)
    assert (seen["unmet"], seen["why"]) == (["not state"], {"not state": "The look failed."})


def test_no_look_begins_when_time_is_up(monkeypatch):
    clock = SimpleNamespace(now=7.0)

    def sleep(seconds):
        clock.now += seconds

    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 1 + 2**-4 + 2**-14)
    looks = Looks({"state": "closed"})
    seen = run(looks, **{"for": "state == 'open'", "seconds": 3 * waiting.PAUSE_SECONDS})
    assert seen["seconds"] == 2.125
    assert len(looks.given) == 3


def test_what_the_first_look_changed_was_changed():
    looks = Looks({"changed": True, "n": 1}, {"changed": False, "n": 2})
    assert run(looks, **{"for": "n == 2", "seconds": 5})["changed"]


@pytest.mark.parametrize(("seconds", "lines"), [(9, []), (10, ["Waiting 10 seconds at most for: n == 2"])])
def test_a_long_wait_says_what_it_waits_for(shown, seconds, lines):
    run(Looks({"n": 1}, {"n": 1}, {"n": 2}), **{"for": ["n == 2", "n > 0"], "seconds": seconds})
    assert shown == lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"for": "n"}, "seconds is None: say with more than 0"),
        ({"for": "n", "seconds": 0}, "seconds is 0: say with more than 0"),
        ({"for": "n", "seconds": "inf"}, "seconds is inf: say with more than 0"),
        ({"for": "n", "seconds": "soon"}, "seconds is soon: say with more than 0"),
        ({"seconds": 5}, "for must be one or more conditions"),
        ({"for": [], "seconds": 5}, "for must be one or more conditions"),
        ({"for": "n ==", "seconds": 5}, 'The condition "n ==" is no expression'),
    ],
)
def test_bad_input_looks_at_nothing(arguments, said):
    looks = Looks({"n": 1})
    seen = run(looks, **arguments)
    assert seen["failed"]
    assert seen["msg"].startswith(said)
    assert looks.given == []
