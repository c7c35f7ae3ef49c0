# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: live
type: stdout
short_description: Show where a run of the lessons is
version_added: 1.0.0
description:
  - In a terminal it draws the lessons as lines that live, with what each is doing now, for how long, how many of its
    claims were made, and those that do not hold. Before them come the stages of the lab.
  - Elsewhere, as in CI, it prints a line for each claim, and one for the end of each stage and of each lesson.
  - In both a task that ends its lesson or the lab is shown whole, with what is printed to explain it. One that is
    rescued or ignored is not. Warnings and what M(ansible.builtin.debug) says are shown.
  - What Ansible itself prints is in a log, in the folder of the report, named after the playbook, such as
    C(workshop-report/all.log). With C(-v), and with C(--check), C(--diff) and C(--step), it is on the screen too, and
    nothing else is.
  - All this is for playbooks with a play whose C(hosts) is C(lessons), and for this collection's C(lab). Every other
    playbook is shown as P(ansible.builtin.default#callback) shows it, and has no log.
notes:
  - A lesson is over with a task of M(ansible.builtin.set_fact) that sets C(workshop_lesson_ended), with a task that
    fails, or with its play.
  - The variable C(workshop_report_dir) names the folder of the report. It is read as this machine sees it when the
    playbook begins.
requirements:
  - set as stdout in configuration
  - rich, to draw in a terminal; without it the lines are printed there too
extends_documentation_fragment:
  - default_callback
  - result_format_callback
seealso:
  - plugin: workshop.production_patterns.report
    plugin_type: callback
author:
  - The workshop.production_patterns authors (@workshop)
"""

import logging
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.playbook.role_include import IncludeRole
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils import display as ansible_display
from ansible.utils.display import Display
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import saying
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.lessons import (
    CLAIM,
    GROUP,
    claims_in,
    is_of_lessons,
    name_of,
    report_folder,
    role_of,
    variables_of,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.live.drawing import (
    Drawing,
    can_draw,
    is_terminal,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.live.model import Row, Scene, State
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.judge import cause, places_of
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import Failure
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.terminal import Paragraph

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

_PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"


class Said(t.NamedTuple):
    """Something that Ansible printed, or would have."""

    text: str
    colour: str | None
    stderr: bool


class _Aside(Display):
    """Ansible's display, but for what a callback prints: that goes into the log, and is kept to be shown or not."""

    def __init__(self) -> None:
        self.__dict__.update(vars(Display()))
        self._errors: set[str] = set()
        self._said: list[Said] = []

    def display(
        self,
        msg: str,
        color: str | None = None,
        stderr: bool = False,
        screen_only: bool = False,
        log_only: bool = False,
        **options: t.Any,
    ) -> None:
        if not log_only:
            self._said.append(Said(msg, color, stderr))
        if not screen_only:
            Display().display(msg, color, stderr, log_only=True, **options)

    def taken(self) -> list[Said]:
        """What was printed since the last call."""
        said, self._said = self._said, []
        # An error that was not shown has not been shown before.
        self._errors.clear()
        return said

    def _warning(self, warning: t.Any) -> None:
        Display()._warning(warning)

    def _deprecated(self, warning: t.Any) -> None:
        Display()._deprecated(warning)


@dataclass
class Told:
    """A task of a host that failed, or that says something in the rescue of one."""

    said: list[Said]
    failure: Failure | None = None
    is_claim: bool = False


class CallbackModule(Default):
    """Show where a run of the lessons is."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "workshop.production_patterns.live"

    def __init__(self) -> None:
        super().__init__()
        self._screen = Display()
        self._log: logging.Handler | None = None
        self._rest()

    def _rest(self) -> None:
        """Be Ansible's default callback."""
        self._display: t.Any = self._screen
        self._scene: Scene | None = None
        self._drawing: Drawing | None = None
        self._stage = ""
        self._items: dict[tuple[str, str], list[Said]] = {}
        self._told: dict[str, list[Told]] = {}
        saying.keep_off_the_screen(False)

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self._rest()
        self._begin(playbook)
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Play) -> None:
        super().v2_playbook_on_play_start(play)
        if self._scene is None:
            return
        self._end_play()
        self._stage = play.get_name().strip()
        if is_of_lessons(play):
            self._scene.begin_lessons(variables_of(play)["groups"].get(GROUP, []))

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        super().v2_runner_on_start(host, task)
        if self._scene is None:
            return
        sentence = str(task.name or task.action).strip()
        self._say(self._scene.starts(host.name, _stage_of(task) or self._stage, sentence, time.monotonic()))
        row = self._scene.lessons.get(host.name)
        if (
            row is not None
            and row.expected is None
            and (role := role_of(task)) is not None
            and name_of(role) == host.name
        ):
            row.expected = len(claims_in(role, self._play.get_loader(), self._play.get_variable_manager()))

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        if self._scene is None:
            super().v2_runner_on_ok(result)
            return
        host, task, data = result.host.name, result.task, dict(result.result)
        said = self._aside(super().v2_runner_on_ok, result)
        if task.resolved_action == CLAIM:
            self._claim(result, data)
        elif task.resolved_action == "ansible.builtin.debug":
            if isinstance(data.get("msg"), str):
                of_lesson = f"{host}: " if host in self._scene.lessons else ""
                said = [Said(of_lesson + data["msg"], C.COLOR_DEBUG, False)]
            else:
                said = self._headed(task, said)
            if any(place.section == "rescue" for place in places_of(task)):
                self._told.setdefault(host, []).append(Told(said))
            else:
                self._show(said)
        elif host in self._scene.lessons and (data.get("ansible_facts") or {}).get("workshop_lesson_ended"):
            self._end_lesson(host)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        if self._scene is None:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        data, message = dict(result.result), str(result.result.get("msg") or "")
        said = self._items.pop((result.host.name, result.task._uuid), [])
        said = self._headed(result.task, said + self._aside(super().v2_runner_on_failed, result, ignore_errors))
        is_claim = result.task.resolved_action == CLAIM and self._claim(result, data, failed=True)
        if not ignore_errors:
            self._fail(result, Told(said, Failure(result.task_name, message, places_of(result.task)), is_claim))

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        if self._scene is None:
            super().v2_runner_on_unreachable(result)
            return
        message = str(result.result.get("msg") or "")
        said = self._headed(result.task, self._aside(super().v2_runner_on_unreachable, result))
        if not result.task.ignore_unreachable:
            # No rescue helps.
            self._fail(result, Told(said, Failure(result.task_name, message)))

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        super().v2_runner_on_skipped(result)
        if self._scene is None or (row := self._scene.row(result.host.name)) is None:
            return
        if result.task.resolved_action == CLAIM and row.expected:
            row.expected -= 1
        elif row is self._scene.stage and result.task_name == _stage_of(result.task):
            self._scene.stage = None

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        if self._scene is None:
            super().v2_runner_item_on_failed(result)
            return
        of_task = self._items.setdefault((result.host.name, result.task._uuid), [])
        of_task += self._aside(super().v2_runner_item_on_failed, result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        super().v2_playbook_on_stats(stats)
        self._end_play()
        if self._drawing is not None:
            self._drawing.stop()
        self._rest()

    def _begin(self, playbook: Playbook) -> None:
        """Keep a log and take the screen, if it is a playbook to show and Ansible's own output is not asked for."""
        plays, path = playbook.get_plays(), Path(playbook._file_name)
        if not any(map(is_of_lessons, plays)) and path.resolve() != _PLAYBOOKS / "lab.yml":
            return
        manager = plays[0].get_variable_manager()
        try:
            # There is no lesson yet whose variables could count.
            variables = manager.get_vars(host=manager._inventory.get_host("localhost"))
            log = report_folder(plays[0], variables) / f"{path.stem}.log"
            self._keep_log(log)
        except (OSError, TypeError, AnsibleError) as error:
            self._screen.warning(f"There is no log, and so Ansible's own output follows: {error}")
            return
        if self._screen.verbosity or any(context.CLIARGS.get(option) for option in ("check", "diff", "step")):
            return
        self._show([Said(f"Ansible's own output is in {log}; -v shows it here.", None, False)])
        self._display, self._scene = _Aside(), Scene()
        saying.keep_off_the_screen(True)
        if is_terminal() and can_draw():
            self._drawing = Drawing(self._scene)
            self._drawing.start()
        elif is_terminal():
            self._show([Said("Nothing is drawn, since rich is not installed.", None, False)])

    def _keep_log(self, path: Path) -> None:
        """Have all that Ansible prints in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        log = logging.FileHandler(path, "w", encoding="utf-8", errors="backslashreplace")
        log.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        # The one that Ansible writes to, which is there already where log_path is set.
        logger = ansible_display.logger = logging.getLogger("ansible")
        if self._log is not None:
            logger.removeHandler(self._log)
        logger.setLevel(logging.INFO)
        logger.addHandler(log)
        self._log = log

    def _aside(self, method: Callable[..., None], *arguments: t.Any) -> list[Said]:
        """What Ansible's default callback prints, which is now in the log."""
        self._display.taken()
        method(*arguments)
        said: list[Said] = self._display.taken()
        return said

    def _headed(self, task: Task, said: list[Said]) -> list[Said]:
        """What is said of a task below its sentence, which Ansible prints before the task where hosts go in step."""
        head = f"\nTASK [{task.get_name().strip()}] "
        if any(one.text.startswith(head) for one in said):
            return said
        return [Said(head.ljust(self._screen.columns, "*"), None, False), *said]

    def _claim(self, result: CallbackTaskResult, data: dict[str, t.Any], failed: bool = False) -> bool:
        """Say how a claim of a lesson stands, if it could be judged."""
        if self._scene is None or result.host.name not in self._scene.lessons:
            return False
        if "censored" in data:
            sentence, message = result.task_name, f'"{result.task_name}" does not hold; no_log hides why.'
        elif "holds" in data:
            sentence, message = data["claim"], " ".join(str(data.get("msg")).split())
        else:
            return False
        said = self._scene.claimed(result.host.name, sentence, message if failed else None)
        if failed or self._drawing is None:
            self._say(said)
        return True

    def _fail(self, result: CallbackTaskResult, told: Told) -> None:
        """Keep what a failed task says, and show what ended its lesson or stage once nothing rescues it."""
        host = result.host.name
        self._told.setdefault(host, []).append(told)
        places = told.failure.places if told.failure else []
        if self._scene is None or any(place.section == "block" and place.has_rescue for place in places):
            return
        row, whole = self._scene.row(host), self._told.pop(host)
        ended_by = cause(one.failure for one in whole if one.failure is not None)
        first = next(number for number, one in enumerate(whole) if one.failure is ended_by)
        for one in whole[first:]:
            # What comes after it says more of it, or failed in its wake.
            if one.failure is None or (one.failure is ended_by and not one.is_claim and not _says(ended_by, row)):
                self._show(one.said)
        if host in self._scene.lessons:
            self._end_lesson(host, "failed")
        else:
            self._say(self._scene.stage_ends("failed", time.monotonic()))

    def _end_lesson(self, lesson: str, state: State | None = None) -> None:
        if self._scene is not None:
            row = self._scene.lessons[lesson]
            said = self._scene.lesson_ends(lesson, state or row.outcome(), time.monotonic())
            # A drawing keeps it in sight.
            self._say(None if self._drawing else said)

    def _end_play(self) -> None:
        if self._scene is not None:
            self._say(self._scene.stage_ends("held", time.monotonic()))
            self._scene.stage = None
            for lesson in self._scene.lessons:
                self._end_lesson(lesson)

    def _say(self, paragraph: Paragraph | None) -> None:
        if paragraph is not None:
            self._show([Said(paragraph.text, paragraph.colour, False)])

    def _show(self, said: list[Said]) -> None:
        """Show it on the screen, at once: Ansible itself leaves lines in the buffer of what is no terminal."""
        for one in said:
            self._screen.display(one.text, one.colour, one.stderr, screen_only=True)
        sys.stdout.flush()


def _stage_of(task: Task) -> str | None:
    """The sentence with which the play includes the role of the lab that a task is in, if it is in one."""
    outermost, node = None, task
    while node is not None:
        outermost = node if isinstance(node, IncludeRole) else outermost
        node = node._parent
    if outermost is None or not str(outermost._role_name).rpartition(".")[2].startswith("lab_"):
        return None
    return str(outermost.name).strip()


def _says(failure: Failure, row: Row | None) -> bool:
    """Whether a failure says nothing but which claims fell."""
    fallen = row.fallen if row is not None else []
    return bool(fallen) and all(claim in failure.message for claim in fallen)
