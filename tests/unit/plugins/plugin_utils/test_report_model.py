# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Failure,
    Lesson,
    Unmade,
    iso,
    replace,
)


def test_the_keys_of_a_claim(claim) -> None:
    assert list(claim().as_json()) == [
        "lesson",
        "claim",
        "shows",
        "holds",
        "observed",
        "evidence",
        "at",
        "seconds",
        "false_conditions",
    ]


def test_a_lesson_in_json(claim) -> None:
    at = datetime(2026, 1, 31, 12, 0, 1, 500, tzinfo=UTC)
    lesson = Lesson(
        "sidecar",
        "failed",
        seconds=2.5,
        started=at,
        ended=at.replace(second=3),
        claims=[claim("A"), claim("B", holds=False), claim("C", holds=False)],
        skipped=[Unmade("D", "pattern")],
        not_reached=[Unmade("E", "antipattern")],
        failure=Failure("Look", "no pod"),
        manifests={"pod.yml": "kind: Pod"},
    )
    assert lesson.as_json() == {
        "lesson": "sidecar",
        "status": "failed",
        "seconds": 2.5,
        "started": "2026-01-31T12:00:01.000+00:00",
        "ended": "2026-01-31T12:00:03.000+00:00",
        "claims": 3,
        "fallen": ["B", "C"],
        "skipped": ["D"],
        "not_reached": ["E"],
        "message": '"B" does not hold.',
        "manifests": {"pod.yml": "kind: Pod"},
    }


def test_a_lesson_that_did_not_run_has_no_times() -> None:
    assert (Lesson("sidecar").as_json()["started"], Lesson("sidecar").as_json()["ended"]) == (None, None)


def test_a_failure_that_only_names_what_fell_is_not_told_twice(claim) -> None:
    fallen = [claim("A", holds=False), claim("B", holds=False)]
    assert Lesson("sidecar", claims=fallen, failure=Failure("End", "2 claims fell: A; B")).outside is None
    elsewhere = Failure("Look", "no pod")
    assert Lesson("sidecar", claims=fallen, failure=elsewhere).outside is elsewhere
    one_of_them = Failure("Look", "A")
    assert Lesson("sidecar", claims=fallen, failure=one_of_them).outside is one_of_them
    assert Lesson("sidecar", claims=[claim("A")], failure=elsewhere).outside is elsewhere


def test_what_json_does_not_know_makes_no_invalid_file(claim, report) -> None:
    observed = {"seconds": math.nan, "samples": [1.5, math.inf], "at": datetime(2026, 1, 31, tzinfo=UTC)}
    text = report(Lesson("sidecar", "held", claims=[claim(observed=observed)])).as_json()

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    written = json.loads(text, parse_constant=refuse)["claims"][0]["observed"]
    assert written == {"seconds": "NaN", "samples": [1.5, "Infinity"], "at": "2026-01-31 00:00:00+00:00"}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        replace(path, object())  # type: ignore[arg-type]
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("claims.json", "old")]
    replace(path, "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("claims.json", "new")]


def test_what_cannot_be_encoded_is_written_as_its_number(tmp_path: Path) -> None:
    replace(tmp_path / "page", "caf\udce9 ü")
    assert (tmp_path / "page").read_bytes() == "caf\\udce9 ü".encode()


def test_a_report_in_json(claim, report) -> None:
    made = report(Lesson("sidecar", "held", claims=[claim("Fünf")]))
    text = made.as_json()
    told = json.loads(text)
    assert list(told) == ["run", "lessons", "claims"]
    assert told["run"] == {
        "started": "2026-01-31T12:00:00.000+00:00",
        "finished": "2026-01-31T12:01:00.000+00:00",
        "seconds": 60.0,
        "versions": {"python": "3.11"},
    }
    assert [lesson["lesson"] for lesson in told["lessons"]] == ["sidecar"]
    # As people read it.
    assert text.startswith('{\n  "run": {\n    "started": ')
    assert text.endswith("}\n")
    assert '"Fünf"' in text


def test_times_are_those_of_utc_wherever_the_run_was(monkeypatch) -> None:
    with monkeypatch.context() as place:
        place.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert iso(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00.000+00:00"
    time.tzset()
