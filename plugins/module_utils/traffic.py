# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict


class Sample(TypedDict):
    number: int
    at: float
    seconds: float
    status: int
    error: str | None
    body: str | None


class Percentiles(TypedDict):
    min: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Group(TypedDict):
    """Requests that have something in common: how many, when they began and ended, and how long they took."""

    requests: int
    first_at: float | None
    last_at: float | None
    first_ended_at: float | None
    last_ended_at: float | None
    seconds: Percentiles


class Row(Group):
    """Requests in a row, none missing between them, that were all answered alike."""

    status: int | None
    body: str | None


@dataclass(frozen=True)
class Log:
    """The samples of a log by the time at which the requests began, and what is wrong with it."""

    samples: list[Sample]
    # The requests that ended from this time on have a line, when none was rotated away since.
    begins: float | None
    cut_lines: int


@dataclass(frozen=True)
class Gap:
    """So many requests, from this number on, that have no line and began after this time."""

    number: int
    requests: int
    after: float


class Summary(TypedDict):
    samples: list[Sample]
    requests: int
    failed_requests: int
    failed_by: dict[str, int]
    statuses: dict[str, int]
    failures: Group
    outcomes: dict[str, Group]
    answers: dict[str, Group]
    in_a_row: Row
    longest_outage_seconds: float
    seconds: Percentiles
    successful_seconds: Percentiles
    began_within_seconds: float
    requests_per_second: float | None


# No client waits longer for an answer, so whatever began before has ended or was lost.
UNDER_WAY_SECONDS: Final = 60.0


def _sample(line: str) -> Sample:
    """The sample that a line is; ValueError, TypeError or KeyError for one that is none."""
    said: Any = json.loads(line)
    at, seconds, error = float(said["at"]), float(said["seconds"]), said["error"]
    if not (math.isfinite(at) and math.isfinite(seconds)) or not (error is None or isinstance(error, str)):
        raise ValueError
    return {
        "number": int(said["number"]),
        "at": at,
        "seconds": seconds,
        "status": int(said["status"]),
        "error": error,
        "body": said.get("body"),
    }


def _end(sample: Sample) -> float:
    return sample["at"] + sample["seconds"]


def parse(log: str) -> Log:
    """The samples in the log of a traffic client.

    Lines that are none are passed over; those that were one, and were cut or mixed with another, are counted.
    """
    samples: list[Sample] = []
    cut_lines = 0
    for line in filter(None, map(str.strip, log.splitlines())):
        try:
            samples.append(_sample(line))
        except json.JSONDecodeError:
            cut_lines += line.startswith("{") or line.endswith("}")
        except (ValueError, TypeError, KeyError):
            continue
    return Log(sorted(samples, key=lambda sample: sample["at"]), _end(samples[0]) if samples else None, cut_lines)


def restarted(restarts: int, started_at: float | None, since: float | None) -> str | None:
    """What is wrong when the time asked for began before the last start of the client, which alone the log is of."""
    # The cluster cuts the time of the start to whole seconds.
    if restarts and (since is None or started_at is None or since < started_at + 1):
        at = "" if started_at is None else f" at {started_at}"
        return (
            f"is of a client that was restarted ({restarts} in all), and lacks what it did before its last start{at}: "
            "see why it ended, or ask for a later time with since."
        )
    return None


def two_clients(log: Log) -> str | None:
    """What is wrong when a number occurs twice, so that nobody can say which are missing."""
    twice = [number for number, times in Counter(sample["number"] for sample in log.samples).items() if times > 1]
    if twice:
        return (
            f"has more than one request with the number {min(twice)}: the client was started again in its container, "
            "or two write to the log. Use a container for each, or a new pod."
        )
    return None


def rotated(log: Log, since: float | None) -> str | None:
    """What is wrong when the log no longer holds all that is asked for, because the kubelet has rotated it."""
    first = min((sample["number"] for sample in log.samples), default=0)
    if first > 0 and (since is None or log.begins is None or since < log.begins):
        return (
            f"begins with the number {first}, so it has been rotated and lacks its first samples: use a client for a "
            "shorter time or at a lower rate, or ask for a later time with since."
        )
    return None


def gaps(log: Log, since: float | None, until: float | None) -> list[Gap]:
    """Where numbers are missing among the requests of this time."""
    first, last = _bounds(since, until)
    by_number = sorted(log.samples, key=lambda sample: sample["number"])
    return [
        Gap(before["number"] + 1, after["number"] - before["number"] - 1, before["at"])
        for before, after in zip(by_number, by_number[1:], strict=False)
        if after["number"] > before["number"] + 1 and after["at"] >= first and before["at"] <= last
    ]


def lost(found: Sequence[Gap], log: Log, ended: bool) -> str | None:
    """What is wrong when requests without a line can not be under way any more, since the client is past them."""
    newest = max(map(_end, log.samples), default=0.0)
    for gap in found:
        if ended or newest - gap.after > UNDER_WAY_SECONDS:
            return (
                f"lacks {gap.requests} of its requests, from the number {gap.number} on, and they are not under way: "
                "ask for another time with since and until, or use a new client."
            )
    return None


def _bounds(since: float | None, until: float | None) -> tuple[float, float]:
    return -math.inf if since is None else since, math.inf if until is None else until


def between(samples: Iterable[Sample], since: float | None, until: float | None) -> list[Sample]:
    """The samples of the requests that began in this time."""
    first, last = _bounds(since, until)
    return [sample for sample in samples if first <= sample["at"] <= last]


def failed(sample: Sample) -> bool:
    """Whether a request had an error, or a status other than 2xx and 3xx."""
    return sample["error"] is not None or not 200 <= sample["status"] < 400


def outcome(sample: Sample) -> str:
    """What became of a request: its error, or else its status."""
    return sample["error"] or str(sample["status"])


def longest_outage(samples: Iterable[Sample]) -> float:
    """The longest time from the beginning of the first failed request to that of the next successful one.

    Where no other succeeds, it lasts until the last of the failed requests ended.
    """
    longest, began, seen = 0.0, None, 0.0
    for sample in samples:
        if failed(sample):
            if began is None:
                began = sample["at"]
            seen = max(seen, sample["at"] + sample["seconds"])
        elif began is not None:
            longest, began = max(longest, sample["at"] - began), None
    return longest if began is None else max(longest, seen - began)


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The smallest of the values which so many percent of them do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def percentiles(samples: Iterable[Sample]) -> Percentiles:
    """How many seconds the requests took."""
    ordered = sorted(sample["seconds"] for sample in samples)
    return {
        "min": ordered[0] if ordered else None,
        "p50": percentile(ordered, 50),
        "p95": percentile(ordered, 95),
        "p99": percentile(ordered, 99),
        "max": ordered[-1] if ordered else None,
    }


def per_second(samples: Sequence[Sample]) -> float | None:
    """How many requests began in a second, from the first to the last; None where there is no such time."""
    if len(samples) < 2:
        return None
    lasted = samples[-1]["at"] - samples[0]["at"]
    return round((len(samples) - 1) / lasted, 3) if lasted > 0 else None


def group(samples: Sequence[Sample]) -> Group:
    """How many they are, ordered by time, when they began and ended, and how long they took."""
    ends = [round(sample["at"] + sample["seconds"], 6) for sample in samples]
    return {
        "requests": len(samples),
        "first_at": samples[0]["at"] if samples else None,
        "last_at": samples[-1]["at"] if samples else None,
        "first_ended_at": min(ends, default=None),
        "last_ended_at": max(ends, default=None),
        "seconds": percentiles(samples),
    }


def grouped(samples: Iterable[Sample], key: Callable[[Sample], str]) -> dict[str, Group]:
    """The samples, ordered by time, by what they have in common; what came first is first."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(key(sample), []).append(sample)
    return {name: group(members) for name, members in found.items()}


def in_a_row(samples: Iterable[Sample]) -> Row:
    """The last requests that were all answered like the last of them; none where that one failed or one is missing."""
    row: list[Sample] = []
    for sample in sorted(samples, key=lambda one: one["number"], reverse=True):
        if failed(sample) or (
            row
            and (sample["number"], sample["status"], sample["body"])
            != (row[-1]["number"] - 1, row[-1]["status"], row[-1]["body"])
        ):
            break
        row.append(sample)
    status, body = (row[0]["status"], row[0]["body"]) if row else (None, None)
    return {**group(row[::-1]), "status": status, "body": None if body is None else body.strip()}


def summary(samples: list[Sample]) -> Summary:
    """What the samples, ordered by time, amount to."""
    failures = [sample for sample in samples if failed(sample)]
    answered = [sample for sample in samples if not failed(sample)]
    return {
        "samples": samples,
        "requests": len(samples),
        "failed_requests": len(failures),
        "failed_by": dict(sorted(Counter(map(outcome, failures)).items())),
        "statuses": dict(sorted(Counter(str(sample["status"]) for sample in samples).items())),
        "failures": group(failures),
        "outcomes": grouped(samples, outcome),
        "answers": grouped(
            (sample for sample in answered if sample["body"] is not None), lambda sample: (sample["body"] or "").strip()
        ),
        "in_a_row": in_a_row(samples),
        "longest_outage_seconds": round(longest_outage(samples), 3),
        "seconds": percentiles(samples),
        "successful_seconds": percentiles(answered),
        "began_within_seconds": round(samples[-1]["at"] - samples[0]["at"], 3) if samples else 0.0,
        "requests_per_second": per_second(samples),
    }
