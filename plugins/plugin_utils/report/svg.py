# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Drawings as SVG that stands in a page. Colours come from the page's style sheet, by classes."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import duration
from markupsafe import Markup, escape

WIDE, NARROW = 720, 320
"""Pixels of a picture on a wide screen and on a phone. Both are in the page, which shows the one that fits."""
LETTER = 7.4
"""Pixels that a letter of the text takes at most, on average."""
_MINUTES = (0.5, 1, 2, 5, 10, 20, 60, 120, 360, 1440)
"""Between two values of an axis that counts them."""


def tag(name: str, *children: str, **attributes: t.Any) -> Markup:
    """An element. Texts and values are escaped; class_ and the like lose their underscore, others become dashes."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inner)


def _value(value: t.Any) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def fitting(text: str, pixels: float) -> str:
    """The text, cut where it would be wider."""
    room = max(4, int(pixels / LETTER))
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"


@dataclass
class Drawing:
    """Something to draw on, from the top left."""

    title: str
    description: str
    """What it shows, for those who don't see it."""
    width: int
    height: float = 0
    parts: list[Markup] = field(default_factory=list)

    def add(self, name: str, *children: str, **attributes: t.Any) -> None:
        self.parts.append(tag(name, *children, **attributes))

    def text(self, x: float, y: float, text: str, *, anchor: str | None = None, class_: str | None = None) -> None:
        self.add("text", text, x=float(x), y=float(y), text_anchor=anchor, class_=class_)

    def markup(self, identifier: str) -> Markup:
        """The element; the identifier is its own in the page."""
        return tag(
            "svg",
            tag("title", self.title, id=f"{identifier}-t"),
            tag("desc", self.description, id=f"{identifier}-d"),
            *self.parts,
            role="img",
            aria_labelledby=f"{identifier}-t {identifier}-d",
            viewBox=f"0 0 {self.width} {math.ceil(self.height)}",
            width=self.width,
            height=math.ceil(self.height),
            class_="picture",
        )


@dataclass
class Axis:
    """Where a value stands between two ends, in pixels; with log by its magnitude."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    clock: bool = False
    """Whether its values are seconds, which are counted in minutes where they are many."""

    def __post_init__(self) -> None:
        if self.log:
            self.low = 10 ** math.floor(math.log10(max(self.low, 1e-4)))
            self.high = 10 ** math.ceil(math.log10(max(self.high, self.low * 1.01)))
        elif self.high <= self.low:
            self.high = self.low + 1

    def at(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log10(value / self.low) / math.log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, room: float = 60) -> list[float]:
        """Round values, at least so many pixels apart."""
        if self.log:
            decades = round(math.log10(self.high / self.low))
            step = max(1, math.ceil(decades * room / max(abs(self.end - self.start), 1)))
            return [self.low * 10**power for power in range(0, decades + 1, step)]
        most = max(1, int(abs(self.end - self.start) / room))
        raw = (self.high - self.low) / most
        magnitude = 10 ** math.floor(math.log10(raw))
        steps = (factor * magnitude for factor in (1, 2, 5, 10))
        if self.clock and raw > 20:
            steps = (minutes * 60.0 for minutes in (*_MINUTES, math.ceil(raw / 60)))
        step = next(step for step in steps if step >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [index * step for index in range(first, math.floor(self.high / step + 1e-9) + 1)]


def frame(drawing: Drawing, axis: Axis, top: float, bottom: float) -> None:
    """The axis of seconds from left to right below a picture, with lines up to its top."""
    room = 80 if axis.log or axis.high > 120 else 60
    for value in axis.ticks(room):
        x = axis.at(value)
        drawing.add("path", d=f"M{x:.1f} {top:.1f}V{bottom:.1f}", class_="grid")
        text = f"{value / 60:g} min" if axis.clock and value and value % 60 == 0 else duration(value)
        anchor = "end" if x > drawing.width - 4 * len(text) else "start" if x < 4 * len(text) else "middle"
        drawing.text(x, bottom + 15, text, anchor=anchor, class_="axis")
    drawing.height = max(drawing.height, bottom + 22)


def mark(drawing: Drawing, x: float, y: float, kind: int, class_: str, size: float = 4) -> None:
    """A mark; kinds differ in their shapes, so that colours don't have to be told apart."""
    paths = (
        f"M{x - size:.1f} {y - size:.1f}l{2 * size} {2 * size}m0 {-2 * size}l{-2 * size} {2 * size}",
        f"M{x - size:.1f} {y:.1f}a{size} {size} 0 1 0 {2 * size} 0a{size} {size} 0 1 0 {-2 * size} 0z",
        f"M{x:.1f} {y - size:.1f}l{size} {2 * size}h{-2 * size}z",
    )
    drawing.add("path", d=paths[kind % len(paths)], class_=f"mark {class_}")


def columns(values: Iterable[float], axis: Axis) -> dict[int, int]:
    """How many of the values there are in each column of pixels, so that any number of them can be drawn."""
    counts: dict[int, int] = {}
    for value in values:
        column = int(axis.at(value))
        counts[column] = counts.get(column, 0) + 1
    return dict(sorted(counts.items()))


def ticks_path(filled: Iterable[int], top: float, height: float) -> str:
    """A path with a line of that height in each column of pixels; neighbours become one area."""
    path, begin, last = [], None, None
    for column in [*filled, None]:
        if begin is not None and (column is None or last is None or column > last + 1):
            path.append(f"M{begin} {top:g}h{(last or 0) - begin + 1}v{height:g}H{begin}z")
            begin = None
        if begin is None:
            begin = column
        last = column
    return "".join(path)
