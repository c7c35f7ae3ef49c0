# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.circuit_breaker import (
    backend,
    breaker,
    by_state,
    recoveries,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

SPELLS = [
    {"state": "closed", "at": 100.0, "passed_requests": 3, "rejected_requests": 0},
    {"state": "open", "at": 112.25, "passed_requests": 0, "rejected_requests": 9},
]
STATE = {"state": "open", "now": 120.5, "passed_requests": 3, "rejected_requests": 9, "spells": SPELLS}
STATUS = {"requests": 3, "health_checks": 2, "started_at": 90.0, "behaviour": "slow", "behaves_so_since": 111.0}


def test_each_state_lasts_until_the_next_and_the_last_one_still_does():
    read = breaker(json.dumps(STATE), "/state")
    assert [spell["seconds"] for spell in read["spells"]] == [12.25, 8.25]
    assert {**read, "now": 120.5, "spells": SPELLS} == STATE


def test_a_breaker_that_has_always_been_closed():
    read = breaker(json.dumps({**STATE, "state": "closed", "spells": SPELLS[:1]}), "/state")
    assert [(spell["state"], spell["seconds"]) for spell in read["spells"]] == [("closed", 20.5)]


def test_times_are_told_in_milliseconds():
    precise = [{**SPELLS[0], "at": 100.00012}, {**SPELLS[1], "at": 112.25046}]
    read = breaker(json.dumps({**STATE, "now": 120.5, "spells": precise}), "/state")
    assert [(spell["at"], spell["seconds"]) for spell in read["spells"]] == [(100.0, 12.25), (112.25, 8.25)]
    tenths = [{**spell, "seconds": seconds} for spell, seconds in zip(spells("open", "open"), (0.1, 0.2), strict=True)]
    assert by_state(tenths)["open"]["seconds"] == 0.3


def test_of_a_long_answer_the_beginning_is_told():
    with pytest.raises(Problem, match=f"answers '{'x' * 100}', which"):
        backend("x" * 101, "/status")


def spells(*states: str) -> list[Any]:
    """A spell of ten seconds in each state, with as many requests as its place says."""
    return [
        {"state": state, "at": 100.0 + 10 * place, "seconds": 10.0, "passed_requests": place, "rejected_requests": 1}
        for place, state in enumerate(states)
    ]


def test_what_the_spells_in_each_state_amount_to():
    sums = by_state(spells("closed", "open", "half-open", "open"))
    assert sums["open"] == {"spells": 2, "seconds": 20.0, "passed_requests": 4, "rejected_requests": 2}
    assert sums["half-open"] == {"spells": 1, "seconds": 10.0, "passed_requests": 2, "rejected_requests": 1}
    assert by_state([])["closed"] == {"spells": 0, "seconds": 0.0, "passed_requests": 0, "rejected_requests": 0}


def test_a_recovery_is_an_open_spell_with_a_trial_after_which_it_closed():
    found = recoveries(spells("closed", "open", "half-open", "open", "half-open", "closed", "open"))
    assert found == [
        {
            "opened_at": 130.0,
            "open_seconds": 10.0,
            "trial_at": 140.0,
            "trial_requests": 4,
            "trial_seconds": 10.0,
            "closed_at": 150.0,
        }
    ]


@pytest.mark.parametrize("states", [(), ("closed",), ("open", "half-open"), ("open", "closed", "open")])
def test_no_recovery(states):
    assert recoveries(spells(*states)) == []


def test_a_state_that_no_breaker_has():
    strange = {**STATE, "spells": [{**SPELLS[0], "state": "ajar"}]}
    with pytest.raises(Problem, match="^/state tells of states that no breaker has: ajar.$"):
        breaker(json.dumps(strange), "/state")


def test_a_backend():
    assert backend(json.dumps(STATUS), "/status") == STATUS


def test_a_backend_that_does_not_count_health_checks():
    said = {name: value for name, value in STATUS.items() if name != "health_checks"}
    assert backend(json.dumps(said), "/status") == {**STATUS, "health_checks": None}


@pytest.mark.parametrize("read", [breaker, backend])
@pytest.mark.parametrize("text", ["", "<html>", "7", "[]", "null", "{}", '{"spells": [7]}'])
def test_what_is_neither(read, text):
    with pytest.raises(Problem, match="^/x on port 6000 of pod web answers .*: correct the pod or the port.$"):
        read(text, "/x on port 6000 of pod web")
