# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a report is made of."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.evidence import plain


@dataclass
class Claim:
    """A claim that was made."""

    lesson: str
    claim: str
    shows: str
    holds: bool
    observed: dict[str, t.Any]
    evidence: dict[str, t.Any]
    """What of it the conditions read."""
    at: str
    seconds: float
    """Since the claim before it, or since the lesson began."""
    false_conditions: list[dict[str, t.Any]] = field(default_factory=list)
    message: str | None = None
    """Why it does not hold."""

    def as_json(self) -> dict[str, t.Any]:
        return {name: value for name, value in vars(self).items() if name != "message"}


class Unmade(t.NamedTuple):
    """A claim of a lesson that was not made."""

    claim: str
    shows: str


class Place(t.NamedTuple):
    """Where in a block a task stands."""

    block: str
    section: t.Literal["block", "rescue", "always"]
    has_rescue: bool


@dataclass
class Failure:
    """A task that failed."""

    task: str
    message: str
    places: list[Place] = field(default_factory=list)
    """From the innermost block outwards."""


@dataclass
class Lesson:
    """A lesson and what became of it."""

    lesson: str
    status: t.Literal["held", "failed", "not run"] = "not run"
    seconds: float = 0.0
    started: datetime | None = None
    ended: datetime | None = None
    claims: list[Claim] = field(default_factory=list)
    skipped: list[Unmade] = field(default_factory=list)
    """Claims whose condition (`when`) was false, or that of what includes them."""
    not_reached: list[Unmade] = field(default_factory=list)
    """Claims that a failed task kept from being made."""
    failure: Failure | None = None
    """The task that ended it."""
    manifests: dict[str, str] = field(default_factory=dict)
    """What it applied, by the names that the files can have."""

    @property
    def fallen(self) -> list[Claim]:
        """The claims that do not hold."""
        return [claim for claim in self.claims if not claim.holds]

    @property
    def outside(self) -> Failure | None:
        """The failure that ended it, unless it says nothing but which claims fell."""
        if self.failure is None:
            return None
        message = self.failure.message
        said = bool(self.fallen) and all(claim.claim in message for claim in self.fallen)
        return None if said else self.failure

    @property
    def message(self) -> str | None:
        """The first sentence that says why it failed."""
        of_claims = [claim.message for claim in self.fallen if claim.message is not None]
        return next(iter(of_claims), self.failure.message if self.failure else None)

    def as_json(self) -> dict[str, t.Any]:
        return {
            "lesson": self.lesson,
            "status": self.status,
            "seconds": self.seconds,
            "started": iso(self.started),
            "ended": iso(self.ended),
            "claims": len(self.claims),
            "fallen": [claim.claim for claim in self.fallen],
            "skipped": [claim.claim for claim in self.skipped],
            "not_reached": [claim.claim for claim in self.not_reached],
            "message": self.message,
            "manifests": self.manifests,
        }


@dataclass
class Report:
    """A run and its lessons, in the order taught."""

    started: datetime
    finished: datetime
    versions: dict[str, t.Any]
    lessons: list[Lesson]
    claims: list[Claim]
    """In the order in which they were made."""

    @property
    def seconds(self) -> float:
        return round((self.finished - self.started).total_seconds(), 3)

    def as_json(self) -> str:
        """The text of claims.json."""
        report = {
            "run": {
                "started": iso(self.started),
                "finished": iso(self.finished),
                "seconds": self.seconds,
                "versions": self.versions,
            },
            "lessons": [lesson.as_json() for lesson in self.lessons],
            "claims": [claim.as_json() for claim in self.claims],
        }
        return json.dumps(plain(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def iso(time: datetime | None) -> str | None:
    """A time in ISO 8601, UTC."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds")


def replace(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
