# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What claims.json says, made safe to show."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.manifests import is_name

HIDDEN = "(not shown)"
"""What stands in the place of a value that must not be shown."""

_SECRET_NAME = re.compile(r"password|passwd|secret|token|credential", re.IGNORECASE)
_LOOKS_SECRET = re.compile(r"(?=\S*\d)[^\s/]{8,}")
"""What is looked for in other texts too. Anything plainer, such as a Secret's name, would be found there by chance."""
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What can't be seen or turns around the text after it."""


@dataclass
class Claim:
    """A claim that was made."""

    lesson: str
    sentence: str
    shows: t.Literal["antipattern", "pattern"]
    holds: bool
    observed: dict[str, t.Any]
    evidence: dict[str, t.Any]
    """What of it the conditions read. Reports of earlier versions don't say, and then it is empty."""
    false_conditions: list[tuple[str, str | None]]
    """Those that are false, and why, where that needs words."""
    at: float | None
    """Seconds since the epoch."""
    seconds: float | None


@dataclass
class Lesson:
    """A lesson and what became of it."""

    name: str
    status: t.Literal["held", "failed", "not run"]
    seconds: float | None
    started: float | None
    ended: float | None
    message: str | None
    skipped: list[str]
    not_reached: list[str]
    manifests: dict[str, str] = field(default_factory=dict)
    """What it applied, by the names of files. Reports of earlier versions don't say."""
    claims: list[Claim] = field(default_factory=list)

    @property
    def fallen(self) -> list[Claim]:
        """The claims that do not hold."""
        return [claim for claim in self.claims if not claim.holds]


@dataclass
class Run:
    """A run and its lessons, in the order taught. Times are seconds since the epoch."""

    started: float | None
    finished: float | None
    seconds: float | None
    versions: dict[str, str]
    lessons: list[Lesson]

    @property
    def claims(self) -> list[Claim]:
        return [claim for lesson in self.lessons for claim in lesson.claims]


def read(path: Path) -> Run:
    """The run that a claims.json tells of. Raise Problem where it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Problem(f"There is no {path}: name the claims.json that a run has written.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path} can't be read: {error}.") from error
    try:
        return run(text)
    except Problem as problem:
        raise Problem(f"{path} is no report of a run: {problem}") from problem


def run(text: str) -> Run:
    """The run that the text of a claims.json tells of. Raise Problem where it is none."""
    try:
        data = json.loads(text)
        return _run(_concealed(data))
    except json.JSONDecodeError as error:
        raise Problem(f"it is not JSON ({error}).") from error
    except RecursionError as error:
        raise Problem("its values are nested too deeply.") from error


def _run(data: t.Any) -> Run:
    if not isinstance(data, dict) or not all(
        isinstance(data.get(key), kind) for key, kind in (("run", dict), ("lessons", list), ("claims", list))
    ):
        raise Problem("it needs run, lessons and claims.")
    by_name: dict[str, Lesson] = {}
    for item in data["lessons"]:
        if isinstance(item, dict):
            lesson = _lesson(item)
            by_name.setdefault(lesson.name, lesson)
    for item in data["claims"]:
        if isinstance(item, dict) and (name := _text(item.get("lesson"))) in by_name:
            by_name[name].claims.append(_claim(item))
    about = data["run"]
    versions = about.get("versions") if isinstance(about.get("versions"), dict) else {}
    return Run(
        started=_moment(about.get("started")),
        finished=_moment(about.get("finished")),
        seconds=_number(about.get("seconds")),
        versions={name: _text(version) for name, version in versions.items()},
        lessons=list(by_name.values()),
    )


def _lesson(item: dict[str, t.Any]) -> Lesson:
    status = item.get("status")
    return Lesson(
        name=_text(item.get("lesson")) or "?",
        status=status if status in ("held", "failed") else "not run",
        seconds=_number(item.get("seconds")),
        started=_moment(item.get("started")),
        ended=_moment(item.get("ended")),
        message=_text(item.get("message")) or None,
        skipped=_texts(item.get("skipped")),
        not_reached=_texts(item.get("not_reached")),
        manifests={
            name: text
            for name, text in _dictionary(item.get("manifests")).items()
            if is_name(name) and isinstance(text, str)
        },
    )


def _claim(item: dict[str, t.Any]) -> Claim:
    false = item.get("false_conditions")
    return Claim(
        lesson=_text(item.get("lesson")),
        sentence=_text(item.get("claim")) or "?",
        shows="antipattern" if item.get("shows") == "antipattern" else "pattern",
        holds=item.get("holds") is True,
        observed=_dictionary(item.get("observed")),
        evidence=_dictionary(item.get("evidence")),
        false_conditions=[
            (_text(each.get("condition")), _text(each.get("reason")) or None)
            for each in (false if isinstance(false, list) else [])
            if isinstance(each, dict)
        ],
        at=_moment(item.get("at")),
        seconds=_number(item.get("seconds")),
    )


def is_number(value: t.Any) -> t.TypeGuard[int | float]:
    """Whether it is a number that can be drawn."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18


def _number(value: t.Any) -> float | None:
    return float(value) if is_number(value) else None


def _moment(value: t.Any) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: t.Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(value: t.Any) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else []


def _dictionary(value: t.Any) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _concealed(data: t.Any) -> t.Any:
    """The data without what must not be shown, wherever else it stands, and without what can't be seen."""
    secrets = {secret for secret in _secrets(data, secret=False) if _LOOKS_SECRET.fullmatch(secret)}
    # Of two that begin alike the longer one first.
    found = re.compile("|".join(map(re.escape, sorted(secrets, reverse=True))) or "(?!)")

    def clean(text: str) -> str:
        return _UNSEEN.sub("\ufffd", found.sub(HIDDEN, text))

    def walk(value: t.Any) -> t.Any:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, list):
            return [walk(item) for item in value]
        if isinstance(value, dict):
            return {
                clean(name): HIDDEN if _names_a_secret(name) and isinstance(item, str) and item else walk(item)
                for name, item in value.items()
            }
        return value

    return walk(data)


def _secrets(value: t.Any, *, secret: bool) -> Iterator[str]:
    """The texts under names that say that they are secrets."""
    if isinstance(value, str):
        if secret:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, secret=secret)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _secrets(item, secret=_names_a_secret(name))


def _names_a_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))
