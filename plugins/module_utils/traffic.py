# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


class Sample(TypedDict):
    number: int
    at: float
    seconds: float
    status: int
    error: str | None
    body: str | None


class Percentiles(TypedDict):
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Summary(TypedDict):
    samples: list[Sample]
    requests: int
    failed_requests: int
    failed_by: dict[str, int]
    statuses: dict[str, int]
    longest_outage_seconds: float
    seconds: Percentiles
    requests_per_second: float | None


def parse(log: str) -> list[Sample]:
    """The samples that the log of a traffic client holds, by the time at which the requests began.

    A line that is none, such as one that was cut when the client was killed, is passed over.
    """
    samples: list[Sample] = []
    for line in log.splitlines():
        try:
            said: Any = json.loads(line)
            samples.append(
                {
                    "number": int(said["number"]),
                    "at": float(said["at"]),
                    "seconds": float(said["seconds"]),
                    "status": int(said["status"]),
                    "error": said["error"],
                    "body": said.get("body"),
                }
            )
        except (ValueError, TypeError, KeyError):
            continue
    return sorted(samples, key=lambda sample: sample["at"])


def whole(samples: Sequence[Sample], since: float | None, client: str) -> None:
    """Raise a problem when the log no longer holds all that is asked for, because the kubelet has rotated it."""
    if not samples or min(sample["number"] for sample in samples) == 0:
        return
    if since is None or samples[0]["at"] > since:
        raise Problem(
            f"The log of {client} has been rotated and lacks its first samples: use a client for a shorter time or at "
            "a lower rate, or ask for a later time with since."
        )


def between(samples: Iterable[Sample], since: float | None, until: float | None) -> list[Sample]:
    """The samples of the requests that began in this time."""
    first = -math.inf if since is None else since
    last = math.inf if until is None else until
    return [sample for sample in samples if first <= sample["at"] <= last]


def failed(sample: Sample) -> bool:
    return sample["error"] is not None or not 200 <= sample["status"] < 400


def failure(sample: Sample) -> str:
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


def per_second(samples: Sequence[Sample]) -> float | None:
    """How many requests began in a second, from the first to the last; None where there is no such time."""
    if len(samples) < 2:
        return None
    lasted = samples[-1]["at"] - samples[0]["at"]
    return round((len(samples) - 1) / lasted, 3) if lasted > 0 else None


def summary(samples: list[Sample]) -> Summary:
    """What the samples, ordered by time, amount to."""
    failures = [sample for sample in samples if failed(sample)]
    ordered = sorted(sample["seconds"] for sample in samples)
    return {
        "samples": samples,
        "requests": len(samples),
        "failed_requests": len(failures),
        "failed_by": dict(sorted(Counter(map(failure, failures)).items())),
        "statuses": dict(sorted(Counter(str(sample["status"]) for sample in samples).items())),
        "longest_outage_seconds": round(longest_outage(samples), 3),
        "seconds": {
            "p50": percentile(ordered, 50),
            "p95": percentile(ordered, 95),
            "p99": percentile(ordered, 99),
            "max": ordered[-1] if ordered else None,
        },
        "requests_per_second": per_second(samples),
    }
