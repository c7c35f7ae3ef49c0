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

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import lists, moments
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
    frame,
    mark,
    ticks_path,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import (
    duration,
    moment,
    said,
    size,
    unit_of,
    words,
)
from markupsafe import Markup

Draw = Callable[[int], Drawing]
"""Draws a picture of a width in pixels."""

_LANES = 12
"""Kinds of requests, or Jobs, beyond which no more are drawn."""
_EPOCH = 1_000_000_000
_BURST = 0.5
"""Seconds within which requests are a burst."""


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
        ("Standby and tripped", lists.breaker(lesson)),
        ("The seconds of each request, and the breaker's states", _breaker(lesson)),
        ("Pods over time", _jobs(lesson)),
        ("What stood when", _pods_of(lesson)),
        ("What is in the layers", _layers(lesson)),
        ("The processes of each container", lists.trees(lesson)),
        ("Which image each name meant, one pod after the other", lists.images(lesson)),
        ("Where each line went", lists.lines(lesson)),
        ("Memory up to the limit, and the kills", moments.kills(lesson)),
        ("When the change arrived", moments.change(lesson)),
    ]
    return [
        _picture(f"picture-{number}", caption, draw)
        for number, (caption, draw) in enumerate(wanted)
        if draw is not None
    ]


def _picture(identifier: str, caption: str, draw: Draw, wide: int = WIDE) -> Picture:
    kinds = (("wide", wide), ("narrow", NARROW))
    return Picture(caption, [(kind, draw(width).markup(f"{identifier}-{kind}")) for kind, width in kinds])


# Requests in what was observed.


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
    frame(drawing, axis, 6, bottom)
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
                    mark(drawing, x, y + 7, 0, "bad")
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
                answers = ", by the moment of each answer" if _is_burst(samples) else ""
                yield claim.sentence + answers, partial(_request_lanes, claim, samples)


def _is_burst(samples: Sequence[dict[str, t.Any]]) -> bool:
    moments: list[float] = [sample["at"] for sample in samples]
    return max(moments) - min(moments) < _BURST


def _outcome(sample: dict[str, t.Any]) -> tuple[bool, str]:
    """Whether a request was served, and by whom, or what came instead."""
    error, status = sample.get("error"), sample.get("status")
    if error:
        return False, str(error)
    if not is_number(status) or not 200 <= status < 400:
        return False, f"status {status}"
    body = str(sample.get("body") or "").strip()
    version = re.search(r"\bversion (\S{1,20})", body)
    if version:
        return True, f"served by version {version[1]}"
    return True, f"served by {body}" if _NAME_OF_A_POD.fullmatch(body) else "served"


_NAME_OF_A_POD = re.compile(r"[a-z0-9][a-z0-9-]{0,60}-[a-z0-9]{5}")


def _moments(observed: t.Any, low: float, high: float, owner: str = "", name: str = "") -> Iterator[tuple[str, float]]:
    """The moments between two others that were observed, each told with what it belongs to; samples aside."""
    if isinstance(observed, dict):
        for key, value in observed.items():
            if key not in _OF_REQUESTS:
                yield from _moments(value, low, high, owner or (key if isinstance(value, dict) else ""), key)
    elif is_number(observed) and observed > _EPOCH and low <= observed <= high and unit_of(name) in _MOMENTS:
        label = words(re.sub(r"_(epoch_seconds|at|since)$", "", name))
        yield f"{owner} {label}".strip(), float(observed)


_MOMENTS = ("at", "since", "epoch_seconds")
_OF_REQUESTS = {
    "at",
    "first_at",
    "last_at",
    "first_ended_at",
    "last_ended_at",
    "first_time",
    "last_time",
    "looked_at",
}


def _request_lanes(claim: Claim, samples: Sequence[dict[str, t.Any]], width: int) -> Drawing:
    began, ended = min(s["at"] for s in samples), max(s["at"] for s in samples)
    # Of a burst it counts when each was answered, of other requests when each was made.
    burst = _is_burst(samples)
    lanes: dict[tuple[bool, str], list[float]] = {}
    for sample in samples:
        lanes.setdefault(_outcome(sample), []).append(sample["at"] - began + (sample["seconds"] if burst else 0))
    if burst:
        ended = began + max(max(at) for at in lanes.values())
    ordered = sorted(lanes.items(), key=lambda lane: (not lane[0][0], lane[0][1]))[:_LANES]
    events = sorted(set(_moments(claim.observed, began, ended)), key=lambda event: event[1])[:_LANES]
    axis = Axis(0, ended - began, 6, width - 6, clock=True)
    told = "; ".join(
        f"{len(at)} requests {kind}, between {duration(min(at))} and {duration(max(at))}"
        for (_served, kind), at in ordered
    )
    told += "".join(f"; {name} at {duration(when - began)}" for name, when in events)
    since = "Answers in seconds since the first request" if burst else "Seconds since the first request"
    drawing = Drawing(claim.sentence, f"{told}. {since}, {moment(began)}.", width)
    left = [event for event in events if axis.at(event[1] - began) <= width / 2]
    right = [event for event in reversed(events) if event not in left]
    top = 18.0 * max(len(left), len(right)) + 4
    bottom = top + 44.0 * len(ordered)
    frame(drawing, axis, top, bottom)
    for number, ((served, kind), at) in enumerate(ordered):
        y = top + 44 * number
        drawing.text(6, y + 14, f"{'✓' if served else '✗'} {kind}: {len(at)}", class_="good" if served else "bad")
        drawing.add("rect", x=6, y=y + 20, width=width - 12, height=18, class_="track")
        path = ticks_path(columns(at, axis), y + 20, 18)
        drawing.add("path", d=path, class_=f"ticks {'good' if served else 'bad'}")
    # Those to the left are told from the top on and those to the right up to it, so that no line crosses a word.
    for side in left, right:
        for number, (name, when) in enumerate(side):
            x, y = axis.at(when - began), 18.0 * number + 12
            drawing.add("path", d=f"M{x:.1f} {y - 8:.1f}V{bottom:.1f}", class_="event")
            text = fitting(f"{name}, {duration(when - began)}", (x if side is right else width - x) - 10)
            anchor, beside = ("end", -5) if side is right else (None, 5)
            drawing.text(x + beside, y, text, anchor=anchor, class_="axis")
    return drawing


# A circuit breaker's states, with the requests that came.


def _spells(claim: Claim) -> list[dict[str, t.Any]]:
    """The states of a breaker with their moments, where a claim has observed them."""
    for _name, samples in _samples(claim.observed):
        spells = [sample for sample in samples if isinstance(sample.get("state"), str) and "status" not in sample]
        if len(spells) > 1:
            return spells
    return []


_SERIES = {
    "antipattern": (0, "bad", "without the breaker"),
    "pattern": (1, "good", "behind the breaker"),
    "proxied": (2, "series", "behind the proxy"),
}


def _timed(claim: Claim) -> Iterator[tuple[tuple[float, float], str]]:
    """When each request began and how long it took, with its series; those observed as proxied are one of their own."""
    for name, value in claim.observed.items() if isinstance(claim.observed, dict) else ():
        for _name, samples in _samples(value):
            for sample in samples:
                if "status" in sample and "state" not in sample and sample["seconds"] > 0:
                    yield (sample["at"], sample["seconds"]), name if name == "proxied" else claim.shows


def _breaker(lesson: Lesson) -> Draw | None:
    spells = max((_spells(claim) for claim in lesson.claims), key=len, default=[])
    if not spells:
        return None
    timed = {request: series for claim in lesson.claims for request, series in _timed(claim)}
    if len(timed) >= 5:
        return partial(_scatter_drawing, spells, sorted(timed.items()))
    rows = []
    for claim in lesson.claims:
        seconds = [value for value in _all_seconds(claim.observed) if value > 0][:500]
        if seconds:
            rows.append((claim, seconds))
    return partial(_breaker_drawing, spells, rows) if rows else None


def _scatter_drawing(
    spells: Sequence[dict[str, t.Any]], timed: Sequence[tuple[tuple[float, float], str]], width: int
) -> Drawing:
    began = min(timed[0][0][0], min(spell["at"] for spell in spells))
    until = max(max(at + seconds for (at, seconds), _kind in timed), max(s["at"] + s["seconds"] for s in spells))
    by_kind = {kind: [seconds for (_at, seconds), shows in timed if shows == kind] for kind in _SERIES}
    told = "; ".join(
        f"{len(seconds)} requests {_SERIES[kind][2]}, {_span(seconds)}" for kind, seconds in by_kind.items() if seconds
    )
    drawing = Drawing(
        "The seconds of each request, and the breaker's states",
        f"{told}. The breaker was {_states(spells, began)}. The axis of seconds is logarithmic.",
        width,
    )
    clock = Axis(0, until - began, 52, width - 8, clock=True)
    everything = [seconds for (_at, seconds), _kind in timed]
    top, bottom = 24.0 * sum(map(bool, by_kind.values())) + 24, 340.0
    height = Axis(min(everything), max(everything), bottom - 8, top + 8, log=True)
    for spell in spells[:500]:
        start, end = clock.at(spell["at"] - began), clock.at(spell["at"] + spell["seconds"] - began)
        drawing.add(
            "rect", x=start, y=top, width=max(end - start, 2.0), height=bottom - top, class_=f"state {_state(spell)}"
        )
        if end - start > LETTER * len(spell["state"]):
            drawing.text((start + end) / 2, top - 6, spell["state"], anchor="middle", class_="on")
    frame(drawing, clock, top, bottom)
    for value in height.ticks(30):
        y = height.at(value)
        drawing.add("path", d=f"M52 {y:.1f}H{width - 8}", class_="grid")
        drawing.text(48, y + 4, duration(value), anchor="end", class_="axis")
    drawn = set()
    for (at, seconds), kind in timed:
        # However many there are, one mark for each place.
        place = (round(clock.at(at - began)), round(height.at(seconds)), kind)
        if place not in drawn:
            drawn.add(place)
            shape, colour, _label = _SERIES[kind]
            mark(drawing, place[0], place[1], shape, colour, 3)
    for number, kind in enumerate(kind for kind, seconds in by_kind.items() if seconds):
        shape, colour, label = _SERIES[kind]
        mark(drawing, 60, 12 + 20 * number, shape, colour)
        drawing.text(72, 16 + 20 * number, fitting(f"{label}: {_span(by_kind[kind])}", width - 80))
    return drawing


def _states(spells: Sequence[dict[str, t.Any]], began: float) -> str:
    return "; ".join(
        f"{spell['state']} from {duration(spell['at'] - began)} for {duration(spell['seconds'])}"
        for spell in spells[:40]
    )


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
    told = "; ".join(f"{claim.sentence}: {_span(seconds)}" for claim, seconds in rows)
    drawing = Drawing(
        "The seconds of each page, and the breaker's states",
        f"{told}. The breaker was {_states(spells, began)}. The axis of seconds is logarithmic.",
        width,
    )
    row = 46.0
    bottom = 8 + row * len(rows)
    frame(drawing, axis, 6, bottom)
    for number, (claim, seconds) in enumerate(rows):
        y = 8 + row * number
        kind, colour, _label = _SERIES[claim.shows]
        value = _span(seconds)
        drawing.text(4, y + 14, fitting(claim.sentence, width - 16 - 7 * len(value)))
        drawing.text(width - 4, y + 14, value, anchor="end", class_="value")
        for second in seconds:
            mark(drawing, axis.at(second), y + 29, kind, colour)
    top = bottom + 48
    drawing.text(4, bottom + 40, "The breaker", class_="value")
    clock = Axis(0, until - began, 6, width - 6, clock=True)
    frame(drawing, clock, top, top + 40)
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
            label = str(item.get("name") or name or (before.name if before else claim.sentence))
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
    return partial(_jobs_drawing, jobs) if sum(len(job.created_at) for job in jobs) > 1 else None


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
    frame(drawing, axis, 4, bottom)
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
            kind, colour = (1, "good") if job.ended.startswith("Complete") else (0, "bad")
            drawing.add("path", d=f"M{x:.1f} {y + 20:.1f}V{y + 50:.1f}", class_="stop")
            mark(drawing, x, y + 24, kind, colour, 4)
    return drawing


def _pods(job: _Job) -> str:
    return f"{len(job.created_at)} {'pod' if len(job.created_at) == 1 else 'pods'}"


# Pods, and how long each stood.


class _Pod(t.NamedTuple):
    name: str
    created: float
    ready: float | None
    deleted: float | None
    gone: float | None
    ends: list[float]
    """When a container of it ended."""


def _found_pods(observed: t.Any) -> Iterator[tuple[str, _Pod]]:
    """The pods that were observed with their moments, by what makes each the one it is."""
    if not isinstance(observed, dict):
        return
    containers = observed.get("containers")
    if isinstance(containers, dict) and is_number(observed.get("created_at")) and observed["created_at"] > _EPOCH:
        seen = [*containers.values(), *(observed.get("terminations") or [])]
        ends = [each["finished_at"] for each in seen if isinstance(each, dict) and is_number(each.get("finished_at"))]
        ready, deleted, gone = (
            observed[key] if is_number(observed.get(key)) else None for key in ("ready_since", "deleted_at", "gone_at")
        )
        name = str(observed.get("name") or "pod")
        yield (
            str(observed.get("uid") or name),
            _Pod(name, observed["created_at"], ready, deleted, gone, sorted(set(ends))),
        )
        return
    for value in observed.values():
        yield from _found_pods(value)


def _pods_of(lesson: Lesson) -> Draw | None:
    pods: dict[str, _Pod] = {}
    for claim in lesson.claims:
        for identity, pod in _found_pods(claim.observed):
            before = pods.get(identity)
            # What was seen later knows more.
            if before is None or sum(map(bool, pod)) >= sum(map(bool, before)):
                pods[identity] = pod
    found = sorted(pods.values(), key=lambda pod: pod.created)[: 2 * _LANES]
    return partial(_pods_drawing, found) if len(found) > 1 else None


def _pods_drawing(pods: Sequence[_Pod], width: int) -> Drawing:
    began = pods[0].created
    known = [moment for pod in pods for moment in (pod.created, pod.ready, pod.deleted, pod.gone, *pod.ends) if moment]
    last = max(known)
    axis = Axis(0, max(last - began, 1) * 1.04, 8, width - 8, clock=True)

    def at(moment: float) -> float:
        return axis.at(moment - began)

    told = "; ".join(
        f"{pod.name} {', '.join(f'{what} at {duration(when - began)}' for what, when in _life(pod))}" for pod in pods
    )
    drawing = Drawing("What stood when", f"{told}. Seconds since the first of these pods was created.", width)
    row = 46.0
    bottom = 6 + row * len(pods)
    frame(drawing, axis, 4, bottom)
    for number, pod in enumerate(pods):
        y = 6 + row * number
        life = ", ".join(f"{what} {duration(when - began)}" for what, when in _life(pod)[1:])
        drawing.text(6, y + 13, fitting(f"{pod.name}: {life}" if life else pod.name, width - 12))
        end = at(pod.gone) if pod.gone else width - 8.0
        drawing.add(
            "rect", x=at(pod.created), y=y + 24, width=max(end - at(pod.created), 2.0), height=8, class_="stands"
        )
        if pod.ready:
            over = min([at(moment) for moment in (pod.deleted, pod.gone) if moment], default=width - 8.0)
            length = max(over - at(pod.ready), 2.0)
            drawing.add("rect", x=at(pod.ready), y=y + 20, width=length, height=16, class_="bar good")
        if pod.deleted:
            drawing.add("path", d=f"M{at(pod.deleted):.1f} {y + 17:.1f}v22", class_="stop")
        for end_at in pod.ends[:50]:
            mark(drawing, at(end_at), y + 28, 0, "bad", 4)
    y = bottom + 40
    for kind, text in (("stands", "created"), ("bar good", "ready")):
        x = 8.0 if kind == "stands" else 90.0
        drawing.add("rect", x=x, y=y - 9, width=14, height=8, class_=kind)
        drawing.text(x + 20, y, text, class_="axis")
    drawing.add("path", d=f"M160 {y - 14:.1f}v16", class_="stop")
    drawing.text(166, y, "deleted", class_="axis")
    mark(drawing, 228, y - 5, 0, "bad", 4)
    drawing.text(238, y, "ended", class_="axis")
    drawing.height = y + 6
    return drawing


def _life(pod: _Pod) -> list[tuple[str, float]]:
    """What became of a pod, in the order of time."""
    moments = [("ready", pod.ready), ("deleted", pod.deleted), ("gone", pod.gone)]
    moments += [("a container ended", moment) for moment in pod.ends[:5]]
    return [
        ("created", pod.created),
        *sorted(((what, when) for what, when in moments if when), key=lambda each: each[1]),
    ]


# Images and their layers.


def _found_images(observed: t.Any, name: str) -> Iterator[tuple[str, str, list[tuple[str, float]]]]:
    """Images with their layers: what makes each the one it is, its name, and what made each layer of what size."""
    if not isinstance(observed, dict):
        return
    layers = observed.get("layers")
    if isinstance(layers, list) and is_number(observed.get("size_bytes")):
        found = [
            (str(layer.get("created_by") or "the base image"), float(layer["size_bytes"]))
            for layer in layers
            if isinstance(layer, dict) and is_number(layer.get("size_bytes")) and layer["size_bytes"] > 0
        ]
        if found:
            yield str(observed.get("id") or name), name, found
        return
    for key, value in observed.items():
        yield from _found_images(value, key)


def _layers(lesson: Lesson) -> Draw | None:
    images: dict[str, tuple[str, list[tuple[str, float]]]] = {}
    for claim in lesson.claims:
        for identity, name, layers in _found_images(claim.observed, "image"):
            # Where all are called so, the sentence says which it is; a name of its own says it better.
            label = claim.sentence if name == "image" else words(name)
            if identity not in images or (name != "image" and len(label) < len(images[identity][0])):
                images[identity] = (label, layers[:_LANES])
    found = list(images.values())[:_LANES]
    return partial(_layers_drawing, found) if found else None


def _layers_drawing(images: Sequence[tuple[str, list[tuple[str, float]]]], width: int) -> Drawing:
    told = "; ".join(
        f"{label}: {', '.join(f'{size(each)} by {made}' for made, each in layers)}" for label, layers in images
    )
    drawing = Drawing("What is in the layers", f"{told}.", width)
    axis = Axis(0, max(each for _label, layers in images for _made, each in layers), 2, width - 2)
    y = 14.0
    for label, layers in images:
        total = size(sum(each for _made, each in layers))
        drawing.text(2, y, fitting(label, width - 12 - 8 * len(total)), class_="value")
        drawing.text(width - 2, y, total, anchor="end", class_="value")
        for made, each in layers:
            text = size(each)
            drawing.text(2, y + 20, fitting(made, width - 12 - 8 * len(text)), class_="axis")
            drawing.text(width - 2, y + 20, text, anchor="end", class_="axis")
            drawing.add("rect", x=2, y=y + 25, width=width - 4, height=8, rx=2, class_="track")
            drawing.add("rect", x=2, y=y + 25, width=max(axis.at(each) - 2, 1.0), height=8, rx=2, class_="bar series")
            y += 32
        y += 30
    drawing.height = y - 8
    return drawing
