# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


class Spell(TypedDict):
    state: str
    at: float
    seconds: float
    passed_requests: int
    rejected_requests: int


class Breaker(TypedDict):
    state: str
    passed_requests: int
    rejected_requests: int
    spells: list[Spell]


class Backend(TypedDict):
    requests: int
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


def backend(text: str, where: str) -> Backend:
    """What a backend says about itself and the requests that it got."""
    said = _said(text, where)
    try:
        return {
            "requests": said["requests"],
            "started_at": said["started_at"],
            "behaviour": said["behaviour"],
            "behaves_so_since": said["behaves_so_since"],
        }
    except (KeyError, TypeError) as error:
        raise Problem(_no_answer(text, where)) from error
