# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What goes on in a run, drawn at the end of a terminal by a library that a run can do without."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import typing as t

from ansible.utils.color import ANSIBLE_COLOR
from ansible.utils.display import Display
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.live.model import (
    MARKS,
    Row,
    Scene,
    State,
    fitting,
)

try:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text
except ImportError:
    Console = None  # type: ignore[assignment, misc]

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_PAUSE_SECONDS = 0.5
"""Between two drawings."""
_LEAST_FOR_A_SENTENCE = 32
"""Columns below which the sentence of a task has a line of its own."""
_STYLES: dict[State, str] = {"waiting": "dim", "going": "", "held": "green", "failed": "red", "done": "dim"}


class Line(t.NamedTuple):
    """A line of the drawing, of any length."""

    text: str
    style: str = ""


def lines(scene: Scene, clock: float, width: int, height: int) -> list[Line]:
    """All that goes on, for so many columns, in so many lines at most where what goes on itself has room in them."""
    rows = list(scene.lessons.values())
    if scene.stage is not None and not scene.stage.over:
        rows.append(scene.stage)
    names = max((len(row.name) for row in rows), default=0)
    counts = max((len(row.counted()) for row in rows), default=0)
    # The mark, the clock and what is between them take 13.
    narrow = width - names - counts - 13 < _LEAST_FOR_A_SENTENCE
    rows, left_out = fitting(rows, height - (sum(row.state == "going" for row in rows) if narrow else 0))
    drawn = []
    for row in rows:
        drawn += list(_row(row, clock, names, counts, narrow))
    if left_out:
        drawn.append(Line(f"  {', '.join(left_out)}", "dim"))
    return drawn


def _row(row: Row, clock: float, names: int, counts: int, narrow: bool) -> Iterator[Line]:
    taken = "" if row.state == "waiting" else _clock(row.seconds(clock))
    text = f"{MARKS[row.state]} {row.name:<{names}}  {taken:>5}  {row.counted():<{counts}}"
    yield Line((text if narrow else f"{text}  {row.doing}").rstrip(), _STYLES[row.state])
    if narrow and row.doing:
        yield Line(f"  {row.doing}", "dim")
    for sentence in row.fallen:
        yield Line(f"  {MARKS['failed']} {sentence}", "red")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def is_terminal() -> bool:
    """Whether the output goes to a terminal in which something can be drawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def can_draw() -> bool:
    """Whether the library is installed."""
    return Console is not None


class Drawing:
    """Draws a scene again and again, below of what else is printed. Begins with `start` and stays after `stop`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._display = Display()
        self._console = Console(force_terminal=True, force_interactive=True, no_color=not ANSIBLE_COLOR)
        self._live: Live | None = None
        self._over = threading.Event()
        self._prompt = self._display.prompt_until

    def start(self) -> None:
        """Begin to draw, until the end of the process at the latest."""
        self._appear()
        self._display.prompt_until = self._prompt_alone
        threading.Thread(target=self._draw, daemon=True).start()
        # After Ctrl-C nobody tells.
        atexit.register(self.stop)

    def stop(self) -> None:
        """Draw for the last time."""
        atexit.unregister(self.stop)
        self._over.set()
        self._display.prompt_until = self._prompt
        with self._display._lock:
            self._vanish(leave=True)

    def _appear(self) -> None:
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            get_renderable=self._picture,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start(refresh=True)
        # Whatever ends this process, the terminal is left as it was.
        self._console.show_cursor(True)

    def _vanish(self, leave: bool) -> None:
        if self._live is not None:
            self._live.transient = not leave
            self._live.stop()
            self._live = None

    def _draw(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            # Nothing is printed meanwhile, and no task begins, which is a fork of this process.
            with self._display._lock:
                if self._live is not None:
                    self._live.refresh()

    def _picture(self) -> Text:
        size = self._console.size
        drawn = lines(self._scene, time.monotonic(), size.width, size.height - 1)
        return Text("\n", no_wrap=True, overflow="ellipsis").join(Text(line.text, line.style) for line in drawn)

    def _prompt_alone(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        """Ask a question with nothing drawn below it."""
        if self._display._final_q is not None:
            # A task asks, in a process of its own, which hands it on to this one.
            return self._prompt(*arguments, **options)
        with self._display._lock:
            self._vanish(leave=False)
            try:
                return self._prompt(*arguments, **options)
            finally:
                self._appear()
