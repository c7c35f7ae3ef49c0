# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A circuit breaker: closed, open, or half-open.

Debian's python3-circuitbreaker has no half-open state of its own (once its time is over all requests go through, not
one), has no lock, and lets the late success of an old request close it again. Hence these lines.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, TypeVar

Answer = TypeVar("Answer")

# Of older spells only the totals are known, so that a breaker can run for years.
SPELLS_KEPT = 100


class State(StrEnum):
    CLOSED = "closed"
    """Requests pass."""
    OPEN = "open"
    """None passes."""
    HALF_OPEN = "half-open"
    """One has passed on trial, and decides."""


class TrippedError(Exception):
    """The request was not made, since the breaker is not closed."""


@dataclass
class Spell:
    """A time in one state: since when, and what became of the requests."""

    state: State
    at: float
    passed_requests: int = 0
    rejected_requests: int = 0


class Breaker:
    """Opens after so many failures in a row, and tries one request when it was open for so many seconds.

    The clock only has to go forward; epoch is what to add to it to get the time of day.
    """

    def __init__(
        self, failures: int, open_seconds: float, clock: Callable[[], float] = time.monotonic, epoch: float = 0.0
    ) -> None:
        self._failures = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._epoch = epoch
        self._failed_in_a_row = 0
        self._passed = 0
        self._rejected = 0
        self._spell = Spell(State.CLOSED, clock())
        self._spells = deque([self._spell], maxlen=SPELLS_KEPT)
        self._lock = Lock()

    def call(self, request: Callable[[], Answer]) -> Answer:
        """Make the request, which fails by raising an exception, or raise TrippedError."""
        spell = self._enter()
        try:
            answer = request()
        except BaseException:
            self._leave(spell, served=False)
            raise
        self._leave(spell, served=True)
        return answer

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            return {
                "state": self._spell.state,
                "now": self._epoch + self._clock(),
                "passed_requests": self._passed,
                "rejected_requests": self._rejected,
                "spells": [asdict(spell) | {"at": self._epoch + spell.at} for spell in self._spells],
            }

    def _enter(self) -> Spell:
        with self._lock:
            if self._spell.state is State.OPEN and self._clock() - self._spell.at >= self._open_seconds:
                # Whoever comes first is the trial; those after find it half-open.
                self._become(State.HALF_OPEN)
            elif self._spell.state is not State.CLOSED:
                self._spell.rejected_requests += 1
                self._rejected += 1
                raise TrippedError
            self._spell.passed_requests += 1
            self._passed += 1
            return self._spell

    def _leave(self, spell: Spell, served: bool) -> None:
        with self._lock:
            # A request from before the last change says nothing about now.
            if spell is not self._spell:
                return
            if served:
                self._failed_in_a_row = 0
                if self._spell.state is State.HALF_OPEN:
                    self._become(State.CLOSED)
            else:
                self._failed_in_a_row += 1
                if self._spell.state is State.HALF_OPEN or self._failed_in_a_row >= self._failures:
                    self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self._failed_in_a_row = 0
        self._spell = Spell(state, self._clock())
        self._spells.append(self._spell)
