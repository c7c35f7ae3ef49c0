# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What goes on in a run: the stage that the lab is at, and how far each lesson is."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible import constants as C
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.terminal import Paragraph
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import duration

if t.TYPE_CHECKING:
    from collections.abc import Iterable

State = t.Literal["waiting", "going", "held", "failed", "done"]
MARKS: dict[State, str] = {"waiting": "·", "going": "▸", "held": "✓", "failed": "✗", "done": "-"}
_COLOURS = {"held": C.COLOR_OK, "failed": C.COLOR_ERROR, "done": C.COLOR_SKIP}


@dataclass
class Row:
    """A lesson, or a stage before the lessons, and how far it is. Clocks are monotonic."""

    name: str
    state: State = "waiting"
    doing: str = ""
    """The sentence of its task."""
    began: float = 0.0
    ended: float = 0.0
    expected: int | None = None
    """How many claims its files hold that were not skipped, once that is known. One in a loop is made more often."""
    holding: int = 0
    """How many of its claims hold so far."""
    fallen: list[str] = field(default_factory=list)
    """The claims that do not."""

    @property
    def over(self) -> bool:
        return self.state not in ("waiting", "going")

    def seconds(self, clock: float) -> float:
        """For how long it has gone on, or did."""
        return 0.0 if self.state == "waiting" else (self.ended if self.over else clock) - self.began

    def does(self, sentence: str, clock: float) -> None:
        """A task begins."""
        if self.state == "waiting":
            self.state, self.began = "going", clock
        if not self.over:
            self.doing = sentence

    def claims(self, sentence: str, holds: bool) -> None:
        """A claim is made."""
        if holds:
            self.holding += 1
        else:
            self.fallen.append(sentence)

    def ends(self, state: State, clock: float) -> None:
        self.state, self.doing, self.ended = state, "", clock

    def outcome(self) -> State:
        """How a lesson ends of which no task failed, as in the report."""
        if self.fallen:
            return "failed"
        return "held" if self.holding else "done"

    def counted(self) -> str:
        """How many of its claims were made, or hold."""
        made = self.holding + len(self.fallen)
        if self.over:
            if not made:
                return "no claim"
            fell = f", {len(self.fallen)} fell" if self.fallen else ""
            return f"{self.holding} {'claim holds' if self.holding == 1 else 'claims hold'}{fell}"
        if self.expected:
            return f"{made} of {max(made, self.expected)} claims"
        return f"{made} {'claim' if made == 1 else 'claims'}" if made else ""


@dataclass
class Scene:
    """All that goes on."""

    stage: Row | None = None
    """What the lab, or whatever comes before the lessons, is at."""
    lessons: dict[str, Row] = field(default_factory=dict)

    def row(self, host: str) -> Row | None:
        """What a task of a host belongs to."""
        return self.lessons.get(host, self.stage)

    def begin_lessons(self, names: Iterable[str]) -> None:
        """The lessons are about to begin."""
        self.lessons = {name: Row(name) for name in names}

    def starts(self, host: str, stage: str, sentence: str, clock: float) -> Paragraph | None:
        """A task of a host begins; what is to be said of the stage that is over thereby.

        :param stage: The stage that the task is of, unless the host is a lesson.
        """
        row, said = self.lessons.get(host), None
        if row is None:
            if self.stage is None or self.stage.name != stage:
                said = self.stage_ends("held", clock)
                self.stage = Row(stage)
            row = self.stage
        row.does(sentence, clock)
        return said

    def stage_ends(self, state: State, clock: float) -> Paragraph | None:
        """The stage is over, and stays so whatever still comes of it; what is to be said of that."""
        row = self.stage
        if row is None or row.state != "going":
            return None
        row.ends(state, clock)
        return _end(row, row.name)

    def lesson_ends(self, lesson: str, state: State, clock: float) -> Paragraph | None:
        """A lesson is over; what is to be said of that, if it was not before."""
        row = self.lessons[lesson]
        if row.state != "going":
            return None
        row.ends(state, clock)
        words = {"held": "held", "failed": "failed", "done": "ended"}[state]
        return _end(row, f"{lesson} {words}: {row.counted()}")

    def claimed(self, lesson: str, sentence: str, why_not: str | None) -> Paragraph:
        """A claim was made; what is to be said of it.

        :param why_not: Why it does not hold, in a sentence that names it, if it does not.
        """
        self.lessons[lesson].claims(sentence, why_not is None)
        state: State = "held" if why_not is None else "failed"
        return Paragraph(f"{MARKS[state]} {lesson}: {why_not or sentence}", _COLOURS[state])


def _end(row: Row, text: str) -> Paragraph:
    return Paragraph(f"{MARKS[row.state]} {text} ({duration(round(row.ended - row.began, 1))})", _COLOURS[row.state])


def fitting(rows: list[Row], height: int) -> tuple[list[Row], list[str]]:
    """The rows that there is room for, in their order, and words about those that there is none for.

    What goes on stays longest. A row is a line, and one more for each claim that fell; the words are a line too.
    """
    shown, left_out = list(rows), list[str]()
    for state, words in ("waiting", "to come"), ("held", "held"), ("done", "over"), ("failed", "failed"):
        if sum(1 + len(row.fallen) for row in shown) + bool(left_out) <= height:
            break
        if hidden := [row for row in shown if row.state == state]:
            shown = [row for row in shown if row.state != state]
            left_out.append(f"{len(hidden)} {words}")
    return shown, left_out
