# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import changes, reading
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.changes import compare, summary
from report_data import claim_of, lesson_of, run_of


def read(*lessons: dict[str, t.Any], claims: list[dict[str, t.Any]]) -> reading.Run:
    return reading.run(json.dumps(run_of(*lessons, claims=claims)))


def test_what_changed_between_two_runs() -> None:
    before = read(
        lesson_of("sidecar"),
        lesson_of("logging", "failed"),
        lesson_of("direct_pods"),
        claims=[
            claim_of("sidecar", "It serves within 30 seconds", observed={"took_seconds": 2.0, "ended_at": 1795931128}),
            claim_of("sidecar", "It is gone"),
            claim_of("logging", "A line is kept", holds=False),
            claim_of("direct_pods"),
        ],
    )
    now = read(
        lesson_of("sidecar", "failed"),
        lesson_of("logging"),
        lesson_of("direct_pods"),
        claims=[
            claim_of(
                "sidecar",
                "It serves within 15 seconds",
                holds=False,
                observed={"took_seconds": 40.0, "ended_at": 1795999999},
            ),
            claim_of("sidecar", "It is new"),
            claim_of("logging", "A line is kept"),
            claim_of("direct_pods"),
        ],
    )
    changes = compare(before, now)
    assert [(change.name, change.before, change.now) for change in changes] == [
        ("sidecar", "held", "failed"),
        ("logging", "failed", "held"),
    ]
    assert [(claim.sentence, claim.verdict) for claim in changes[0].claims] == [
        ("It serves within 15 seconds", "fell"),
        ("It is new", "new"),
        ("It is gone", "gone"),
    ]
    assert changes[0].claims[0].values == [("took", "2 s", "40 s")]
    assert summary(changes) == (
        "Since the earlier run: 1 fell, 1 hold again, 1 new, 1 gone, 2 lessons have another status."
    )


def values_of(before: dict[str, t.Any], now: dict[str, t.Any]) -> list[changes.Value]:
    """The values that differ between two runs of one claim that holds in both."""
    runs = [read(lesson_of("sidecar"), claims=[claim_of("sidecar", observed=observed)]) for observed in (before, now)]
    return [value for change in compare(*runs) for claim in change.claims for value in claim.values]


@pytest.mark.parametrize(
    ("name", "before", "now", "told"),
    [
        # A quarter of the larger one, in either direction, and half a second at least.
        ("took_seconds", 10.0, 13.4, True),
        ("took_seconds", 10.0, 13.3, False),
        ("took_seconds", 13.4, 10.0, True),
        ("took_seconds", -13.4, -10.0, True),
        ("took_seconds", 1.0, 1.5, False),
        ("took_seconds", 1.0, 1.6, True),
        ("took_seconds", 0.0, 0.5, False),
        ("held_bytes", 2_000_000_000, 4_000_000_000, True),
        ("pods", 1, 3, True),
        # Moments differ in any two runs.
        ("ended_at", 1795931128, 1795999999, False),
        ("ended_at", 1.0, 5.0, False),
        ("ready_since", 1.0, 5.0, False),
        ("epoch_seconds", 1.0, 5.0, False),
        ("stamp", 1_795_931_128, 3_795_931_128, False),
        ("stamp", 10, 1_795_931_128, False),
        ("pods", 10, 1_000_000_000, True),
        # What is no number can't be compared.
        ("pods", 1, "three", False),
        ("pods", True, 3, False),
        ("pods", [1], [3], False),
    ],
)
def test_only_values_that_differ_by_more_than_chance_are_told(name, before, now, told) -> None:
    assert bool(values_of({name: before}, {name: now})) is told


def test_a_value_is_told_by_its_name_with_its_unit_and_by_the_way_to_it() -> None:
    assert values_of({"storm": {"took_seconds": 2.0}, "gone": 3}, {"storm": {"took_seconds": 40.0}, "new": 9}) == [
        ("storm › took", "2 s", "40 s")
    ]


def test_twenty_values_of_a_claim_are_enough() -> None:
    before, now = ({f"pods_{number}": count for number in range(30)} for count in (1, 9))
    assert len(values_of(before, now)) == 20


def test_a_claim_that_holds_with_the_same_values_is_not_told() -> None:
    run = read(lesson_of("sidecar"), claims=[claim_of("sidecar")])
    assert compare(run, run) == []
    assert summary([]) == "Since the earlier run no claim changed."


@pytest.mark.parametrize("there_before", [True, False])
def test_a_lesson_of_one_run_alone_is_told_without_its_claims(there_before) -> None:
    alone = read(lesson_of("sidecar"), claims=[claim_of("sidecar")])
    runs = (alone, read(claims=[])) if there_before else (read(claims=[]), alone)
    (change,) = compare(*runs)
    statuses = ("held", "not in it") if there_before else ("not in it", "held")
    assert (change.name, change.before, change.now, change.seconds, change.claims) == ("sidecar", *statuses, None, [])
    assert summary([change]) == "Since the earlier run: 1 lesson has another status."


def test_lessons_stand_in_the_order_of_this_run_and_then_those_that_it_lacks() -> None:
    before = read(lesson_of("a"), lesson_of("b"), claims=[])
    now = read(lesson_of("c", "failed"), lesson_of("b", "failed"), claims=[])
    assert [change.name for change in compare(before, now)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [(12.5, 13.0, None), (12.5, 40.0, ("time", "12.5 s", "40 s")), (None, 40.0, ("time", "none", "40 s"))],
)
def test_a_lesson_that_took_another_time_is_told_and_does_not_matter(before, now, told) -> None:
    changed = compare(*(read(lesson_of("sidecar", seconds=seconds), claims=[]) for seconds in (before, now)))
    assert [change.seconds for change in changed] == ([] if told is None else [told])
    assert not any(change.matters for change in changed)


@pytest.mark.parametrize(("holds", "verdict"), [(True, "holds again"), (False, "fell")])
def test_a_verdict_matters_though_the_status_of_the_lesson_is_the_same(holds, verdict) -> None:
    runs = [read(lesson_of("sidecar"), claims=[claim_of("sidecar", holds=one)]) for one in (not holds, holds)]
    (change,) = compare(*runs)
    assert change.matters
    assert [(claim.verdict, claim.values) for claim in change.claims] == [(verdict, [])]
