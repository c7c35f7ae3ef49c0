# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: aggregate
short_description: Collect the claims of a run into a report
version_added: 1.0.0
description:
  - Collects every result of M(workshop.production_patterns.claim). When the playbook ends, it writes them into a
    folder, as C(claims.json) and as JUnit XML in C(claims.xml), and prints a summary.
  - The playbooks of this collection load it by themselves, from the folder C(callback_plugins) beside them. Don't
    enable it a second time in C(ansible.cfg).
  - The lessons of a run are the hosts of the inventory group C(lessons). A playbook without a play whose C(hosts) is
    C(lessons) is given no report, and an earlier report stays as it is.
  - A lesson is C(held) when it made at least one claim, all its claims hold, and none of its tasks failed, save those
    that were rescued or ignored. It is C(failed) when a claim or a task failed, and C(not run) when neither happened.
  - Claims of a lesson that is no host of the group are shown, and that lesson is C(failed).
  - An earlier report in the same folder is overwritten.
notes:
  - The variable C(workshop_report_dir) names the folder. It is read as the play of the lessons sees it, so it may be
    set for the play, for a group, or with C(--extra-vars). A relative path starts at the current directory.
    The default is C(workshop-report).
  - A dictionary that a task of the run gives to M(ansible.builtin.set_fact) as C(workshop_versions) is added to the
    versions in the report.
seealso:
  - module: workshop.production_patterns.claim
author:
  - The workshop.production_patterns authors (@workshop)
"""

import json
import os
import platform
import re
import textwrap
import time
import typing as t
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.playbook.block import Block
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as ansible_version
from ansible.template import Templar
from ansible_collections.workshop.production_patterns.plugins.action.claim import (
    evidence,
)

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

_ACTION = 'workshop.production_patterns.claim'
_GROUP = 'lessons'
_DEFAULT_DIR = 'workshop-report'
_NOT_IN_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


@dataclass
class Claim:
    lesson: str
    claim: str
    shows: str
    holds: bool
    observed: dict[str, t.Any]
    at: str
    seconds: float
    message: str | None
    """Why it does not hold."""

    def as_json(self) -> dict[str, t.Any]:
        return {name: value for name, value in vars(self).items() if name != 'message'}


@dataclass
class Failure:
    """A task that failed, a claim included."""

    task: str
    message: str
    in_rescue: bool
    """It is the consequence of an earlier failure."""


@dataclass
class Lesson:
    lesson: str
    status: str = 'not run'
    seconds: float = 0.0
    claims: list[Claim] = field(default_factory=list)
    failure: Failure | None = None
    """The task that ended it."""

    @property
    def outside(self) -> Failure | None:
        """The failure that ended it, unless one of its claims says the same."""
        said = [claim.message for claim in self.claims]
        return None if self.failure is None or self.failure.message in said else self.failure

    @property
    def message(self) -> str | None:
        """The first sentence that says why it failed."""
        of_claims = [claim.message for claim in self.claims if claim.message is not None]
        return next(iter(of_claims), self.failure.message if self.failure else None)

    def as_json(self) -> dict[str, t.Any]:
        return {
            'lesson': self.lesson,
            'status': self.status,
            'seconds': self.seconds,
            'claims': len(self.claims),
            'message': self.message,
        }


@dataclass
class Clock:
    """Times of one lesson, on the monotonic clock."""

    started: float
    last_claim: float
    last_result: float


class CallbackModule(CallbackBase):
    """Collect the claims of a run into a report."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'report'

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self._plays: list[Play] = playbook.get_plays()
        self._started = datetime.now(UTC)
        self._clocks: dict[str, Clock] = {}
        self._claims: list[Claim] = []
        self._failures: dict[str, list[Failure]] = {}
        self._versions: dict[str, t.Any] = {}

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        self._clock(host.name)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self._take(result)
        facts = result.result.get('ansible_facts')
        if isinstance(facts, dict) and isinstance(facts.get('workshop_versions'), dict):
            self._versions.update(facts['workshop_versions'])

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._take(result)
        if not ignore_errors:
            self._fail(result)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        self._take(result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._take(result)
        if not result.task.ignore_unreachable:
            self._fail(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        play = next((play for play in self._plays if _is_of_lessons(play)), None)
        if play is None:
            return
        variables = _variables(play)
        hosts = list(variables['groups'].get(_GROUP, []))
        lessons = [self._judge(name, stats) for name in hosts]
        strangers = dict.fromkeys(claim.lesson for claim in self._claims if claim.lesson not in hosts)
        lessons += [self._stranger(name) for name in strangers]
        if not lessons:
            return

        self._display.banner('CLAIMS')
        for lesson in lessons:
            self._print(lesson)
        self._display.display('')
        closing = _closing(lessons)
        try:
            folder = variables.get('workshop_report_dir') or _DEFAULT_DIR
            folder = Path(Templar(play.get_loader(), variables).template(folder))
            self._write(folder, lessons)
        except (OSError, AnsibleError) as error:
            self._display.display(f'{closing}; no report', color=C.COLOR_ERROR)
            self._display.error(
                f"The report can't be written: {error}. Name another folder with the variable workshop_report_dir."
            )
        else:
            all_held = all(lesson.status == 'held' for lesson in lessons)
            self._display.display(
                f'{closing}; report: {folder / "claims.json"}', color=C.COLOR_OK if all_held else C.COLOR_ERROR
            )

    def _clock(self, lesson: str) -> Clock:
        now = time.monotonic()
        return self._clocks.setdefault(lesson, Clock(now, now, now))

    def _take(self, result: CallbackTaskResult) -> None:
        """Keep what a result says about a lesson."""
        now = time.monotonic()
        self._clock(result.host.name).last_result = now
        data = result.result
        if result.task.resolved_action == _ACTION and 'holds' in data:
            clock = self._clock(data['lesson'])
            self._claims.append(
                Claim(
                    seconds=round(now - clock.last_claim, 3),
                    message=None if data['holds'] else _message(data),
                    **{key: data[key] for key in ('lesson', 'claim', 'shows', 'holds', 'observed', 'at')},
                )
            )
            clock.last_claim = now

    def _fail(self, result: CallbackTaskResult) -> None:
        failure = Failure(result.task_name, _message(result.result), _in_rescue(result.task))
        self._failures.setdefault(result.host.name, []).append(failure)

    def _judge(self, name: str, stats: AggregateStats) -> Lesson:
        lesson = Lesson(name, claims=[claim for claim in self._claims if claim.lesson == name])
        if name in self._clocks:
            clock = self._clocks[name]
            lesson.seconds = round(clock.last_result - clock.started, 3)
        failed = bool(stats.failures.get(name) or stats.dark.get(name))
        if failed:
            lesson.failure = _cause(self._failures.get(name, []))
        if failed or any(not claim.holds for claim in lesson.claims):
            lesson.status = 'failed'
        elif lesson.claims:
            lesson.status = 'held'
        return lesson

    def _stranger(self, name: str) -> Lesson:
        message = f'{name} made claims, but is no host of the group {_GROUP}.'
        claims = [claim for claim in self._claims if claim.lesson == name]
        return Lesson(name, 'failed', claims=claims, failure=Failure('membership', message, in_rescue=False))

    def _write(self, folder: Path, lessons: list[Lesson]) -> None:
        finished = datetime.now(UTC)
        run = {
            'started': self._started.isoformat(timespec='milliseconds'),
            'finished': finished.isoformat(timespec='milliseconds'),
            'seconds': round((finished - self._started).total_seconds(), 3),
            'versions': {
                **self._versions,
                'ansible_core': ansible_version,
                'python': platform.python_version(),
                'collection': _collection_version(),
            },
        }
        report = {
            'run': run,
            'lessons': [lesson.as_json() for lesson in lessons],
            'claims': [claim.as_json() for claim in self._claims],
        }
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / 'claims.json', json.dumps(report, indent=2, ensure_ascii=False, default=str) + '\n')
        _replace(folder / 'claims.xml', _junit(lessons, run))

    def _print(self, lesson: Lesson) -> None:
        colour = {'held': C.COLOR_OK, 'failed': C.COLOR_ERROR, 'not run': C.COLOR_SKIP}[lesson.status]
        took = '' if lesson.status == 'not run' else f', {lesson.seconds:.1f} s'
        self._display.display(f'\n{lesson.lesson}: {lesson.status}{took}', color=colour)
        for claim in lesson.claims:
            mark, mark_colour = ('✓', C.COLOR_OK) if claim.holds else ('✗', C.COLOR_ERROR)
            kind = {'antipattern': 'anti-pattern', 'pattern': 'pattern'}[claim.shows]
            self._paragraph(f'  {mark} {kind:<12}  ', f'{claim.claim} ({claim.seconds:.1f} s)', mark_colour)
            self._paragraph(' ' * 18, claim.message or evidence(claim.observed))
        if lesson.outside is not None:
            self._paragraph('  ✗ ', f'{lesson.outside.task}: {lesson.outside.message}', C.COLOR_ERROR)

    def _paragraph(self, head: str, text: str, colour: str | None = None) -> None:
        width = max(self._display.columns, 60)
        lines = textwrap.fill(text, width, initial_indent=head, subsequent_indent=' ' * len(head))
        self._display.display(lines, color=colour)


def _is_of_lessons(play: Play) -> bool:
    # A play that was not reached still has its hosts as they were written.
    return _GROUP in (play.hosts if isinstance(play.hosts, list) else [play.hosts])


def _variables(play: Play) -> dict[str, t.Any]:
    """The variables of the play as its first lesson sees them, or without a lesson as the play itself does."""
    manager = play.get_variable_manager()
    variables: dict[str, t.Any] = manager.get_vars(play=play)
    lessons = variables['groups'].get(_GROUP)
    if lessons:
        variables = manager.get_vars(play=play, host=manager._inventory.get_host(lessons[0]))
    return variables


def _message(data: dict[str, t.Any]) -> str:
    """What a failed result says, on one line; a loop says it in its first failed item."""
    items = data.get('results')
    failure = data
    if isinstance(items, list):
        failure = next((item for item in items if isinstance(item, dict) and item.get('failed')), data)
    text = failure.get('msg') or 'The task failed without a message.'
    # The message of a command is only that it failed.
    reason = str(failure.get('stderr') or '').strip().splitlines()[-1:]
    return ' '.join(': '.join([str(text), *reason]).split())


def _in_rescue(task: Task) -> bool:
    node = task
    while node._parent is not None:
        if isinstance(node._parent, Block) and any(other._uuid == node._uuid for other in node._parent.rescue):
            return True
        node = node._parent
    return False


def _cause(failures: list[Failure]) -> Failure | None:
    """The failure that ended a lesson. When that is a rescue, such as a diagnosis, it is the failure before it."""
    cause = None
    for cause in reversed(failures):
        if not cause.in_rescue:
            break
    return cause


def _closing(lessons: list[Lesson]) -> str:
    claims = [claim for lesson in lessons for claim in lesson.claims]
    holding = sum(claim.holds for claim in claims)
    parts = [_count(holding, 'claim holds', 'claims hold')]
    if holding < len(claims):
        parts.append(f'{len(claims) - holding} failed')
    for status in 'failed', 'not run':
        names = [lesson.lesson for lesson in lessons if lesson.status == status]
        if names:
            parts.append(f'{_count(len(names), "lesson", "lessons")} {status} ({", ".join(names)})')
    return ', '.join(parts)


def _count(number: int, one: str, many: str) -> str:
    return f'{number} {one if number == 1 else many}'


def _junit(lessons: list[Lesson], run: dict[str, t.Any]) -> str:
    root = ET.Element('testsuites', name='workshop.production_patterns', time=str(run['seconds']))
    for lesson in lessons:
        suite = ET.SubElement(root, 'testsuite', name=lesson.lesson, timestamp=run['started'], time=str(lesson.seconds))
        for claim in lesson.claims:
            case = _case(suite, lesson.lesson, claim.claim, claim.seconds)
            properties = ET.SubElement(case, 'properties')
            ET.SubElement(properties, 'property', name='shows', value=claim.shows)
            if claim.message is not None:
                ET.SubElement(case, 'failure', message=_xml_text(claim.message))
            observed = json.dumps(claim.observed, ensure_ascii=False, default=str)
            ET.SubElement(case, 'system-out').text = _xml_text(observed)
        if lesson.outside is not None:
            case = _case(suite, lesson.lesson, lesson.outside.task, 0)
            ET.SubElement(case, 'error', message=_xml_text(lesson.outside.message))
        if lesson.status == 'not run':
            ET.SubElement(_case(suite, lesson.lesson, lesson.lesson, 0), 'skipped', message='not run')
        _tally(suite, [suite])
    _tally(root, list(root))
    ET.indent(root)
    return ET.tostring(root, encoding='unicode', xml_declaration=False) + '\n'


def _case(suite: ET.Element, lesson: str, name: str, seconds: float) -> ET.Element:
    classname = f'workshop.production_patterns.{lesson}'
    return ET.SubElement(suite, 'testcase', classname=classname, name=_xml_text(name), time=str(seconds))


def _tally(element: ET.Element, suites: list[ET.Element]) -> None:
    for attribute, path in {
        'tests': 'testcase',
        'failures': 'testcase/failure',
        'errors': 'testcase/error',
        'skipped': 'testcase/skipped',
    }.items():
        element.set(attribute, str(sum(len(suite.findall(path)) for suite in suites)))


def _xml_text(text: str) -> str:
    return _NOT_IN_XML.sub('\ufffd', text)


def _replace(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it."""
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        unfinished.write_text(text, encoding='utf-8', errors='backslashreplace')
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _collection_version() -> str:
    """The version in the manifest of an installed collection, else in the galaxy.yml of a checkout."""
    root = Path(__file__).resolve().parents[2]
    manifest = root / 'MANIFEST.json'
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding='utf-8'))['collection_info']['version'])
    return str(yaml.safe_load((root / 'galaxy.yml').read_text(encoding='utf-8'))['version'])
