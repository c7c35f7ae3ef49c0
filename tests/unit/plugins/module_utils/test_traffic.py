# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.traffic import (
    Gap,
    Log,
    between,
    gaps,
    in_a_row,
    longest_outage,
    lost,
    parse,
    percentile,
    restarted,
    rotated,
    summary,
    two_clients,
)

HALF = {"min": 0.5, "p50": 0.5, "p95": 0.5, "p99": 0.5, "max": 0.5}
NONE = dict.fromkeys(HALF)


def sample(number: int, at: float, status: int = 200, error: str | None = None, seconds: float = 0.5) -> Any:
    return {"number": number, "at": at, "seconds": seconds, "status": status, "error": error, "body": None}


def series(marks: str) -> list[Any]:
    """A sample a second: . is served, x refused, 5 answered with 503."""
    kinds = {".": (200, None), "x": (0, "refused"), "5": (503, None)}
    return [sample(number, float(number), *kinds[mark]) for number, mark in enumerate(marks)]


def test_samples_are_read_by_the_time_they_began():
    lines = [
        json.dumps(sample(1, 2.0)),
        json.dumps(sample(0, 1.0, 0, "reset")),
        json.dumps(sample(2, 3.0) | {"body": "Hi"}),
    ]
    read = parse("\n".join(lines) + "\n").samples
    assert [(found["number"], found["error"], found["body"]) for found in read] == [
        (0, "reset", None),
        (1, None, None),
        (2, None, "Hi"),
    ]


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("", 0),
        ("Traceback", 0),
        ("7", 0),
        ("[]", 0),
        ("null", 0),
        ('{"at": 1.0}', 0),
        ('{"level": "info", "msg": "ready"}', 0),
        # When the client was killed, or the log lost a part.
        ('{"number": 1, "at": 2.0', 1),
        ("{", 1),
        (', "seconds": 0.5, "status": 200, "error": null}', 1),
        # Two wrote at once.
        ('{"number": 1, {"number": 1, "at": 2.0, "seconds": 0.5, "status": 200, "error": null}', 1),
        # What no summary can be made of.
        ('{"number": 1, "at": NaN, "seconds": 0.5, "status": 200, "error": null}', 0),
        ('{"number": 1, "at": 2.0, "seconds": Infinity, "status": 200, "error": null}', 0),
        ('{"number": 1, "at": 2.0, "seconds": 0.5, "status": 0, "error": ["refused"]}', 0),
    ],
)
def test_what_is_no_sample_is_passed_over_and_what_was_one_is_counted(line, cut):
    log = parse(f"{json.dumps(sample(0, 1.0))}\n{line}\n{line}\n{json.dumps(sample(1, 2.0))}")
    assert [found["number"] for found in log.samples] == [0, 1]
    assert log.cut_lines == 2 * cut


def test_a_sample_needs_no_body():
    line = {name: value for name, value in sample(0, 1.0).items() if name != "body"}
    assert parse(json.dumps(line)).samples == [sample(0, 1.0)]


def log_of(*samples: dict[str, Any]) -> Log:
    return parse("\n".join(map(json.dumps, samples)))


def numbered(*numbers: int) -> Log:
    """The log of a client that makes a request a second, each of which takes half of one."""
    return log_of(*(sample(number, float(number)) for number in numbers))


@pytest.mark.parametrize(
    ("numbers", "since"),
    [([], None), ([], 5.0), ([0, 1], None), ([1, 0], 0.0), ([7, 8], 7.5), ([7, 8], 9.0)],
)
def test_a_log_that_holds_what_is_asked_for_was_not_rotated_since(numbers, since):
    assert rotated(numbered(*numbers), since) is None


@pytest.mark.parametrize("since", [None, 0.0, 7.4])
def test_a_log_that_lost_what_is_asked_for_was_rotated(since):
    assert str(rotated(numbered(7, 8), since)).startswith("begins with the number 7, so it has been rotated")
    assert rotated(numbered(1), None) is not None


def test_a_rotated_log_has_all_that_ended_after_its_first_line():
    # The first line is of a request that began long before those that were lost with the lines before.
    log = log_of(sample(2, 2.0, seconds=10.0), sample(12, 12.0))
    assert rotated(log, 3.0) is not None
    assert rotated(log, 12.0) is None


@pytest.mark.parametrize(
    ("restarts", "started_at", "since", "refused"),
    [
        (0, 50.0, None, False),
        (0, None, 10.0, False),
        (1, 50.0, None, True),
        (2, 50.0, 10.0, True),
        # It may have started at any time in this second.
        (1, 50.0, 50.9, True),
        (1, 50.0, 51.0, False),
        (1, None, 90.0, True),
    ],
)
def test_the_log_of_a_restarted_client_is_that_of_its_last_start(restarts, started_at, since, refused):
    said = restarted(restarts, started_at, since)
    assert (said is not None) is refused
    assert not refused or f"was restarted ({restarts} in all)" in str(said)
    assert not refused or f" its last start{'' if started_at is None else ' at 50.0'}: " in str(said)


def test_numbers_that_occur_twice_are_of_two_clients():
    assert two_clients(numbered(0, 1, 2)) is None
    assert str(two_clients(numbered(0, 1, 2, 1, 2))).startswith("has more than one request with the number 1:")


@pytest.mark.parametrize(
    ("numbers", "since", "until", "found"),
    [
        ([], None, None, []),
        ([0], None, None, []),
        ([2, 0, 1], None, None, []),
        ([0, 2], None, None, [(1, 1)]),
        ([0, 1, 4, 5, 9], None, None, [(2, 2), (6, 3)]),
        # Those of the time asked for, which began after the one before and before the one after.
        ([0, 1, 4, 5, 9], 4.5, None, [(6, 3)]),
        ([0, 1, 4, 5, 9], 4.0, None, [(2, 2), (6, 3)]),
        ([0, 1, 4, 5, 9], None, 4.0, [(2, 2)]),
        ([0, 1, 4, 5, 9], None, 1.0, [(2, 2)]),
        ([0, 1, 4, 5, 9], None, 0.5, []),
    ],
)
def test_gaps_in_the_numbers(numbers, since, until, found):
    assert [(gap.number, gap.requests) for gap in gaps(numbered(*numbers), since, until)] == found


@pytest.mark.parametrize(
    ("newest", "ended", "refused"),
    [(9.0, False, False), (9.0, True, True), (61.5, False, False), (62.0, False, True)],
)
def test_a_gap_is_lost_when_its_requests_cannot_be_under_way(newest, ended, refused):
    # The client has said something at this time.
    log = log_of(sample(0, 1.5), sample(3, newest - 0.5))
    said = lost([Gap(1, 2, 1.5)], log, ended)
    assert (said is not None) is refused
    assert not refused or str(said).startswith("lacks 2 of its requests, from the number 1 on")


def test_nothing_is_lost_without_a_gap():
    assert lost([], numbered(0, 1), ended=True) is None
    assert lost([], numbered(), ended=True) is None


@pytest.mark.parametrize(
    ("since", "until", "numbers"),
    [(None, None, [0, 1, 2, 3]), (1.0, None, [1, 2, 3]), (None, 2.0, [0, 1, 2]), (0.5, 2.5, [1, 2]), (9.0, None, [])],
)
def test_samples_are_chosen_by_the_time_they_began(since, until, numbers):
    assert [found["number"] for found in between(series("...."), since, until)] == numbers


@pytest.mark.parametrize(
    ("marks", "seconds"),
    [
        ("", 0.0),
        ("....", 0.0),
        (".x..", 1.0),
        (".xx.x.", 2.0),
        (".x.555.", 3.0),
        # None served afterwards: until the last of them ended.
        (".xx", 1.5),
        ("x", 0.5),
        # The longer one counts, whichever it is.
        ("xxx.x", 3.0),
    ],
)
def test_the_longest_outage(marks, seconds):
    assert longest_outage(series(marks)) == seconds


def test_an_outage_without_end_lasts_until_the_last_time_out():
    assert longest_outage([sample(0, 0.0, 0, "timeout", 2.0), sample(1, 0.1, 0, "refused", 0.0)]) == 2.0


@pytest.mark.parametrize(
    ("values", "percent", "value"),
    [
        ([], 50, None),
        ([3.0], 50, 3.0),
        ([3.0], 99, 3.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        ([float(number) for number in range(1, 101)], 95, 95.0),
        ([float(number) for number in range(1, 101)], 99, 99.0),
        ([float(number) for number in range(1, 12)], 95, 11.0),
    ],
)
def test_percentiles(values, percent, value):
    assert percentile(values, percent) == value


def times(first: float | None, last: float | None) -> dict[str, float | None]:
    """When requests of half a second began and ended, the first one and the last."""
    ended = [None if at is None else at + 0.5 for at in (first, last)]
    return {"first_at": first, "last_at": last, "first_ended_at": ended[0], "last_ended_at": ended[1]}


def test_the_first_to_end_need_not_be_the_first_to_begin():
    slow, quick = {**sample(0, 0.0), "seconds": 9.0}, {**sample(1, 1.0), "seconds": 0.25}
    told = summary([slow, quick])["outcomes"]["200"]
    assert (told["first_at"], told["last_at"]) == (0.0, 1.0)
    assert (told["first_ended_at"], told["last_ended_at"]) == (1.25, 9.0)


def test_the_summary_counts():
    told = summary(series("..x5x."))
    assert {name: value for name, value in told.items() if name != "samples"} == {
        "requests": 6,
        "failed_requests": 3,
        "failed_by": {"503": 1, "refused": 2},
        "statuses": {"0": 2, "200": 3, "503": 1},
        "failures": {"requests": 3, **times(2.0, 4.0), "seconds": HALF},
        "outcomes": {
            "200": {"requests": 3, **times(0.0, 5.0), "seconds": HALF},
            "refused": {"requests": 2, **times(2.0, 4.0), "seconds": HALF},
            "503": {"requests": 1, **times(3.0, 3.0), "seconds": HALF},
        },
        "answers": {},
        "in_a_row": {"requests": 1, **times(5.0, 5.0), "seconds": HALF, "status": 200, "body": None},
        "longest_outage_seconds": 3.0,
        "seconds": HALF,
        "successful_seconds": HALF,
        "began_within_seconds": 5.0,
        "requests_per_second": 1.0,
    }
    assert len(told["samples"]) == 6


def test_the_summary_of_nothing():
    assert summary([]) == {
        "samples": [],
        "requests": 0,
        "failed_requests": 0,
        "failed_by": {},
        "statuses": {},
        "failures": {"requests": 0, **times(None, None), "seconds": NONE},
        "outcomes": {},
        "answers": {},
        "in_a_row": {"requests": 0, **times(None, None), "seconds": NONE, "status": None, "body": None},
        "longest_outage_seconds": 0.0,
        "seconds": NONE,
        "successful_seconds": NONE,
        "began_within_seconds": 0.0,
        "requests_per_second": None,
    }


@pytest.mark.parametrize("samples", [[sample(0, 1.0)], [sample(0, 1.0), sample(1, 1.0)]])
def test_a_rate_needs_time(samples):
    assert summary(samples)["requests_per_second"] is None


def test_times_are_told_in_milliseconds():
    told = summary([sample(0, 1.00012, 0, "refused"), sample(1, 1.30049), sample(2, 2.40049)])
    assert (told["longest_outage_seconds"], told["began_within_seconds"]) == (0.3, 1.4)
    assert summary([sample(0, 1.0), sample(1, 1.3)])["requests_per_second"] == 3.333


@pytest.mark.parametrize(
    ("status", "fails"), [(199, 1), (200, 0), (204, 0), (302, 0), (399, 0), (400, 1), (404, 1), (500, 1), (0, 1)]
)
def test_which_statuses_are_failures(status, fails):
    assert summary([sample(0, 1.0, status)])["failed_requests"] == fails


def test_percentiles_of_all_and_of_the_successes():
    samples = [sample(0, 0.0, seconds=0.2), sample(1, 1.0, 0, "refused", 0.001), sample(2, 2.0, 0, "timeout", 5.0)]
    told = summary([*samples, sample(3, 3.0, seconds=0.4)])
    assert told["seconds"] == {"min": 0.001, "p50": 0.2, "p95": 5.0, "p99": 5.0, "max": 5.0}
    assert told["successful_seconds"] == {"min": 0.2, "p50": 0.2, "p95": 0.4, "p99": 0.4, "max": 0.4}


def test_percentiles_of_many():
    told = summary([sample(number, float(number), seconds=float(number)) for number in range(1, 1001)])["seconds"]
    assert told == {"min": 1.0, "p50": 500.0, "p95": 950.0, "p99": 990.0, "max": 1000.0}


def answered(number: int, body: str | None, status: int = 200) -> Any:
    return {**sample(number, float(number), status), "body": body}


def test_answers_are_told_apart_without_the_spaces_around_them_and_failures_are_none():
    told = summary([answered(0, "old\n"), answered(1, "new"), answered(2, "old"), answered(3, "oops", 500)])["answers"]
    assert list(told) == ["old", "new"]
    assert told["old"] == {"requests": 2, **times(0.0, 2.0), "seconds": HALF}
    assert list(summary([answered(0, ""), answered(1, None)])["answers"]) == [""]


@pytest.mark.parametrize(
    ("samples", "requests", "first_at", "body"),
    [
        ([], 0, None, None),
        ([answered(0, "a\n"), answered(1, "a\n")], 2, 0.0, "a"),
        ([answered(0, "a"), answered(1, "b"), answered(2, "b")], 2, 1.0, "b"),
        # Without a body the status has to do.
        ([answered(0, None, 302), answered(1, None), answered(2, None)], 2, 1.0, None),
        # One is missing, and still under way.
        ([answered(0, "a"), answered(1, "a"), answered(3, "a")], 1, 3.0, "a"),
        ([answered(0, "a"), answered(1, "a", 500), answered(2, "a")], 1, 2.0, "a"),
        ([answered(0, "a"), answered(1, "a", 500)], 0, None, None),
    ],
)
def test_the_last_requests_in_a_row(samples, requests, first_at, body):
    row = in_a_row(samples)
    assert (row["requests"], row["first_at"], row["body"]) == (requests, first_at, body)
    assert row["last_at"] == (samples[-1]["at"] if requests else None)
