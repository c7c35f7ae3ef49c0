# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.play import Play
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.judge import (
    cause,
    judge,
    places_of,
    stranger,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Failure,
    Lesson,
    Place,
    Unmade,
)

EXPECTED = {"verify.yml:1": Unmade("It serves", "pattern"), "verify.yml:9": Unmade("It ends", "pattern")}


def failure(message: str, *places: str) -> Failure:
    """A failed task and the blocks it is in, innermost first, as "lesson/rescue"; those in capitals have a rescue."""
    split = [place.split("/") for place in places]
    return Failure("Deploy", message, [Place(block, section, block.isupper()) for block, section in split])  # type: ignore[arg-type]


IN = "LESSON/block"
RESCUE = "LESSON/rescue"
ALWAYS = "LESSON/always"


@pytest.mark.parametrize(
    ("failures", "named"),
    [
        ([], None),
        ([failure("one", IN)], "one"),
        # They have nothing to do with each other, so the play went on after the first.
        ([failure("one", "A/block"), failure("two", "B/block")], "two"),
        ([failure("one", IN), failure("diagnosis", RESCUE)], "one"),
        ([failure("one", IN), failure("diagnosis", RESCUE), failure("clean-up", ALWAYS)], "one"),
        # Rescued, so that what failed is the clean-up.
        ([failure("one", IN), failure("clean-up", ALWAYS)], "clean-up"),
        # Without a rescue what comes always is the consequence.
        ([failure("one", "lesson/block"), failure("clean-up", "lesson/always")], "one"),
        ([failure("one", "lesson/block"), failure("a", "lesson/always"), failure("b", "lesson/always")], "one"),
        # Rescued by a block of its own, before another one failed.
        ([failure("rescued", "TRY/block", IN), failure("two", IN)], "two"),
        ([failure("rescued", "TRY/block", IN), failure("two", IN), failure("diagnosis", RESCUE)], "two"),
        # The rescue of the inner block failed as well, and then that of the lesson.
        ([failure("one", "TRY/block", IN), failure("two", "TRY/rescue", IN), failure("three", RESCUE)], "one"),
        # Part of the diagnosis failed and was rescued.
        ([failure("one", IN), failure("part", "TRY/block", RESCUE), failure("end", RESCUE)], "one"),
        # What comes always failed as well, and then the rescue around both.
        ([failure("one", "lesson/block", IN), failure("clean-up", "lesson/always", IN), failure("end", RESCUE)], "one"),
    ],
)
def test_the_cause_is_the_first_failure_that_was_not_rescued(failures: list[Failure], named: str | None) -> None:
    found = cause(failures)
    assert (found and found.message) == named


def judged(lesson: Lesson, **facts) -> Lesson:
    judge(lesson, **{"failed": False, "failures": [], "expected": EXPECTED, "made": [], "skipped": [], **facts})
    return lesson


def names(unmade: list[Unmade]) -> list[str]:
    return [claim.claim for claim in unmade]


def test_a_lesson_that_made_all_its_claims_is_held(claim) -> None:
    lesson = judged(Lesson("sidecar", claims=[claim(), claim()]), made=list(EXPECTED))
    assert (lesson.status, lesson.skipped, lesson.not_reached) == ("held", [], [])


def test_a_skipped_claim_is_told_of_a_lesson_that_is_held(claim) -> None:
    lesson = judged(Lesson("sidecar", claims=[claim()]), made=["verify.yml:1"])
    assert (lesson.status, names(lesson.skipped), lesson.not_reached) == ("held", ["It ends"], [])


def test_a_lesson_that_made_no_claim_did_not_run() -> None:
    assert judged(Lesson("sidecar")).status == "not run"


def test_a_failed_task_leaves_the_claims_after_it_unreached(claim) -> None:
    failures = [failure("one", IN)]
    lesson = judged(Lesson("sidecar", claims=[claim()]), failed=True, failures=failures, made=["verify.yml:1"])
    assert (lesson.status, names(lesson.not_reached), lesson.skipped) == ("failed", ["It ends"], [])


def test_a_claim_that_was_skipped_before_a_task_failed_is_not_one_that_was_not_reached(claim) -> None:
    lesson = judged(Lesson("sidecar"), failed=True, failures=[failure("one", IN)], skipped=["verify.yml:1"])
    assert (names(lesson.skipped), names(lesson.not_reached)) == (["It serves"], ["It ends"])


def test_a_claim_that_fails_its_task_leaves_those_after_it_unreached(claim) -> None:
    fallen = claim("It serves", holds=False)
    own = Failure("It serves", fallen.message)
    lesson = judged(Lesson("sidecar", claims=[fallen]), failed=True, failures=[own], made=["verify.yml:1"])
    assert (names(lesson.not_reached), lesson.outside) == (["It ends"], None)


def test_a_lesson_that_names_what_fell_at_its_end_has_reached_all(claim) -> None:
    end = Failure("End the lesson", "1 of its claims fell: It serves")
    lesson = judged(
        Lesson("sidecar", claims=[claim("It serves", holds=False)]), failed=True, failures=[end], made=["verify.yml:1"]
    )
    assert (lesson.status, names(lesson.skipped), lesson.not_reached) == ("failed", ["It ends"], [])


def test_the_places_of_a_task_are_told_from_the_innermost_block_outwards() -> None:
    look: dict[str, dict[str, str]] = {"debug": {}}
    written = {"block": [look, {"block": [look], "rescue": [look]}], "always": [look]}
    (outer,) = load_list_of_blocks([written], play=Play(), loader=DataLoader())
    inner = outer.block[1]
    assert places_of(outer.block[0]) == [Place(outer._uuid, "block", False)]
    assert places_of(inner.block[0]) == [Place(inner._uuid, "block", True), Place(outer._uuid, "block", False)]
    assert places_of(inner.rescue[0]) == [Place(inner._uuid, "rescue", True), Place(outer._uuid, "block", False)]
    assert places_of(outer.always[0]) == [Place(outer._uuid, "always", False)]


def test_a_task_in_no_block_has_no_place() -> None:
    (outer,) = load_list_of_blocks([{"block": [{"debug": {}}]}], play=Play(), loader=DataLoader())
    assert places_of(outer) == []


def test_who_makes_claims_without_being_a_lesson_of_the_run_has_failed(claim) -> None:
    claims = [claim()]
    lesson = stranger("web", claims, "workshop_lessons")
    assert (lesson.lesson, lesson.status, lesson.claims) == ("web", "failed", claims)
    assert lesson.failure == Failure("membership", "web made claims, but is no host of the group workshop_lessons.")
