# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""A report as it is printed."""

from __future__ import annotations

import textwrap
import typing as t

from ansible import constants as C
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.evidence import evidence
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import Lesson

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_NARROWEST = 60
"""Columns below which nothing is wrapped any closer."""
_KINDS = {"antipattern": "anti-pattern", "pattern": "pattern"}


class Paragraph(t.NamedTuple):
    """Some lines of one colour."""

    text: str
    colour: str | None = None


def paragraphs(lesson: Lesson, columns: int) -> Iterator[Paragraph]:
    """What is printed of a lesson: its status, its claims, what ended it, and the claims that were not made."""

    def wrapped(head: str, text: str, colour: str | None = None) -> Paragraph:
        width = max(columns, _NARROWEST)
        return Paragraph(textwrap.fill(text, width, initial_indent=head, subsequent_indent=" " * len(head)), colour)

    colour = {"held": C.COLOR_OK, "failed": C.COLOR_ERROR, "not run": C.COLOR_SKIP}[lesson.status]
    took = "" if lesson.status == "not run" else f", {lesson.seconds:.1f} s"
    yield Paragraph(f"\n{lesson.lesson}: {lesson.status}{took}", colour)
    for claim in lesson.claims:
        mark, mark_colour = ("✓", C.COLOR_OK) if claim.holds else ("✗", C.COLOR_ERROR)
        yield wrapped(f"  {mark} {_KINDS[claim.shows]:<12}  ", f"{claim.claim} ({claim.seconds:.1f} s)", mark_colour)
        yield wrapped(" " * 18, claim.message or evidence(claim.evidence))
    if lesson.outside is not None:
        yield wrapped("  ✗ ", f"{lesson.outside.task}: {lesson.outside.message}", C.COLOR_ERROR)
    for why, unmade in ("not reached", lesson.not_reached), ("skipped", lesson.skipped):
        for missing in unmade:
            yield wrapped(f"  - {_KINDS[missing.shows]:<12}  ", f"{missing.claim} ({why})", C.COLOR_SKIP)


def closing(lessons: list[Lesson]) -> str:
    """The last line: how many claims hold, and what failed or did not run."""
    claims = [claim for lesson in lessons for claim in lesson.claims]
    holding = sum(claim.holds for claim in claims)
    parts = [_count(holding, "claim holds", "claims hold")]
    for number, what in (
        (len(claims) - holding, "failed"),
        (sum(len(lesson.not_reached) for lesson in lessons), "not reached"),
        (sum(len(lesson.skipped) for lesson in lessons), "skipped"),
    ):
        if number:
            parts.append(f"{number} {what}")
    for status in "failed", "not run":
        names = [lesson.lesson for lesson in lessons if lesson.status == status]
        if names:
            parts.append(f"{_count(len(names), 'lesson', 'lessons')} {status} ({', '.join(names)})")
    return ", ".join(parts)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
