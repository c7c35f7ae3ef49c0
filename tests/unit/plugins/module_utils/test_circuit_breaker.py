# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.circuit_breaker import backend, breaker
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

SPELLS = [
    {"state": "closed", "at": 100.0, "passed_requests": 3, "rejected_requests": 0},
    {"state": "open", "at": 112.25, "passed_requests": 0, "rejected_requests": 9},
]
STATE = {"state": "open", "now": 120.5, "passed_requests": 3, "rejected_requests": 9, "spells": SPELLS}
STATUS = {"requests": 3, "started_at": 90.0, "behaviour": "slow", "behaves_so_since": 111.0}


def test_each_state_lasts_until_the_next_and_the_last_one_still_does():
    read = breaker(json.dumps(STATE), "/state")
    assert [spell["seconds"] for spell in read["spells"]] == [12.25, 8.25]
    assert {**read, "now": 120.5, "spells": SPELLS} == STATE


def test_a_breaker_that_has_always_been_closed():
    read = breaker(json.dumps({**STATE, "state": "closed", "spells": SPELLS[:1]}), "/state")
    assert [(spell["state"], spell["seconds"]) for spell in read["spells"]] == [("closed", 20.5)]


def test_a_backend():
    assert backend(json.dumps(STATUS), "/status") == STATUS


@pytest.mark.parametrize("read", [breaker, backend])
@pytest.mark.parametrize("text", ["", "<html>", "7", "[]", "null", "{}", '{"spells": [7]}'])
def test_what_is_neither(read, text):
    with pytest.raises(Problem, match="^/x on port 6000 of pod web answers .*: correct the pod or the port.$"):
        read(text, "/x on port 6000 of pod web")
