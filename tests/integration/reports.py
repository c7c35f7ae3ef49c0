# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Reports as runs write them, made up."""

from __future__ import annotations

import typing as t

BEGAN = 1_795_931_000


def moment(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"2026-11-29T05:{43 + int(minutes):02}:{rest:06.3f}+00:00"


def requests(count: int, lost: range) -> list[dict[str, t.Any]]:
    return [
        {
            "number": number,
            "at": BEGAN + number * 0.05,
            "seconds": 0.004,
            "status": 0 if number in lost else 200,
            "error": "refused" if number in lost else None,
            "body": None if number in lost else f"version {1 if number < lost.start else 2} of server\n",
        }
        for number in range(count)
    ]


def job(uid: str, *created: float, ended: str | None = None) -> dict[str, t.Any]:
    return {
        "uid": uid,
        "pods": len(created),
        "created_at": [BEGAN + at for at in created],
        "ended": ended and "Failed",
        "reason": ended,
        "ended_at": BEGAN + created[-1] + 5 if ended else None,
    }


def spell(state: str, at: float, seconds: float) -> dict[str, t.Any]:
    return {"state": state, "at": BEGAN + at, "seconds": seconds, "passed_requests": 3}


OBSERVED: dict[str, list[tuple[str, dict[str, t.Any]]]] = {
    "build_and_runtime": [("antipattern", {"single_stage_bytes": 524889920, "multi_stage_bytes": 79061788})],
    "pod_readiness": [
        ("antipattern", {"failed_requests": 602, "ready_at": BEGAN + 13, "samples": requests(980, range(250, 852))}),
        ("pattern", {"failed_requests": 0, "samples": requests(889, range(0))}),
    ],
    "failing_jobs": [
        ("antipattern", {"storm": job("a", *[0] * 10, *[14] * 10, *[35] * 10), "unbounded": job("b", 0, 13, 33)}),
        ("pattern", {"deadline": job("c", 0, 15, ended="DeadlineExceeded")}),
    ],
    "circuit_breaker": [
        ("antipattern", {"fastest_seconds": 30.01, "slowest_seconds": 30.08}),
        (
            "pattern",
            {
                "pages_seconds": [0.016, 0.006, 0.04],
                "spells": [spell("closed", 0, 16), spell("open", 16, 31), spell("half-open", 47, 0.002)],
            },
        ),
    ],
}


def report(names: t.Iterable[str], *, evidence: bool = True, fallen: t.Collection[str] = ()) -> dict[str, t.Any]:
    """A claims.json of those lessons, in which a claim of some fell."""
    lessons, claims = [], []
    for place, name in enumerate(names):
        for number, (shows, observed) in enumerate(OBSERVED.get(name, [("pattern", {"served": 6})])):
            holds = name not in fallen or number > 0
            claims.append(
                {
                    "lesson": name,
                    "claim": f"Claim {number + 1} of {name}, a sentence of the length that claims have at most, holds",
                    "shows": shows,
                    "holds": holds,
                    "observed": observed,
                    **({"evidence": dict(list(observed.items())[:1])} if evidence else {}),
                    "at": moment(20 + 5 * place + number),
                    "seconds": 4.5,
                    "false_conditions": [] if holds else [{"condition": "served == 7", "reason": None}],
                }
            )
        lessons.append(
            {
                "lesson": name,
                "status": "failed" if name in fallen else "held",
                "seconds": 40.0,
                "started": moment(1 + 5 * place),
                "ended": moment(41 + 5 * place),
                "skipped": [],
                "not_reached": ["It ends well"] if name in fallen else [],
                "message": '"It holds" does not hold' if name in fallen else None,
            }
        )
    about = {"started": moment(0), "finished": moment(120), "seconds": 120.0, "versions": {"kubernetes": "v1.37.2"}}
    return {"run": about, "lessons": lessons, "claims": claims}
