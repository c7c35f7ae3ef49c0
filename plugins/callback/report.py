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
  - Beside them it writes pages to look at, C(index.html) and one for each lesson. They are made from C(claims.json)
    alone, as M(workshop.production_patterns.report_pages) makes them again. They load nothing from anywhere.
  - The playbooks of this collection load it by themselves, from the folder C(callback_plugins) beside them. Don't
    enable it a second time in C(ansible.cfg).
  - The lessons of a run are the hosts of the inventory group C(lessons). A playbook without a play whose C(hosts) is
    C(lessons) is given no report, and an earlier report stays as it is.
  - A lesson is C(held) when it made at least one claim, all its claims hold, and none of its tasks failed, save those
    that were rescued or ignored. It is C(failed) when a claim or a task failed, and C(not run) when neither happened.
  - The claims of a lesson's C(verify.yml), and of the files of tasks that it includes by their names, are never left
    out. One that a failed task kept from being made is C(not reached), one whose C(when) was false is C(skipped).
  - Of a claim under C(no_log) the report says whether it holds, and nothing of what was observed.
  - The manifests that a lesson applied by the option C(template) of M(kubernetes.core.k8s) are kept as they were, but
    for those of tasks under C(no_log). They are files in the folder C(manifests), with the lesson's Dockerfiles.
  - The pages do not show texts whose names say that they are a password, a secret, a token or a credential.
  - C(claims.json) has no number that JSON does not know. In its place stand the words C(NaN), C(Infinity) and
    C(-Infinity).
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
  - module: workshop.production_patterns.report_pages
author:
  - The workshop.production_patterns authors (@workshop)
"""

import json
import platform
import time
import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as ansible_version
from ansible.template import Templar, trust_as_template
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
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import manifests, pages, reading
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.judge import (
    judge,
    places_of,
    stranger,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.junit import junit
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Claim,
    Failure,
    Lesson,
    Report,
    Unmade,
    iso,
    replace,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.terminal import closing, paragraphs

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task


@dataclass
class Trace:
    """What was seen of one lesson. Clocks are monotonic."""

    started: datetime
    ended: datetime
    start_clock: float
    end_clock: float
    claim_clock: float
    claims: list[Claim] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """The places of its claims, and of the tasks that failed."""
    skipped: dict[str, Unmade] = field(default_factory=dict)
    """The claims that were skipped, by their places."""
    task: Task | None = None
    """One of the tasks of its role."""
    manifests: dict[str, str] = field(default_factory=dict)
    """What it applied, by the names that the files can have."""


class CallbackModule(CallbackBase):
    """Collect the claims of a run into a report."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "report"

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self._plays: list[Play] = playbook.get_plays()
        self._started = datetime.now(UTC)
        self._traces: dict[str, Trace] = {}
        self._claims: list[Claim] = []
        self._versions: dict[str, t.Any] = {}

    def v2_playbook_on_play_start(self, play: Play) -> None:
        self._play = play

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        self._trace(host.name)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self._take(result)
        self._keep_manifests(result)
        facts = result.result.get("ansible_facts")
        if isinstance(facts, dict) and isinstance(facts.get("workshop_versions"), dict):
            self._versions.update(facts["workshop_versions"])

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._take(result, failed=True)
        if not ignore_errors:
            self._fail(result)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        trace = self._seen(result)
        if result.task.resolved_action == CLAIM:
            trace.skipped[result.task.get_path()] = Unmade(result.task_name, _shows(result.task))

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._seen(result)
        if not result.task.ignore_unreachable:
            self._fail(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        play = next((play for play in self._plays if is_of_lessons(play)), None)
        if play is None:
            return
        variables = variables_of(play)
        hosts = list(variables["groups"].get(GROUP, []))
        lessons = [self._lesson(name, play, stats) for name in hosts]
        lessons += [
            stranger(name, trace.claims, GROUP)
            for name, trace in self._traces.items()
            if name not in hosts and trace.claims
        ]
        if not lessons:
            return

        self._display.banner("CLAIMS")
        # What failed stands last, since the end of a long output is what is seen.
        for lesson in sorted(lessons, key=lambda lesson: lesson.status == "failed"):
            for text, colour in paragraphs(lesson, self._display.columns):
                self._display.display(text, color=colour)
        self._display.display("")
        last_line = closing(lessons)
        try:
            folder = report_folder(play, variables)
            self._write(folder, lessons)
        except (OSError, AnsibleError) as error:
            self._display.display(f"{last_line}; no report", color=C.COLOR_ERROR)
            self._display.error(
                f"The report can't be written: {error}. Name another folder with the variable workshop_report_dir."
            )
        else:
            all_held = all(lesson.status == "held" for lesson in lessons)
            shown = "claims.json"
            try:
                missing = pages.write(folder, reading.read(folder / "claims.json")).missing
                shown = "index.html"
                for sentence in missing:
                    self._display.display(sentence)
            except Exception as error:
                # Whatever stands in their way, the claims are there and count.
                self._display.error(f"The pages of the report can't be written: {error}.")
            self._display.display(
                f"{last_line}; report: {folder / shown}", color=C.COLOR_OK if all_held else C.COLOR_ERROR
            )

    def _trace(self, lesson: str) -> Trace:
        if lesson not in self._traces:
            now, clock = datetime.now(UTC), time.monotonic()
            self._traces[lesson] = Trace(now, now, clock, clock, clock)
        return self._traces[lesson]

    def _seen(self, result: CallbackTaskResult) -> Trace:
        """Note that a lesson goes on."""
        trace = self._trace(result.host.name)
        trace.ended, trace.end_clock = datetime.now(UTC), time.monotonic()
        role = role_of(result.task)
        if trace.task is None and role is not None and name_of(role) == result.host.name:
            trace.task = result.task
        return trace

    def _take(self, result: CallbackTaskResult, failed: bool = False) -> None:
        """Keep what a result says about a lesson."""
        self._seen(result)
        data, task = result.result, result.task
        if task.resolved_action != CLAIM:
            return
        if "censored" in data:
            role = role_of(task)
            data = {
                "lesson": None if role is None else name_of(role),
                "claim": result.task_name,
                "shows": _shows(task),
                "holds": not failed,
                "observed": {"no_log": True},
                "evidence": {"no_log": True},
                "false_conditions": [],
                "at": iso(datetime.now(UTC)),
                "msg": f'"{result.task_name}" does not hold; no_log hides why.',
            }
        if "holds" not in data:
            return
        lesson = data["lesson"] or result.host.name
        trace, now = self._trace(lesson), time.monotonic()
        claim = Claim(
            lesson=lesson,
            seconds=round(now - trace.claim_clock, 3),
            message=None if data["holds"] else _message(data),
            **{key: data[key] for key in ("claim", "shows", "holds", "observed", "evidence", "at", "false_conditions")},
        )
        trace.claim_clock = now
        trace.made.append(task.get_path())
        trace.claims.append(claim)
        self._claims.append(claim)

    def _keep_manifests(self, result: CallbackTaskResult) -> None:
        """Keep what a lesson has applied as it would be written by hand, with its comments."""
        task, role = result.task, role_of(result.task)
        if task.resolved_action != manifests.APPLIES or role is None or "censored" in result.result:
            return
        for name in manifests.named_in(task.args):
            template = Path(role._role_path) / "templates" / name
            variables = self._play.get_variable_manager().get_vars(play=self._play, host=result.host, task=task)
            try:
                text = trust_as_template(template.read_text(encoding="utf-8"))
                text = Templar(self._play.get_loader(), variables).template(text)
            except (OSError, AnsibleError) as error:
                # It was applied, so this is worth knowing, and no reason to end a run.
                self._display.warning(f"The report has no {name}: {error}")
            else:
                manifests.keep(self._trace(result.host.name).manifests, name, str(text))

    def _fail(self, result: CallbackTaskResult) -> None:
        trace = self._trace(result.host.name)
        trace.failures.append(Failure(result.task_name, _message(result.result), places_of(result.task)))
        trace.made.append(result.task.get_path())

    def _lesson(self, name: str, play: Play, stats: AggregateStats) -> Lesson:
        lesson = Lesson(name)
        trace = self._traces.get(name)
        if trace is None:
            return lesson
        lesson.claims = trace.claims
        lesson.manifests = trace.manifests
        lesson.seconds = round(trace.end_clock - trace.start_clock, 3)
        lesson.started, lesson.ended = trace.started, trace.ended
        expected = {} if trace.task is None else _expected(name, trace.task, play)
        judge(
            lesson,
            failed=bool(stats.failures.get(name) or stats.dark.get(name)),
            failures=trace.failures,
            # Those of files that are included by a variable are known only from their results.
            expected=expected | {place: claim for place, claim in trace.skipped.items() if place not in expected},
            made=trace.made,
            skipped=list(trace.skipped),
        )
        return lesson

    def _write(self, folder: Path, lessons: list[Lesson]) -> None:
        versions = {
            **self._versions,
            "ansible_core": ansible_version,
            "python": platform.python_version(),
            "collection": _collection_version(),
        }
        report = Report(self._started, datetime.now(UTC), versions, lessons, self._claims)
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / "claims.json", report.as_json())
        replace(folder / "claims.xml", junit(report))


def _expected(lesson: str, task: Task, play: Play) -> dict[str, Unmade]:
    """The claims of a lesson's files by the places where they are written, with the lesson's figures in their names."""
    role = role_of(task)
    if role is None:
        return {}
    manager, loader = play.get_variable_manager(), play.get_loader()
    variables = manager.get_vars(play=play, host=manager._inventory.get_host(lesson), task=task)
    templar = Templar(loader, variables)
    return {claim.get_path(): _unmade(claim, templar) for claim in claims_in(role, loader, manager)}


def _unmade(claim: Task, templar: Templar) -> Unmade:
    try:
        sentence = str(templar.template(claim.name))
    except AnsibleError:
        # It has a figure that only the run would have brought.
        sentence = str(claim.name)
    return Unmade(sentence, _shows(claim))


def _shows(task: Task) -> str:
    return "antipattern" if task.args.get("shows") == "antipattern" else "pattern"


def _message(data: dict[str, t.Any]) -> str:
    """What a failed result says, on one line; a loop says it in its first failed item."""
    items = data.get("results")
    failure = data
    if isinstance(items, list):
        failure = next((item for item in items if isinstance(item, dict) and item.get("failed")), data)
    text = failure.get("msg") or "The task failed without a message."
    # The message of a command is only that it failed.
    reason = str(failure.get("stderr") or "").strip().splitlines()[-1:]
    return " ".join(": ".join([str(text), *reason]).split())


def _collection_version() -> str:
    """The version in the manifest of an installed collection, else in the galaxy.yml of a checkout."""
    root = Path(__file__).resolve().parents[2]
    manifest = root / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])
