# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Runs as claims.json tells of them, with what a test is about."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import reading


def lesson_of(name: str, status: str = "held", **fields: t.Any) -> dict[str, t.Any]:
    return {
        "lesson": name,
        "status": status,
        "seconds": 12.5,
        "started": "2026-01-31T12:00:01.000+00:00",
        "ended": "2026-01-31T12:00:13.500+00:00",
        "claims": 1,
        "fallen": [],
        "skipped": [],
        "not_reached": [],
        "message": None,
        **fields,
    }


def claim_of(lesson: str, sentence: str = "It serves", **fields: t.Any) -> dict[str, t.Any]:
    return {
        "lesson": lesson,
        "claim": sentence,
        "shows": "pattern",
        "holds": True,
        "observed": {"served": 6},
        "at": "2026-01-31T12:00:10.000+00:00",
        "seconds": 1.5,
        "false_conditions": [],
        **fields,
    }


def run_of(*lessons: dict[str, t.Any], claims: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    about = {
        "started": "2026-01-31T12:00:00.000+00:00",
        "finished": "2026-01-31T12:01:00.000+00:00",
        "seconds": 60.0,
        "versions": {"kubernetes": "v1.37.2"},
    }
    return {"run": about, "lessons": list(lessons), "claims": claims}


def requests(count: int, **fields: t.Any) -> list[dict[str, t.Any]]:
    sample = {"seconds": 0.01, "status": 200, "error": None, **fields}
    return [{"number": number, "at": 1795931128 + number * 0.05, **sample} for number in range(count)]


def lesson_with(*claims: dict[str, t.Any]) -> reading.Lesson:
    return reading.run(json.dumps(run_of(lesson_of("sidecar"), claims=list(claims)))).lessons[0]
