# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

STATES: Final = ("closed", "open", "half-open")


class Spell(TypedDict):
    state: str
    at: float
    seconds: float
    passed_requests: int
    rejected_requests: int


class Spells(TypedDict):
    """All spells in one state."""

    spells: int
    seconds: float
    passed_requests: int
    rejected_requests: int


class Recovery(TypedDict):
    """One time that the breaker closed again."""

    opened_at: float
    open_seconds: float
    trial_at: float
    trial_requests: int
    trial_seconds: float
    closed_at: float


class Breaker(TypedDict):
    state: str
    passed_requests: int
    rejected_requests: int
    spells: list[Spell]


class Backend(TypedDict):
    requests: int
    health_checks: int | None
    started_at: float
    behaviour: str
    behaves_so_since: float


def _said(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Problem(_no_answer(text, where)) from error


def _no_answer(text: str, where: str) -> str:
    return f"{where} answers {text.strip()[:100]!r}, which is not what was asked for: correct the pod or the port."


def _lasted(begun: Sequence[float], now: float) -> list[float]:
    """How long each of them lasted, up to the next, and the last one until now."""
    return [round(after - before, 3) for before, after in zip(begun, [*begun[1:], now], strict=True)]


def breaker(text: str, where: str) -> Breaker:
    """What a breaker says about itself, with how long it was in each state."""
    said = _said(text, where)
    try:
        if strange := {spell["state"] for spell in said["spells"]}.difference(STATES):
            raise Problem(f"{where} tells of states that no breaker has: {', '.join(sorted(map(str, strange)))}.")
        lasted = _lasted([spell["at"] for spell in said["spells"]], said["now"])
        return {
            "state": said["state"],
            "passed_requests": said["passed_requests"],
            "rejected_requests": said["rejected_requests"],
            "spells": [
                {
                    "state": spell["state"],
                    "at": round(spell["at"], 3),
                    "seconds": seconds,
                    "passed_requests": spell["passed_requests"],
                    "rejected_requests": spell["rejected_requests"],
                }
                for spell, seconds in zip(said["spells"], lasted, strict=True)
            ],
        }
    except (KeyError, TypeError) as error:
        raise Problem(_no_answer(text, where)) from error


def by_state(spells: Iterable[Spell]) -> dict[str, Spells]:
    """What the spells in each state amount to."""
    sums = {state: Spells(spells=0, seconds=0.0, passed_requests=0, rejected_requests=0) for state in STATES}
    for spell in spells:
        of_state = sums[spell["state"]]
        of_state["spells"] += 1
        of_state["seconds"] = round(of_state["seconds"] + spell["seconds"], 3)
        of_state["passed_requests"] += spell["passed_requests"]
        of_state["rejected_requests"] += spell["rejected_requests"]
    return sums


def recoveries(spells: Sequence[Spell]) -> list[Recovery]:
    """Each time that an open breaker tried a request and closed, by time."""
    return [
        {
            "opened_at": opened["at"],
            "open_seconds": opened["seconds"],
            "trial_at": trial["at"],
            "trial_requests": trial["passed_requests"],
            "trial_seconds": trial["seconds"],
            "closed_at": closed["at"],
        }
        for opened, trial, closed in zip(spells, spells[1:], spells[2:], strict=False)
        if [opened["state"], trial["state"], closed["state"]] == ["open", "half-open", "closed"]
    ]


def backend(text: str, where: str) -> Backend:
    """What a backend says about itself and the requests that it got."""
    said = _said(text, where)
    try:
        return {
            "requests": said["requests"],
            "health_checks": said.get("health_checks"),
            "started_at": said["started_at"],
            "behaviour": said["behaviour"],
            "behaves_so_since": said["behaves_so_since"],
        }
    except (KeyError, TypeError) as error:
        raise Problem(_no_answer(text, where)) from error
