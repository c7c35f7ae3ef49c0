# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Workloads that are a little wrong, as each lesson.yml says them, and copies of this checkout that have them."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing as t
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from runs import ROOT, TAUGHT

CLAIM = "workshop.production_patterns.claim"


class Change(t.NamedTuple):
    """What a file of a role has once, and what stands there instead."""

    file: str
    replace: str
    by: str

    def apply(self, role: Path) -> None:
        """Make it in a copy of the role. What is replaced is looked for in the role as it is."""
        written = (ROOT / "roles" / role.name / self.file).read_text()
        assert written.count(self.replace) == 1, f"{role.name}/{self.file} has this not once: {self.replace}"
        path = role / self.file
        text = path.read_text()
        assert self.replace in text, f"{role.name}/{self.file} was changed here by another near miss: {self.replace}"
        path.write_text(text.replace(self.replace, self.by, 1))


@dataclass(frozen=True)
class NearMiss:
    """A workload of which some claims are not true any more."""

    lesson: str
    number: int
    about: str
    swap: dict[str, t.Any]
    """The lesson's variables that have another value."""
    changes: list[Change]
    falls: list[str]
    """The beginnings of the claims that it makes fall."""
    alone: bool
    """Whether it would keep others from being seen, since it changes more than what its claims are about."""

    @property
    def name(self) -> str:
        return f"{self.lesson}-{self.number}"


def _read(lesson: str) -> dict[str, t.Any]:
    return yaml.safe_load((ROOT / "roles" / lesson / "lesson.yml").read_text())


def _near_misses(lesson: str) -> Iterator[NearMiss]:
    known = _read(lesson)
    for number, said in enumerate(known.get("near_misses", []), start=1):
        yield NearMiss(
            lesson,
            number,
            said["about"],
            {**known.get("short", {}), **said.get("swap", {})},
            [Change(change["file"], change["replace"], change["with"]) for change in said.get("changes", [])],
            said["falls"],
            said.get("alone", False),
        )


NEAR_MISSES = {lesson: list(_near_misses(lesson)) for lesson in TAUGHT}
EXCUSED: dict[str, dict[str, str]] = {lesson: _read(lesson).get("without_near_miss", {}) for lesson in TAUGHT}
"""The beginnings of claims that no workload can make fall, each with its reason."""


def claims_of(lesson: str) -> list[str]:
    """The sentences that a lesson claims, with # for each number."""

    def look(tasks: list[dict[str, t.Any]]) -> Iterator[str]:
        for task in tasks:
            if CLAIM in task:
                yield plain(task["name"])
            yield from look(task.get("block", []))

    files = sorted((ROOT / "roles" / lesson / "tasks").glob("*.yml"))
    return [claim for path in files for claim in look(yaml.safe_load(path.read_text()) or [])]


def plain(sentence: str) -> str:
    """A sentence with # for each number and each template."""
    return re.sub(r"{{.*?}}|\d+", "#", sentence)


def together(near_misses: Iterable[NearMiss]) -> list[list[NearMiss]]:
    """Those of one lesson in as few runs as may be: several in one where they are about different claims."""
    runs: list[list[NearMiss]] = []
    for near_miss in near_misses:
        fitting = (run for run in runs if all(_go_together(near_miss, other) for other in run))
        run = next(fitting, None)
        if run is None:
            runs.append(run := [])
        run.append(near_miss)
    return runs


def least(runs: Iterable[list[NearMiss]]) -> list[list[NearMiss]]:
    """As few of the runs as make every claim fall that any of them does: those first that make most of the others."""
    left, chosen = list(runs), []
    to_fall = set().union(*map(_falls, left))
    while to_fall:
        best = max(left, key=lambda run: len(to_fall & _falls(run)))
        chosen.append(best)
        to_fall -= _falls(best)
    return chosen


def _falls(run: list[NearMiss]) -> set[str]:
    return {sentence for near_miss in run for sentence in near_miss.falls}


def _go_together(one: NearMiss, other: NearMiss) -> bool:
    agree = all(other.swap.get(name, value) == value for name, value in one.swap.items())
    return agree and not (one.alone or other.alone or set(one.falls) & set(other.falls))


def copy_with(near_misses: Iterable[NearMiss], folder: Path) -> Path:
    """A checkout as this one is now, with what the near misses change."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for file in filter(None, files):
        source, target = ROOT / file, folder / file
        if source.is_symlink() or source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    for near_miss in near_misses:
        for change in near_miss.changes:
            change.apply(folder / "roles" / near_miss.lesson)
    return folder
