# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Claims and lessons to make reports of."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import Claim, Lesson, Report

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def claim() -> Callable[..., Claim]:
    def make(sentence: str = "It serves", *, holds: bool = True, **fields: t.Any) -> Claim:
        values: dict[str, t.Any] = {"lesson": "sidecar", "shows": "pattern", "observed": {"served": 6}, **fields}
        values.setdefault("evidence", values["observed"])
        message = None if holds else f'"{sentence}" does not hold.'
        return Claim(claim=sentence, holds=holds, at=AT.isoformat(), seconds=1.5, message=message, **values)

    return make


@pytest.fixture
def report() -> Callable[..., Report]:
    def make(*lessons: Lesson) -> Report:
        claims = [claim for lesson in lessons for claim in lesson.claims]
        return Report(AT, AT.replace(minute=1), {"python": "3.11"}, list(lessons), claims)

    return make
