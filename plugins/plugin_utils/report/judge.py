# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a lesson stands after a run."""

from __future__ import annotations

import typing as t

from ansible.playbook.block import Block
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Claim,
    Failure,
    Lesson,
    Place,
    Unmade,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible.playbook.task import Task

_SECTIONS: tuple[t.Literal["block", "rescue", "always"], ...] = ("block", "rescue", "always")


def judge(
    lesson: Lesson,
    *,
    failed: bool,
    failures: Iterable[Failure],
    expected: Mapping[str, Unmade],
    made: Sequence[str],
    skipped: Sequence[str],
) -> None:
    """Decide the status of a lesson that has its claims, and what became of the claims that were not made.

    :param failed: Whether a task failed and was neither ignored nor rescued.
    :param failures: The tasks that failed, in their order, rescued ones included.
    :param expected: The claims of the lesson's files by the places where they are written.
    :param made: The places of the claims that were made, and of the tasks that failed.
    :param skipped: The places of the claims that were skipped.
    """
    if failed:
        lesson.failure = cause(failures)
    if failed or lesson.fallen:
        lesson.status = "failed"
    elif lesson.claims:
        lesson.status = "held"
    # The frame of the lessons, which says which claims fell, comes after the last claim.
    of_a_claim = lesson.failure is not None and lesson.failure.message in [claim.message for claim in lesson.fallen]
    ended_early = lesson.outside is not None or of_a_claim
    for place, claim in expected.items():
        if place in made:
            continue
        if ended_early and place not in skipped:
            lesson.not_reached.append(claim)
        else:
            lesson.skipped.append(claim)


def places_of(task: Task) -> list[Place]:
    """The blocks that a task is in, from the innermost outwards."""
    places = []
    node: t.Any = task
    while node._parent is not None:
        block = node._parent
        if isinstance(block, Block):
            for section in _SECTIONS:
                if any(other._uuid == node._uuid for other in getattr(block, section)):
                    places.append(Place(block._uuid, section, bool(block.rescue)))
        node = block
    return places


def cause(failures: Iterable[Failure]) -> Failure | None:
    """The failure that ended a lesson: the first one that was not rescued.

    What fails in the rescue or the always of its block is its consequence, such as a diagnosis or a clean-up.
    """
    unrescued: list[Failure] = []
    for failure in failures:
        leading: list[Failure] = []
        for earlier in reversed(unrescued):
            if _led_to(earlier, failure, leading):
                leading.insert(0, earlier)
        unrescued = [*leading, failure]
    return unrescued[0] if unrescued else None


def _led_to(earlier: Failure, later: Failure, between: list[Failure]) -> bool:
    """Whether the later one came although the earlier one was not rescued; between are those after it that weren't."""
    sections = {place.block: place.section for place in earlier.places}
    for place in later.places:
        if place.block not in sections:
            continue
        before = sections[place.block]
        if _SECTIONS.index(before) >= _SECTIONS.index(place.section):
            return False
        if place.section == "always" and before == "block" and place.has_rescue:
            return any(
                other.block == place.block and other.section == "rescue"
                for failure in between
                for other in failure.places
            )
        return True
    return False


def stranger(name: str, claims: list[Claim], group: str) -> Lesson:
    """A lesson that made claims without being one of the run's."""
    message = f"{name} made claims, but is no host of the group {group}."
    return Lesson(name, "failed", claims=claims, failure=Failure("membership", message))
