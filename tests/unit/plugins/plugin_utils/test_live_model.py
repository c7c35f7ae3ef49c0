# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.live.model import Row, Scene, fitting


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.begin_lessons(["sidecar", "logging"])
    return made


def test_a_stage_is_over_when_the_next_one_begins() -> None:
    scene = Scene()
    assert scene.starts("localhost", "Have an engine", "Ask for it", 1) is None
    assert scene.starts("localhost", "Have an engine", "Start it", 2) is None
    assert scene.stage is not None
    assert (scene.stage.doing, scene.stage.seconds(5)) == ("Start it", 4)
    said = scene.starts("localhost", "Have a cluster", "Make it", 200)
    assert said is not None
    assert (said.text, said.colour) == ("✓ Have an engine (3 min 19 s)", "green")
    failed = scene.stage_ends("failed", 202.34)
    assert failed is not None
    assert (failed.text, failed.colour) == ("✗ Have a cluster (2.3 s)", "red")
    # What comes always comes after it.
    assert scene.starts("localhost", "Have a cluster", "Tidy up", 205) is None
    assert scene.stage_ends("held", 210) is None
    assert scene.starts("localhost", "Have a registry", "Build it", 211) is None


def test_a_lesson_begins_with_its_first_task_and_not_before(scene) -> None:
    scene.starts("logging", "", "Deploy", 10)
    assert [(row.state, row.doing, row.seconds(14)) for row in scene.lessons.values()] == [
        ("waiting", "", 0),
        ("going", "Deploy", 4),
    ]
    assert scene.stage is None


def test_a_lesson_ends_once_and_stays_as_it_ended(scene) -> None:
    scene.starts("sidecar", "", "Deploy", 10)
    scene.claimed("sidecar", "It serves", None)
    said = scene.lesson_ends("sidecar", "held", 12)
    assert (said.text, said.colour) == ("✓ sidecar held: 1 claim holds (2 s)", "green")
    scene.starts("sidecar", "", "Tidy up", 13)
    assert scene.lesson_ends("sidecar", "failed", 14) is None
    assert (scene.lessons["sidecar"].state, scene.lessons["sidecar"].doing) == ("held", "")
    assert scene.lessons["sidecar"].seconds(99) == 2
    # What never began has no end.
    assert scene.lesson_ends("logging", "failed", 14) is None


def test_each_claim_is_told_with_why_it_fell(scene) -> None:
    assert scene.claimed("sidecar", "It serves", None) == ("✓ sidecar: It serves", "green")
    why = '"It refuses" does not hold: "n > 1" is false, observed n=1.'
    assert scene.claimed("sidecar", "It refuses", why) == (f"✗ sidecar: {why}", "red")
    assert scene.lessons["sidecar"].fallen == ["It refuses"]


@pytest.mark.parametrize(
    ("holding", "fallen", "outcome"), [(2, [], "held"), (2, ["A"], "failed"), (0, ["A"], "failed"), (0, [], "done")]
)
def test_the_outcome_is_that_of_the_report(holding, fallen, outcome) -> None:
    assert Row("sidecar", holding=holding, fallen=fallen).outcome() == outcome


@pytest.mark.parametrize(
    ("row", "counted"),
    [
        (Row("a"), ""),
        (Row("a", "going", expected=4), "0 of 4 claims"),
        (Row("a", "going", expected=4, holding=1, fallen=["A"]), "2 of 4 claims"),
        (Row("a", "going", expected=1, holding=3), "3 of 3 claims"),
        (Row("a", "going", holding=1), "1 claim"),
        (Row("a", "going"), ""),
        (Row("a", "held", expected=4, holding=3), "3 claims hold"),
        (Row("a", "failed", expected=4, holding=1, fallen=["A", "B"]), "1 claim holds, 2 fell"),
        (Row("a", "failed", expected=4), "no claim"),
    ],
)
def test_claims_are_counted(row, counted) -> None:
    assert row.counted() == counted


ROWS = [
    Row("a", "held"),
    Row("b", "failed", fallen=["B"]),
    Row("c", "going"),
    Row("d", "going", fallen=["D"]),
    Row("e"),
    Row("f"),
]


@pytest.mark.parametrize(
    ("height", "shown", "left_out"),
    [
        (8, "abcdef", []),
        (7, "abcd", ["2 to come"]),
        (6, "bcd", ["2 to come", "1 held"]),
        (5, "cd", ["2 to come", "1 held", "1 failed"]),
        (1, "cd", ["2 to come", "1 held", "1 failed"]),
    ],
)
def test_what_goes_on_is_left_out_last(height, shown, left_out) -> None:
    rows, words = fitting(ROWS, height)
    assert ("".join(row.name for row in rows), words) == (shown, left_out)
