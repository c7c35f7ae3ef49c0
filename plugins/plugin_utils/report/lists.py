# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pictures that are read from top to bottom: processes, images by their names, a breaker's states, lines of logs."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence
from functools import partial

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import Lesson, is_number
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.svg import Drawing, fitting, mark

_LINE = 22
_MOST = 12
"""Processes of a container, or pods, that are drawn."""


class Tree(t.NamedTuple):
    """The first process of a container, and its children."""

    pid1: dict[str, t.Any]
    children: list[dict[str, t.Any]]


class Ran(t.NamedTuple):
    """What a pod asked for, and what it got."""

    at: float
    pod: str
    image: str
    digest: str


def trees(lesson: Lesson) -> t.Callable[[int], Drawing] | None:
    """The processes of each container that were looked at, one tree for each program that is the first process."""
    found: dict[str, Tree] = {}
    for claim in lesson.claims:
        pid1, children = claim.observed.get("pid1"), claim.observed.get("children")
        if isinstance(pid1, dict) and isinstance(children, list):
            those = [child for child in children if isinstance(child, dict)]
            found.setdefault(str(pid1.get("name")), Tree(pid1, those))
    return partial(_trees, list(found.values())) if found else None


def _trees(found: Sequence[Tree], width: int) -> Drawing:
    drawing = Drawing("Processes", "; ".join(map(_told, found)), width)
    y = 4.0
    for tree in found:
        drawing.text(0, y + 14, fitting(f"1  {_command(tree.pid1)}", width), class_="on")
        y += _LINE
        for child in tree.children[:_MOST]:
            drawing.add("path", d=f"M8 {y - 6:.1f}V{y + 10:.1f}H20", class_="grid")
            mark(drawing, 28, y + 10, 0 if _is_zombie(child) else 1, "bad" if _is_zombie(child) else "good")
            text = f"{child.get('pid')}  {_command(child)}" + (", a zombie" if _is_zombie(child) else "")
            drawing.text(40, y + 14, fitting(text, width - 40), class_="bad" if _is_zombie(child) else None)
            y += _LINE
        if len(tree.children) > _MOST:
            drawing.text(40, y + 14, f"and {len(tree.children) - _MOST} more", class_="axis")
            y += _LINE
        y += 8
    drawing.height = y
    return drawing


def _command(process: dict[str, t.Any]) -> str:
    # A zombie has no command line any more.
    return str(process.get("command") or process.get("name"))


def _is_zombie(process: dict[str, t.Any]) -> bool:
    return process.get("state") == "Z"


def _told(tree: Tree) -> str:
    zombies = sum(map(_is_zombie, tree.children))
    return f"{_command(tree.pid1)} as PID 1 has {len(tree.children)} children, {zombies} of them zombies"


def images(lesson: Lesson) -> t.Callable[[int], Drawing] | None:
    """What pods asked for and what they got, where one name has meant more than one image."""
    found = sorted({ran for claim in lesson.claims for ran in _ran(claim.observed, "")})
    by_name: dict[str, set[str]] = {}
    for ran in found:
        by_name.setdefault(ran.image, set()).add(ran.digest)
    if not any(len(digests) > 1 for digests in by_name.values()):
        return None
    return partial(_images, found[:_MOST])


def _ran(observed: t.Any, name: str) -> Iterator[Ran]:
    if not isinstance(observed, dict):
        return
    containers, at = observed.get("containers"), observed.get("created_at")
    if isinstance(containers, dict) and is_number(at):
        for container in containers.values():
            if isinstance(container, dict) and container.get("image") and container.get("image_digest"):
                pod = str(observed.get("name") or name)
                yield Ran(float(at), pod, str(container["image"]), str(container["image_digest"]))
    for key, value in observed.items():
        yield from _ran(value, key)


def _images(found: Sequence[Ran], width: int) -> Drawing:
    digests = list(dict.fromkeys(ran.digest for ran in found))
    told = "; ".join(f"{ran.pod} asked for {_short(ran.image)} and got {_short(ran.digest)}" for ran in found)
    drawing = Drawing("Images by their names", told, width)
    column = width * 0.54
    y = 4.0
    for ran in found:
        kind = digests.index(ran.digest)
        drawing.text(0, y + 14, fitting(f"{ran.pod}: {_short(ran.image)}", column - 24), class_="on")
        drawing.add("path", d=f"M{column - 20:.1f} {y + 10:.1f}h12", class_="event")
        mark(drawing, column, y + 10, kind + 1, ("series", "half")[kind % 2])
        drawing.text(column + 12, y + 14, fitting(_short(ran.digest), width - column - 12))
        y += _LINE
    drawing.height = y
    return drawing


def _short(name: str) -> str:
    """An image or digest as people say it."""
    last = name.rpartition("/")[2]
    before, sign, digest = last.rpartition("sha256:")
    return f"{before}{sign}{digest[:8]}…" if sign else last


def breaker(lesson: Lesson) -> t.Callable[[int], Drawing] | None:
    """A breaker that lets requests pass and one that has tripped, with how many it did which with."""
    for claim in lesson.claims:
        tripped, passed = claim.observed.get("open"), claim.observed.get("passed_requests")
        if isinstance(tripped, dict) and is_number(passed):
            held, through = tripped.get("rejected_requests"), tripped.get("passed_requests")
            if is_number(held) and is_number(through):
                standby = f"Standby: {passed:g} requests went on"
                return partial(_breaker, standby, f"Tripped: {held:g} answered at once, {through:g} went on")
    return None


def _breaker(standby: str, tripped: str, width: int) -> Drawing:
    drawing = Drawing("Standby and tripped", f"{standby}. {tripped}.", width)
    box, gap = min(150.0, width / 4), min(90.0, width / 9)
    for row, (said, is_open) in enumerate(((standby, False), (tripped, True))):
        y = 4.0 + 76 * row
        for number, name in enumerate(("pages", "breaker", "backend")):
            x = number * (box + gap)
            state = ("state bad" if is_open else "state good") if name == "breaker" else "track"
            drawing.add("rect", x=x + 1, y=y, width=box, height=30, rx=4, class_=state)
            drawing.text(x + box / 2, y + 20, name, anchor="middle", class_="on")
            if number:
                end, is_cut = x - 4, is_open and number == 2
                drawing.add(
                    "path", d=f"M{x - gap + 6:.1f} {y + 15:.1f}H{end:.1f}", class_="stop" if is_cut else "event"
                )
                if is_cut:
                    mark(drawing, x - gap / 2, y + 15, 0, "bad", 6)
                else:
                    drawing.add(
                        "path",
                        d=f"M{end - 6:.1f} {y + 10:.1f}L{end:.1f} {y + 15:.1f}L{end - 6:.1f} {y + 20:.1f}",
                        class_="event",
                    )
        drawing.text(0, y + 50, fitting(said, width), class_="bad" if is_open else "good")
    drawing.height = 4 + 2 * 76
    return drawing


class Line(t.NamedTuple):
    """What a program wrote, by which way, and in which log it stands then, if in any."""

    text: str
    way: str
    log: str | None


def lines(lesson: Lesson) -> t.Callable[[int], Drawing] | None:
    """Where each line went that a program wrote to a file or to its streams."""
    found = [line for claim in lesson.claims for line in _lines(claim.observed)]
    return partial(_drawn_lines, found[:_MOST]) if any(line.log for line in found) else None


def _lines(observed: dict[str, t.Any]) -> Iterator[Line]:
    in_file, in_log, kept, streamed, own = (
        value if isinstance(value, list) else []
        for value in map(
            observed.get, ("lines_in_file", "lines_in_log", "kept_on_node", "log_of_sidecar", "log_of_program")
        )
    )
    for text in in_file:
        yield Line(str(text), "a file", "its log" if text in in_log else None)
    for entry in kept:
        if isinstance(entry, list) and len(entry) == 2:
            yield Line(str(entry[1]), str(entry[0]), "its log" if entry[1] in in_log else None)
    added = observed.get("added_line")
    if isinstance(added, str):
        log = "its log" if added in own else "the sidecar's log" if added in streamed else None
        yield Line(added, "a file with a sidecar", log)


def _drawn_lines(found: Sequence[Line], width: int) -> Drawing:
    told = "; ".join(f'"{line.text}" by {line.way}: {line.log or "no log"}' for line in found)
    drawing = Drawing("Where each line went", told, width)
    column = min(width * 0.58, 260)
    y = 4.0
    for line in found:
        drawing.text(0, y + 14, fitting(line.text, width), class_="on")
        kind, class_ = (1, "good") if line.log else (0, "bad")
        drawing.text(16, y + 36, line.way)
        drawing.add("path", d=f"M{column - 22:.1f} {y + 32:.1f}h14", class_="event")
        mark(drawing, column, y + 32, kind, class_)
        drawing.text(column + 12, y + 36, line.log or "no log", class_=class_)
        y += 54
    drawing.height = y
    return drawing
