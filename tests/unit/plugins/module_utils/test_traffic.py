# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.traffic import (
    between,
    longest_outage,
    parse,
    percentile,
    summary,
    whole,
)


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
    read = parse("\n".join(lines) + "\n")
    assert [(found["number"], found["error"], found["body"]) for found in read] == [
        (0, "reset", None),
        (1, None, None),
        (2, None, "Hi"),
    ]


@pytest.mark.parametrize("line", ["", "Traceback", '{"number": 1, "at": 2.0', "7", "[]", "null", '{"at": 1.0}'])
def test_what_is_no_sample_is_passed_over(line):
    assert [found["number"] for found in parse(f"{json.dumps(sample(0, 1.0))}\n{line}")] == [0]


def test_a_sample_needs_no_body():
    line = {name: value for name, value in sample(0, 1.0).items() if name != "body"}
    assert parse(json.dumps(line)) == [sample(0, 1.0)]


@pytest.mark.parametrize(
    ("numbers", "since"),
    [([], None), ([], 5.0), ([0, 1], None), ([1, 0], 0.0), ([7, 8], 7.0), ([7, 8], 9.0)],
)
def test_a_log_that_holds_what_is_asked_for_is_whole(numbers, since):
    whole([sample(number, float(number)) for number in numbers], since, "pod client")


@pytest.mark.parametrize("since", [None, 0.0, 6.9])
def test_a_log_that_lost_what_is_asked_for_is_refused(since):
    with pytest.raises(Problem, match="^The log of pod client has been rotated"):
        whole([sample(7, 7.0), sample(8, 8.0)], since, "pod client")


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


def test_the_summary_counts():
    told = summary(series("..x5x."))
    assert {name: value for name, value in told.items() if name != "samples"} == {
        "requests": 6,
        "failed_requests": 3,
        "failed_by": {"503": 1, "refused": 2},
        "statuses": {"0": 2, "200": 3, "503": 1},
        "longest_outage_seconds": 3.0,
        "seconds": {"p50": 0.5, "p95": 0.5, "p99": 0.5, "max": 0.5},
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
        "longest_outage_seconds": 0.0,
        "seconds": {"p50": None, "p95": None, "p99": None, "max": None},
        "requests_per_second": None,
    }


@pytest.mark.parametrize("samples", [[sample(0, 1.0)], [sample(0, 1.0), sample(1, 1.0)]])
def test_a_rate_needs_time(samples):
    assert summary(samples)["requests_per_second"] is None


@pytest.mark.parametrize(("status", "fails"), [(200, 0), (204, 0), (302, 0), (404, 1), (500, 1), (0, 1)])
def test_which_statuses_are_failures(status, fails):
    assert summary([sample(0, 1.0, status)])["failed_requests"] == fails
