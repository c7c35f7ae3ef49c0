# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one figure that says a lesson, as its lesson.yml asks for it, and other values by their paths."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import Claim, Lesson
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import said

_PLACE = re.compile(r"\{([^{}]+)\}")


class Found(t.NamedTuple):
    """A value that a claim has observed."""

    name: str
    value: t.Any
    claim: Claim


def find(lesson: Lesson, path: str) -> Found | None:
    """The first value of a lesson that stands at a path, such as `stop_seconds`, `storm.pods` or `others.0.name`.

    Before it may stand the kind of claims that are meant (`pattern.stop_seconds`), or the beginning of the one that is
    (`With dumb-init: stop_seconds`).
    """
    beginning, colon, steps = path.rpartition(": ")
    kind, dot, rest = steps.partition(".")
    if dot and kind in ("antipattern", "pattern"):
        steps = rest
    else:
        kind = ""
    for claim in lesson.claims:
        if (colon and not claim.sentence.startswith(beginning)) or (kind and claim.shows != kind):
            continue
        value: t.Any = claim.observed
        for step in steps.split("."):
            value = _part(value, step)
        if value is not None and not isinstance(value, (dict, list)):
            name = next((step for step in reversed(steps.split(".")) if not step.isdecimal()), steps)
            return Found(name, value, claim)
    return None


def _part(value: t.Any, step: str) -> t.Any:
    """What a dictionary has under a name or a list at a place, counted from 0; None where there is nothing."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


def figure(lesson: Lesson, text: t.Any) -> str | None:
    """A sentence with values in it, such as `{antipattern.stop_seconds} against {pattern.stop_seconds}`.

    None where a value is missing.
    """
    if not isinstance(text, str):
        return None
    values = {}
    for path in _PLACE.findall(text):
        found = find(lesson, path)
        if found is None:
            return None
        values[path] = said(found.name, found.value)
    return _PLACE.sub(lambda place: values[place[1]], text)
