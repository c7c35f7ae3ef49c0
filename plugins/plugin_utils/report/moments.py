# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pictures of a few moments in time: memory that grows until the kernel kills, and a change that arrives."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from functools import partial

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import Lesson, is_number
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.svg import (
    Axis,
    Drawing,
    fitting,
    frame,
    mark,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import duration, size

_MOST = 12
"""Endings, or answers, that are drawn."""
_MEBIBYTE = 1024**2


class Life(t.NamedTuple):
    """From when to when a container ran, in seconds since the epoch, and how many bytes it held at last."""

    started_at: float
    finished_at: float
    held: float


def kills(lesson: Lesson) -> t.Callable[[int], Drawing] | None:
    """The memory of a container with a limit, each time that it was started until it was killed."""
    for claim in lesson.claims:
        limit, endings, held = (claim.observed.get(name) for name in ("limit_bytes", "endings", "held_last_mebibytes"))
        if is_number(limit) and isinstance(endings, list) and isinstance(held, list):
            lives = [
                Life(ending["started_at"], ending["finished_at"], mebibytes * _MEBIBYTE)
                for ending, mebibytes in zip(endings, held, strict=False)
                if isinstance(ending, dict)
                and all(map(is_number, (ending.get("started_at"), ending.get("finished_at"), mebibytes)))
            ]
            if lives:
                return partial(_kills, limit, lives[:_MOST])
    return None


def _kills(limit: float, lives: Sequence[Life], width: int) -> Drawing:
    began, ended = lives[0].started_at, max(life.finished_at for life in lives)
    told = "; ".join(
        f"started at {duration(life.started_at - began)}, killed at {duration(life.finished_at - began)}"
        f" when it held {size(life.held)}"
        for life in lives
    )
    drawing = Drawing(
        "Memory up to the limit", f"The limit is {size(limit)}. {told}. Seconds since the first start.", width
    )
    # The cluster's times are whole seconds, and most of these lives are shorter.
    clock = Axis(0, max(ended - began + 1, 5), 12, width - 12, clock=True)
    top, bottom = 24.0, 150.0
    height = Axis(0, max(limit, *(life.held for life in lives)), bottom, top + 4)
    frame(drawing, clock, top, bottom)
    drawing.text(4, top - 10, f"The limit: {size(limit)}", class_="bad")
    drawing.add("path", d=f"M4 {height.at(limit):.1f}H{width - 4}", class_="stop")
    for life in lives:
        start, end, y = clock.at(life.started_at - began), clock.at(life.finished_at - began), height.at(life.held)
        grown = f"M{start - 5:.1f} {bottom:.1f}L{end - 5:.1f} {y:.1f}H{end + 5:.1f}V{bottom:.1f}z"
        drawing.add("path", d=grown, class_="bar series")
        mark(drawing, end, y, 0, "bad", 5)
    last = f"{_times(len(lives))}, at {size(lives[-1].held)}"
    drawing.text(width - 4, top - 10, last, anchor="end", class_="value")
    return drawing


def _times(count: int) -> str:
    return {1: "killed once", 2: "killed twice"}.get(count, f"killed {count} times")


class Answer(t.NamedTuple):
    """What a service said when it was asked, and when its file was written. All in seconds since the epoch."""

    asked_at: float
    written_at: float
    said: str


def change(lesson: Lesson) -> t.Callable[[int], Drawing] | None:
    """When a change of its configuration reached a service that had answered by the old one."""
    for claim in lesson.claims:
        before, after = _answer(claim.observed.get("answer")), _answer(claim.observed.get("answer_after"))
        if before and after and before.asked_at < after.written_at:
            return partial(_change, before, after)
    return None


def _answer(observed: t.Any) -> Answer | None:
    if not isinstance(observed, dict):
        return None
    asked_at, written_at = observed.get("asked_at"), observed.get("written_at")
    if not is_number(asked_at) or not is_number(written_at):
        return None
    return Answer(asked_at, written_at, str(observed.get("greeting", "")))


def _change(before: Answer, after: Answer, width: int) -> Drawing:
    began = before.asked_at
    rows = [
        (began, f'it says "{before.said}"', 1, "good"),
        (after.written_at, "the file in the container changes", 2, "half"),
        (after.asked_at, f'it says "{after.said}"', 1, "good"),
    ]
    told = "; ".join(f"{duration(at - began)}: {what}" for at, what, _kind, _class in rows)
    drawing = Drawing("When the change arrived", f"{told}. The ConfigMap was changed after the first answer.", width)
    clock = Axis(0, after.asked_at - began, 12, width - 12, clock=True)
    bottom = 8.0 + 40 * len(rows)
    frame(drawing, clock, 8, bottom)
    for number, (at, what, kind, class_) in enumerate(rows):
        y = 8.0 + 40 * number
        drawing.text(6, y + 12, fitting(f"{duration(at - began)}: {what}", width - 12))
        drawing.add("rect", x=12, y=y + 24, width=max(clock.at(at - began) - 12, 1.0), height=3, class_="stands")
        mark(drawing, clock.at(at - began), y + 25.5, kind, class_, 5)
    return drawing
