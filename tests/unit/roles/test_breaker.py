# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""The state machine that the lesson circuit_breaker runs in its pod, with a clock that is turned by hand."""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[3] / "roles/circuit_breaker/files/mailsite/breaker.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("circuit_breaker_mailsite", SOURCE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks for its module there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MODULE = load()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Any:
    return MODULE.Breaker(failures=2, open_seconds=30, clock=clock, epoch=1000.0)


def serve() -> str:
    return "sunny"


def fail() -> str:
    raise TimeoutError


def never() -> str:
    raise AssertionError("the backend was asked")


def trip(breaker: Any, failures: int = 2) -> None:
    for _failure in range(failures):
        with pytest.raises(TimeoutError):
            breaker.call(fail)


def rejects(breaker: Any) -> bool:
    with pytest.raises(MODULE.TrippedError):
        breaker.call(never)
    return True


def states(breaker: Any) -> list[str]:
    return [spell["state"] for spell in breaker.snapshot()["spells"]]


def test_closed_it_lets_answers_and_failures_through(breaker):
    assert breaker.call(serve) == "sunny"
    trip(breaker, 1)
    assert breaker.snapshot() == {
        "state": "closed",
        "now": 1100.0,
        "passed_requests": 2,
        "rejected_requests": 0,
        "spells": [{"state": "closed", "at": 1100.0, "passed_requests": 2, "rejected_requests": 0}],
    }


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    trip(breaker, 1)
    breaker.call(serve)
    trip(breaker, 1)
    assert states(breaker) == ["closed"]
    trip(breaker, 1)
    assert states(breaker) == ["closed", "open"]


def test_open_it_rejects_without_asking(breaker, clock):
    trip(breaker)
    assert rejects(breaker)
    clock.now += 29.9
    assert rejects(breaker)
    opened = breaker.snapshot()["spells"][-1]
    assert opened == {"state": "open", "at": 1100.0, "passed_requests": 0, "rejected_requests": 2}


def test_a_trial_that_is_served_closes_it(breaker, clock):
    trip(breaker)
    clock.now += 30
    assert breaker.call(serve) == "sunny"
    assert states(breaker) == ["closed", "open", "half-open", "closed"]
    trip(breaker, 1)
    assert breaker.snapshot()["state"] == "closed"


def test_a_trial_that_fails_opens_it_for_the_whole_time_again(breaker, clock):
    trip(breaker)
    clock.now += 30
    trip(breaker, 1)
    assert states(breaker) == ["closed", "open", "half-open", "open"]
    clock.now += 29.9
    assert rejects(breaker)
    clock.now += 0.1
    assert breaker.call(serve) == "sunny"


def test_half_open_it_lets_one_request_through(breaker, clock):
    trip(breaker)
    clock.now += 30
    # While the trial waits for its answer, another one comes.
    assert breaker.call(lambda: rejects(breaker))
    trial = breaker.snapshot()["spells"][2]
    assert (trial["passed_requests"], trial["rejected_requests"]) == (1, 1)


def test_of_many_at_once_one_is_the_trial(breaker, clock):
    trip(breaker)
    clock.now += 30
    ready, answered = threading.Barrier(8), threading.Event()
    rejected: list[int] = []

    def wait() -> str:
        assert answered.wait(10)
        return "sunny"

    def one(number: int) -> None:
        ready.wait()
        try:
            breaker.call(wait)
        except MODULE.TrippedError:
            rejected.append(number)
            if len(rejected) == 7:
                answered.set()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(rejected) == 7
    assert breaker.snapshot()["state"] == "closed"


def test_what_was_asked_before_it_opened_neither_closes_it_nor_opens_it_anew(breaker, clock):
    def late_success() -> str:
        trip(breaker)
        return "sunny"

    def late_failure() -> str:
        clock.now += 30
        breaker.call(serve)
        raise TimeoutError

    breaker.call(late_success)
    assert states(breaker) == ["closed", "open"]
    clock.now += 30
    breaker.call(serve)

    def much_later_failure():
        trip(breaker)
        late_failure()

    with pytest.raises(TimeoutError):
        breaker.call(much_later_failure)
    assert states(breaker)[-4:] == ["closed", "open", "half-open", "closed"]


def test_of_old_spells_only_the_totals_are_kept(breaker, clock):
    trip(breaker)
    for _trial in range(MODULE.SPELLS_KEPT):
        clock.now += 30
        trip(breaker, 1)
    assert len(states(breaker)) == MODULE.SPELLS_KEPT
    assert breaker.snapshot()["passed_requests"] == 2 + MODULE.SPELLS_KEPT
