# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""The manifests of a lesson as they were applied, and the lines of a file that its claims stand and fall with."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path, PurePosixPath

APPLIES = "kubernetes.core.k8s"
"""The module that applies manifests."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml")
_JINJA = re.compile(r"{{.*?}}|{%.*?%}")


def named_in(arguments: dict[str, t.Any]) -> list[str]:
    """The templates that a task applies, by their names in the role."""
    given = arguments.get("template")
    if arguments.get("state") == "absent" or given is None:
        return []
    names = given if isinstance(given, list) else [given]
    return [name for name in names if isinstance(name, str) and not _JINJA.search(name)]


def keep(manifests: dict[str, str], template: str, text: str) -> None:
    """Add a manifest under the name of its template; one that was applied with other values gets a number."""
    name = PurePosixPath(template.removesuffix(".j2"))
    wanted, number = name.name, 1
    while manifests.get(wanted, text) != text:
        number += 1
        wanted = f"{name.stem}-{number}{name.suffix}"
    manifests[wanted] = text


def is_name(name: str) -> bool:
    """Whether it can be the name of a manifest's file, and nothing else."""
    return _NAME.fullmatch(name) is not None


def template_of(name: str, role: Path) -> str | None:
    """The template in a role that a manifest was made of, as its lesson.yml names it."""
    for wanted in (name, re.sub(r"-\d+(?=\.ya?ml$)", "", name)):
        if (role / "templates" / f"{wanted}.j2").is_file():
            return f"templates/{wanted}.j2"
    return None


def deciding(file: str, text: str, written: str, near_misses: t.Any) -> list[int]:
    """The numbers of the lines, from 1, that the near misses of a lesson change, since a claim falls without them.

    The near misses name them in the file as it is written in the role, and the text may be what became of it.
    """
    found: list[re.Pattern[str]] = []
    for replaced in _replaced(file, near_misses):
        before, there, after = written.partition(replaced)
        if not there:
            continue
        # Whole lines, also where it is a part of one.
        begin, rest = before.rpartition("\n")[2], "" if there.endswith("\n") else after.partition("\n")[0]
        for line in (begin + there + rest).splitlines():
            words = _JINJA.split(line.strip())
            # A line of nothing but a template is any line.
            if any(word.strip() for word in words):
                found.append(re.compile(".*".join(map(re.escape, words))))
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if any(one.fullmatch(line.strip()) for one in found)]


def _replaced(file: str, near_misses: t.Any) -> list[str]:
    changes = [change for near_miss in near_misses or () for change in near_miss.get("changes", ())]
    return [str(change["replace"]) for change in changes if change["file"] == file]
