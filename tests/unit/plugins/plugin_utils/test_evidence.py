# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import math
import typing as t
from datetime import UTC, datetime

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.evidence import evidence, plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5.12345, "value=5.123"),
        (1.23456, "value=1.235"),
        (0.0004, "value=0.0004"),
        (0.00012345, "value=0.000123"),
        (-0.0004, "value=-0.0004"),
        (0.0, "value=0.0"),
        (1234.5678, "value=1234.568"),
        ([0.0004, 2.00049], "value=[0.0004, 2.0]"),
        ({"p50": 0.00012345}, 'value={"p50": 0.000123}'),
        (math.nan, 'value="NaN"'),
        (-math.inf, 'value="-Infinity"'),
        (137, "value=137"),
        (True, "value=true"),
        ("OOMKilled", 'value="OOMKilled"'),
        ("two\nlines", r'value="two\nlines"'),
        ([1, 2], "value=[1, 2]"),
        (list(range(412)), "value=[… 412 values]"),
        ({str(number): number for number in range(50)}, "value={… 50 values}"),
        ("Größe", 'value="Größe"'),
        ("x" * 78, f'value="{"x" * 78}"'),
        ("x" * 79, f'value="{"x" * 77}…"'),
        ("x" * 200, f'value="{"x" * 77}…"'),
    ],
)
def test_evidence(value: t.Any, shown: str) -> None:
    assert evidence({"value": value}) == shown


def test_evidence_of_several_values() -> None:
    assert evidence({"a": 1, "b": None}) == "a=1, b=null"


def test_plain_values_are_what_json_knows() -> None:
    value = {
        "numbers": [1, 2.5, math.nan, math.inf, (-math.inf,)],
        "nothing": None,
        "yes": True,
        1: datetime(2026, 1, 31, tzinfo=UTC),
    }
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == {
        "numbers": [1, 2.5, "NaN", "Infinity", ["-Infinity"]],
        "nothing": None,
        "yes": True,
        "1": "2026-01-31 00:00:00+00:00",
    }
