# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What changed from one run to another."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import (
    Claim,
    Lesson,
    Run,
    is_number,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import said, unit_of, words

_NOTABLE = 0.25
"""The share by which a measured value has to differ to be told. Less differs by chance."""
_SMALL = 0.5
"""Seconds, or whatever the unit is, below which a difference is never told."""
_EPOCH = 1_000_000_000


class Value(t.NamedTuple):
    """A value that is another one."""

    name: str
    before: str
    now: str


@dataclass
class ClaimChange:
    """A claim that differs."""

    sentence: str
    verdict: t.Literal["fell", "holds again", "new", "gone", ""]
    """Nothing where only its values differ."""
    values: list[Value] = field(default_factory=list)


@dataclass
class LessonChange:
    """A lesson that differs."""

    name: str
    before: str
    now: str
    seconds: Value | None
    claims: list[ClaimChange]

    @property
    def matters(self) -> bool:
        return self.before != self.now or any(claim.verdict for claim in self.claims)


def compare(before: Run, now: Run) -> list[LessonChange]:
    """The lessons that differ, in the order of this run, then those that it does not have."""
    earlier = {lesson.name: lesson for lesson in before.lessons}
    later = {lesson.name: lesson for lesson in now.lessons}
    changes = [_lesson(name, earlier.get(name), later.get(name)) for name in dict.fromkeys([*later, *earlier])]
    return [change for change in changes if change.matters or change.claims or change.seconds]


def summary(changes: list[LessonChange]) -> str:
    """How many claims fell, hold again, are new or gone, on one line."""
    verdicts = [claim.verdict for change in changes for claim in change.claims]
    counts = [
        f"{verdicts.count(verdict)} {label}"
        for verdict, label in (("fell", "fell"), ("holds again", "hold again"), ("new", "new"), ("gone", "gone"))
        if verdict in verdicts
    ]
    statuses = sum(change.before != change.now for change in changes)
    if statuses:
        counts.append(f"{statuses} {'lesson has' if statuses == 1 else 'lessons have'} another status")
    return f"Since the earlier run: {', '.join(counts)}." if counts else "Since the earlier run no claim changed."


def _lesson(name: str, before: Lesson | None, now: Lesson | None) -> LessonChange:
    # A sentence with another figure in it is the same claim.
    earlier = {_key(claim.sentence): claim for claim in (before.claims if before else [])}
    later = {_key(claim.sentence): claim for claim in (now.claims if now else [])}
    both = before is not None and now is not None
    claims = [_claim(earlier.get(key), later.get(key)) for key in dict.fromkeys([*later, *earlier])] if both else []
    seconds = None
    if before is not None and now is not None and _differ(before.seconds, now.seconds):
        seconds = Value("time", said("seconds", before.seconds), said("seconds", now.seconds))
    return LessonChange(
        name,
        before.status if before else "not in it",
        now.status if now else "not in it",
        seconds,
        [claim for claim in claims if claim is not None],
    )


def _key(sentence: str) -> str:
    return re.sub(r"\d+", "#", sentence)


def _claim(before: Claim | None, now: Claim | None) -> ClaimChange | None:
    if before is None or now is None:
        present = now or before
        return None if present is None else ClaimChange(present.sentence, "new" if now else "gone")
    values = dict(_numbers(before.observed))
    changed = [
        Value(words(name), said(name, values[name]), said(name, value))
        for name, value in _numbers(now.observed)
        if name in values and _differ(values[name], value)
    ]
    verdict: t.Literal["fell", "holds again", ""] = ""
    if before.holds != now.holds:
        verdict = "holds again" if now.holds else "fell"
    return ClaimChange(now.sentence, verdict, changed[:20]) if verdict or changed else None


def _numbers(observed: t.Any, name: str = "") -> Iterator[tuple[str, float]]:
    """The measured numbers, moments and samples aside."""
    if isinstance(observed, dict):
        for key, value in observed.items():
            yield from _numbers(value, f"{name}.{key}" if name else key)
    elif is_number(observed) and not (
        unit_of(name) in ("at", "since", "epoch_seconds") or observed > _EPOCH and not unit_of(name)
    ):
        yield name, observed


def _differ(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before != now
    return abs(now - before) > max(_SMALL, _NOTABLE * max(abs(before), abs(now)))
