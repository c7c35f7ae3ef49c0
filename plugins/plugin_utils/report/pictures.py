# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pictures of what a run has measured. A picture for which values are missing is left out."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.figures import find
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import (
    Claim,
    Lesson,
    Run,
    is_number,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.svg import (
    LETTER,
    NARROW,
    WIDE,
    Axis,
    Drawing,
    columns,
    fitting,
    ticks_path,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import (
    duration,
    moment,
    said,
    unit_of,
    words,
)
from markupsafe import Markup

Draw = Callable[[int], Drawing]
"""Draws a picture of a width in pixels."""

_LANES = 12
"""Kinds of requests, or Jobs, beyond which no more are drawn."""
_EPOCH = 1_000_000_000


@dataclass
class Picture:
    """A drawing with its caption, for a wide screen and for a phone."""

    caption: str
    drawings: list[tuple[str, Markup]]
    """By the classes that say for which."""


def of_run(run: Run) -> Picture | None:
    """The lessons side by side in time."""
    lessons = [lesson for lesson in run.lessons if lesson.started is not None and lesson.ended is not None]
    if not lessons:
        return None
    return _picture("timeline", "The lessons side by side", partial(_timeline, run, lessons), wide=1080)


def of_lesson(lesson: Lesson, bars: t.Any = None) -> list[Picture]:
    """What there is to see of a lesson, with the bars that its lesson.yml asks for."""
    wanted: list[tuple[str, Draw | None]] = [
        *_all_bars(lesson, bars),
        *_requests(lesson),
        ("The seconds of each request, and the breaker's states", _breaker(lesson)),
        ("Pods over time", _jobs(lesson)),
    ]
    return [
        _picture(f"picture-{number}", caption, draw)
        for number, (caption, draw) in enumerate(wanted)
        if draw is not None
    ]


def _picture(identifier: str, caption: str, draw: Draw, wide: int = WIDE) -> Picture:
    kinds = (("wide", wide), ("narrow", NARROW))
    return Picture(caption, [(kind, draw(width).markup(f"{identifier}-{kind}")) for kind, width in kinds])


# Parts that several pictures have.


def _frame(drawing: Drawing, axis: Axis, top: float, bottom: float) -> None:
    """The axis of seconds from left to right below a picture, with lines up to its top."""
    room = 70 if axis.log else 60
    for value in axis.ticks(room):
        x = axis.at(value)
        drawing.add("path", d=f"M{x:.1f} {top:.1f}V{bottom:.1f}", class_="grid")
        text = f"{value / 60:g} min" if axis.clock and value and value % 60 == 0 else duration(value)
        anchor = "end" if x > drawing.width - 4 * len(text) else "start" if x < 4 * len(text) else "middle"
        drawing.text(x, bottom + 15, text, anchor=anchor, class_="axis")
    drawing.height = max(drawing.height, bottom + 22)


def _samples(observed: t.Any, *, within: str = "") -> Iterator[tuple[str, list[dict[str, t.Any]]]]:
    """Every list of requests with their moments and durations in what was observed, with its name."""
    if isinstance(observed, list):
        found = [
            item
            for item in observed
            if isinstance(item, dict) and is_number(item.get("at")) and is_number(item.get("seconds"))
        ]
        if found:
            yield within, found
        else:
            for item in observed:
                yield from _samples(item, within=within)
    elif isinstance(observed, dict):
        for name, value in observed.items():
            yield from _samples(value, within=name)


def _shape(drawing: Drawing, x: float, y: float, kind: int, class_: str, size: float = 4) -> None:
    """A mark; kinds differ in their shapes, so that colours don't have to be told apart."""
    paths = (
        f"M{x - size:.1f} {y - size:.1f}l{2 * size} {2 * size}m0 {-2 * size}l{-2 * size} {2 * size}",
        f"M{x - size:.1f} {y:.1f}a{size} {size} 0 1 0 {2 * size} 0a{size} {size} 0 1 0 {-2 * size} 0z",
        f"M{x:.1f} {y - size:.1f}l{size} {2 * size}h{-2 * size}z",
    )
    drawing.add("path", d=paths[kind % len(paths)], class_=f"mark {class_}")


# The time line of a run.


def _timeline(run: Run, lessons: Sequence[Lesson], width: int) -> Drawing:
    began = min([lesson.started or 0 for lesson in lessons] + ([run.started] if run.started is not None else []))
    ended = max(lesson.ended or 0 for lesson in lessons)
    stacked = width < 500
    left = 6.0 if stacked else 16 + LETTER * max(len(fitting(lesson.name, 200)) for lesson in lessons)
    row = 40 if stacked else 26
    axis = Axis(0, ended - began, left, width - 6, clock=True)
    told = "; ".join(
        f"{lesson.name} {lesson.status}, from {duration((lesson.started or 0) - began)}"
        f" to {duration((lesson.ended or 0) - began)}"
        for lesson in lessons[:40]
    )
    drawing = Drawing("Time line of the lessons", f"{told}. Marks are claims.", width)
    bottom = 8.0 + row * len(lessons)
    _frame(drawing, axis, 6, bottom)
    for number, lesson in enumerate(lessons):
        y = 8.0 + row * number
        name = fitting(lesson.name, width - 12 if stacked else 200)
        start, end = axis.at((lesson.started or 0) - began), axis.at((lesson.ended or 0) - began)
        drawing.text(
            left if stacked else left - 8, y + 12 if stacked else y + 15, name, anchor=None if stacked else "end"
        )
        y += 18 if stacked else 5
        drawing.add(
            "rect", x=start, y=y, width=max(end - start, 2.0), height=14.0, rx=3, class_=f"span {_class(lesson)}"
        )
        for claim in lesson.claims[:500]:
            if claim.at is not None and began <= claim.at <= ended + 1:
                x = axis.at(claim.at - began)
                if claim.holds:
                    drawing.add("path", d=f"M{x:.1f} {y + 3:.1f}v8", class_="notch")
                else:
                    _shape(drawing, x, y + 7, 0, "bad")
    return drawing


def _class(lesson: Lesson) -> str:
    return {"held": "good", "failed": "bad"}.get(lesson.status, "none")


# Bars, which a lesson.yml asks for.


def _all_bars(lesson: Lesson, wanted: t.Any) -> Iterator[tuple[str, Draw | None]]:
    for caption, values in wanted.items() if isinstance(wanted, dict) else ():
        rows = []
        for label, path in values.items() if isinstance(values, dict) else ():
            found = find(lesson, str(path))
            if found is not None and is_number(found.value) and found.value >= 0:
                rows.append((str(label), float(found.value), said(found.name, found.value), found.claim))
        yield str(caption), partial(_bars, str(caption), rows) if rows else None


def _bars(title: str, rows: Sequence[tuple[str, float, str, Claim]], width: int) -> Drawing:
    drawing = Drawing(title, "; ".join(f"{label}: {text}" for label, _value, text, _claim in rows), width)
    axis = Axis(0, max(value for _label, value, _text, _claim in rows) or 1, 2, width - 2)
    for number, (label, value, text, claim) in enumerate(rows):
        y = 14.0 + number * 42
        drawing.text(2, y, fitting(label, width - 12 - 8 * len(text)))
        drawing.text(width - 2, y, text, anchor="end", class_="value")
        drawing.add("rect", x=2, y=y + 6, width=width - 4, height=14, rx=3, class_="track")
        kind = "bad" if claim.shows == "antipattern" else "good"
        drawing.add("rect", x=2, y=y + 6, width=max(axis.at(value) - 2, 2.0), height=14, rx=3, class_=f"bar {kind}")
    drawing.height = 42.0 * len(rows)
    return drawing


# Requests over time.


def _requests(lesson: Lesson) -> Iterator[tuple[str, Draw | None]]:
    if any(_spells(claim) for claim in lesson.claims):
        return
    for claim in lesson.claims:
        for _name, samples in _samples(claim.observed):
            if len(samples) >= 3 and any("status" in sample or "error" in sample for sample in samples):
                yield claim.sentence, partial(_request_lanes, claim, samples)


def _outcome(sample: dict[str, t.Any]) -> tuple[bool, str]:
    """Whether a request was served, and by whom, or what came instead."""
    error, status = sample.get("error"), sample.get("status")
    if error:
        return False, str(error)
    if not is_number(status) or not 200 <= status < 400:
        return False, f"status {status}"
    version = re.search(r"\bversion (\S{1,20})", str(sample.get("body") or ""))
    return True, f"served by version {version[1]}" if version else "served"


def _moments(observed: t.Any, low: float, high: float, name: str = "") -> Iterator[tuple[str, float]]:
    """The moments between two others that were observed, samples aside."""
    if isinstance(observed, dict):
        for key, value in observed.items():
            # Names that say nothing by themselves are told with what they belong to.
            yield from _moments(value, low, high, f"{name}_{key}" if name and key in _VAGUE else key)
    elif is_number(observed) and observed > _EPOCH and low <= observed <= high and unit_of(name):
        yield words(re.sub(r"_(epoch_seconds|at)$", "", name)), float(observed)


_VAGUE = {"at", "started_at", "ended_at", "created_at", "ready_at", "deleted_at"}


def _request_lanes(claim: Claim, samples: Sequence[dict[str, t.Any]], width: int) -> Drawing:
    began, ended = min(s["at"] for s in samples), max(s["at"] for s in samples)
    lanes: dict[tuple[bool, str], list[float]] = {}
    for sample in samples:
        lanes.setdefault(_outcome(sample), []).append(sample["at"] - began)
    ordered = sorted(lanes.items(), key=lambda lane: (not lane[0][0], lane[0][1]))[:_LANES]
    events = sorted(set(_moments(claim.observed, began, ended)), key=lambda event: event[1])[:_LANES]
    axis = Axis(0, ended - began, 6, width - 6, clock=True)
    told = "; ".join(
        f"{len(at)} requests {kind}, between {duration(min(at))} and {duration(max(at))}"
        for (_served, kind), at in ordered
    )
    told += "".join(f"; {name} at {duration(when - began)}" for name, when in events)
    drawing = Drawing(claim.sentence, f"{told}. Seconds since the first request, {moment(began)}.", width)
    top = 18.0 * len(events) + 4
    bottom = top + 44.0 * len(ordered)
    _frame(drawing, axis, top, bottom)
    for number, ((served, kind), at) in enumerate(ordered):
        y = top + 44 * number
        drawing.text(6, y + 14, f"{'✓' if served else '✗'} {kind}: {len(at)}", class_="good" if served else "bad")
        drawing.add("rect", x=6, y=y + 20, width=width - 12, height=18, class_="track")
        path = ticks_path(columns(at, axis), y + 20, 18)
        drawing.add("path", d=path, class_=f"ticks {'good' if served else 'bad'}")
    for number, (name, when) in enumerate(events):
        x, y = axis.at(when - began), 18.0 * number + 12
        right = x > width / 2
        drawing.add("path", d=f"M{x:.1f} {y - 8:.1f}V{bottom:.1f}", class_="event")
        text = fitting(f"{name}, {duration(when - began)}", (x if right else width - x) - 10)
        drawing.text(x + (-5 if right else 5), y, text, anchor="end" if right else None, class_="axis")
    return drawing


# A circuit breaker's states, with the requests that came.


def _spells(claim: Claim) -> list[dict[str, t.Any]]:
    """The states of a breaker with their moments, where a claim has observed them."""
    for _name, samples in _samples(claim.observed):
        spells = [sample for sample in samples if isinstance(sample.get("state"), str) and "status" not in sample]
        if len(spells) > 1:
            return spells
    return []


_SERIES = {"antipattern": (0, "bad", "without the breaker"), "pattern": (1, "good", "behind the breaker")}


def _breaker(lesson: Lesson) -> Draw | None:
    spells = max((_spells(claim) for claim in lesson.claims), key=len, default=[])
    rows = []
    for claim in lesson.claims:
        seconds = [value for value in _all_seconds(claim.observed) if value > 0][:500]
        if seconds:
            rows.append((claim, seconds))
    if not spells or not rows:
        return None
    return partial(_breaker_drawing, spells, rows)


_PAGES = re.compile(r"(pages?|fastest|slowest)\w*_seconds$|^seconds$")


def _all_seconds(observed: t.Any, name: str = "") -> Iterator[float]:
    """How long each page took, as far as it was told."""
    if is_number(observed):
        if _PAGES.search(name):
            yield float(observed)
    elif isinstance(observed, list):
        for item in observed:
            yield from _all_seconds(item, name)
    elif isinstance(observed, dict) and not ("state" in observed and "status" not in observed):
        for key, value in observed.items():
            yield from _all_seconds(value, key)


def _breaker_drawing(
    spells: Sequence[dict[str, t.Any]], rows: Sequence[tuple[Claim, list[float]]], width: int
) -> Drawing:
    everything = [value for _claim, seconds in rows for value in seconds]
    axis = Axis(min(everything), max(everything), 10, width - 10, log=True)
    began = min(spell["at"] for spell in spells)
    until = max(spell["at"] + spell["seconds"] for spell in spells)
    states = "; ".join(
        f"{spell['state']} from {duration(spell['at'] - began)} for {duration(spell['seconds'])}"
        for spell in spells[:40]
    )
    told = "; ".join(f"{claim.sentence}: {_span(seconds)}" for claim, seconds in rows)
    drawing = Drawing(
        "The seconds of each page, and the breaker's states",
        f"{told}. The breaker was {states}. The axis of seconds is logarithmic.",
        width,
    )
    row = 46.0
    bottom = 8 + row * len(rows)
    _frame(drawing, axis, 6, bottom)
    for number, (claim, seconds) in enumerate(rows):
        y = 8 + row * number
        kind, colour, _label = _SERIES[claim.shows]
        value = _span(seconds)
        drawing.text(4, y + 14, fitting(claim.sentence, width - 16 - 7 * len(value)))
        drawing.text(width - 4, y + 14, value, anchor="end", class_="value")
        for second in seconds:
            _shape(drawing, axis.at(second), y + 29, kind, colour)
    top = bottom + 48
    drawing.text(4, bottom + 40, "The breaker", class_="value")
    clock = Axis(0, until - began, 6, width - 6, clock=True)
    _frame(drawing, clock, top, top + 40)
    for spell in spells[:500]:
        start, end = clock.at(spell["at"] - began), clock.at(spell["at"] + spell["seconds"] - began)
        drawing.add("rect", x=start, y=top, width=max(end - start, 2.0), height=40, class_=f"state {_state(spell)}")
        if end - start > 6.6 * len(spell["state"]):
            drawing.text((start + end) / 2, top + 24, spell["state"], anchor="middle", class_="on")
    return drawing


def _state(spell: dict[str, t.Any]) -> str:
    return {"closed": "good", "open": "bad"}.get(spell["state"], "half")


def _span(seconds: Sequence[float]) -> str:
    low, high = duration(min(seconds)), duration(max(seconds))
    return low if low == high else f"{low} to {high}"


# The pods of Jobs.


class _Job(t.NamedTuple):
    name: str
    created_at: list[float]
    ended_at: float | None
    ended: str


def _found_jobs(lesson: Lesson) -> list[_Job]:
    found: dict[str, _Job] = {}
    for claim in lesson.claims:
        for name, item in _with_pods(claim.observed, ""):
            created = sorted(at for at in item["created_at"] if is_number(at))
            identity = str(item.get("uid") or name or claim.sentence)
            before = found.get(identity)
            if not created:
                continue
            ended = item["ended_at"] if is_number(item.get("ended_at")) else None
            why = " ".join(str(item[key]) for key in ("ended", "reason") if item.get(key))
            label = name or (before.name if before else claim.sentence)
            longer = before is not None and len(before.created_at) > len(created)
            found[identity] = _Job(label, before.created_at if before and longer else created, ended, why)
    return list(found.values())[:_LANES]


def _with_pods(observed: t.Any, name: str) -> Iterator[tuple[str, dict[str, t.Any]]]:
    if isinstance(observed, dict):
        if isinstance(observed.get("created_at"), list):
            yield name, observed
        for key, value in observed.items():
            yield from _with_pods(value, key)


def _jobs(lesson: Lesson) -> Draw | None:
    jobs = _found_jobs(lesson)
    return partial(_jobs_drawing, jobs) if jobs else None


def _jobs_drawing(jobs: Sequence[_Job], width: int) -> Drawing:
    began = min(job.created_at[0] for job in jobs)
    ended = max([job.created_at[-1] for job in jobs] + [job.ended_at for job in jobs if job.ended_at is not None])
    axis = Axis(0, ended - began, 8, width - 8, clock=True)
    most = max(max(columns((at - began for at in job.created_at), axis).values()) for job in jobs)
    told = "; ".join(
        f"{job.name}: {_pods(job)} at {', '.join(duration(at - began) for at in job.created_at[:20])}"
        + (f", {job.ended} at {duration(job.ended_at - began)}" if job.ended_at is not None else "")
        for job in jobs
    )
    drawing = Drawing("Pods over time", f"{told}. Seconds since the first pod.", width)
    row = 58.0
    bottom = 6 + row * len(jobs)
    _frame(drawing, axis, 4, bottom)
    for number, job in enumerate(jobs):
        y = 6 + row * number
        end = job.ended if job.ended_at is not None else "no end seen"
        drawing.text(6, y + 13, fitting(f"{job.name}: {_pods(job)}, {end}", width - 12))
        drawing.add("path", d=f"M6 {y + 50:.1f}H{width - 6}", class_="grid")
        filled = columns((at - began for at in job.created_at), axis)
        for column, count in filled.items():
            height = 8 + 22 * math.sqrt(count / most)
            drawing.add("rect", x=column - 3, y=y + 50 - height, width=6, height=height, rx=2, class_="bar series")
            if count > 1:
                # Beside it, on the side where there is room.
                label = f"×{count}"
                room = 12 + LETTER * len(label)
                if column + room < width and not any(0 < other - column < room for other in filled):
                    drawing.text(column + 6, y + 44, label, class_="axis")
                elif column - room > 0 and not any(0 < column - other < room for other in filled):
                    drawing.text(column - 6, y + 44, label, anchor="end", class_="axis")
        if job.ended_at is not None:
            x = axis.at(job.ended_at - began)
            drawing.add("path", d=f"M{x:.1f} {y + 20:.1f}V{y + 50:.1f}", class_="stop")
            _shape(drawing, x, y + 24, 0, "bad", 4)
    return drawing


def _pods(job: _Job) -> str:
    return f"{len(job.created_at)} {'pod' if len(job.created_at) == 1 else 'pods'}"
