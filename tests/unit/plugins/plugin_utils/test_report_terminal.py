# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible import constants as C
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import Failure, Lesson, Unmade
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.terminal import closing, paragraphs


def printed(lesson: Lesson, columns: int = 100) -> list[str]:
    return [paragraph.text for paragraph in paragraphs(lesson, columns)]


def test_nothing_of_a_lesson_is_left_out(claim) -> None:
    lesson = Lesson(
        "sidecar",
        "failed",
        seconds=2.5,
        claims=[claim("A"), claim("B", holds=False, shows="antipattern")],
        failure=Failure("Look", "no pod"),
        not_reached=[Unmade("C", "pattern")],
        skipped=[Unmade("D", "antipattern")],
    )
    assert printed(lesson) == [
        "\nsidecar: failed, 2.5 s",
        "  ✓ pattern       A (1.5 s)",
        "                  served=6",
        "  ✗ anti-pattern  B (1.5 s)",
        '                  "B" does not hold.',
        "  ✗ Look: no pod",
        "  - pattern       C (not reached)",
        "  - anti-pattern  D (skipped)",
    ]


def test_colours_say_what_is_well_and_what_is_not(claim) -> None:
    lesson = Lesson(
        "sidecar",
        "failed",
        claims=[claim("A"), claim("B", holds=False)],
        failure=Failure("Look", "no pod"),
        not_reached=[Unmade("C", "pattern")],
        skipped=[Unmade("D", "pattern")],
    )
    assert [paragraph.colour for paragraph in paragraphs(lesson, 100)] == [
        C.COLOR_ERROR,
        *(C.COLOR_OK, None, C.COLOR_ERROR, None),
        C.COLOR_ERROR,
        *(C.COLOR_SKIP, C.COLOR_SKIP),
    ]


@pytest.mark.parametrize(("status", "colour"), [("held", C.COLOR_OK), ("not run", C.COLOR_SKIP)])
def test_the_colour_of_a_lesson_is_that_of_its_status(status, colour) -> None:
    assert [paragraph.colour for paragraph in paragraphs(Lesson("sidecar", status), 100)] == [colour]


def test_long_sentences_are_wrapped_under_themselves(claim) -> None:
    text = printed(Lesson("sidecar", "held", claims=[claim("word " * 30)]), columns=10)[1]
    first, *others = text.split("\n")
    assert others
    assert all(line.startswith(" " * 18 + "word") and len(line) <= 60 for line in others[:-1])


def test_a_lesson_that_did_not_run_has_no_seconds() -> None:
    assert printed(Lesson("sidecar")) == ["\nsidecar: not run"]


def test_the_last_line_counts_everything(claim) -> None:
    lessons = [
        Lesson("sidecar", "held", claims=[claim(), claim()], skipped=[Unmade("A", "pattern")]),
        Lesson("logging", "failed", claims=[claim(holds=False)], not_reached=[Unmade("B", "pattern")] * 2),
        Lesson("pod_quotas"),
        Lesson("direct_pods"),
    ]
    assert closing(lessons) == (
        "2 claims hold, 1 failed, 2 not reached, 1 skipped, 1 lesson failed (logging),"
        " 2 lessons not run (pod_quotas, direct_pods)"
    )
    assert closing([Lesson("sidecar", "held", claims=[claim()])]) == "1 claim holds"
