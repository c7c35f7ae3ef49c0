# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.junit import junit
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Failure,
    Lesson,
    Report,
    Unmade,
)


def cases(report: Report) -> dict[str | None, ET.Element]:
    return {case.get("name"): case for case in ET.fromstring(junit(report)).iter("testcase")}


def test_each_claim_is_a_case_and_each_kind_of_end_has_its_element(claim, report) -> None:
    lesson = Lesson(
        "sidecar",
        "failed",
        claims=[claim("A"), claim("B", holds=False)],
        failure=Failure("Look", "no pod"),
        not_reached=[Unmade("C", "antipattern")],
        skipped=[Unmade("D", "pattern")],
    )
    told = report(lesson)
    found = {
        name: [(child.tag, child.get("message")) for child in case if child.get("message")]
        for name, case in cases(told).items()
    }
    assert found == {
        "A": [],
        "B": [("failure", '"B" does not hold.')],
        "Look": [("error", "no pod")],
        "C": [("skipped", "not reached")],
        "D": [("skipped", "skipped")],
    }
    suite = ET.fromstring(junit(told)).find("testsuite")
    assert suite is not None
    assert [suite.get(count) for count in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "2"]
    shows = cases(told)["C"].find("properties/property")
    assert shows is not None
    assert shows.get("value") == "antipattern"


def test_a_lesson_that_did_not_run_is_one_skipped_case(report) -> None:
    skipped = cases(report(Lesson("sidecar")))["sidecar"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not run"


def test_any_text_and_any_number_is_taken(claim, report) -> None:
    lesson = Lesson(
        "logging", "held", claims=[claim("bell \x07 <&>", observed={"text": "\ufffe", "seconds": math.nan})]
    )
    case = cases(report(lesson))["bell \ufffd <&>"]
    assert json.loads(case.findtext("system-out") or "") == {"text": "\ufffd", "seconds": "NaN"}


def test_the_whole_of_a_report(claim, report) -> None:
    started = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)
    lesson = Lesson("sidecar", "held", seconds=2.5, started=started, claims=[claim("Fünf", observed={"wörter": "ä"})])
    assert junit(report(lesson, Lesson("logging"))) == (
        """<testsuites name="workshop.production_patterns" time="60.0" tests="2" failures="0" errors="0" skipped="1">
  <testsuite name="sidecar" timestamp="2026-01-31T12:00:05.000+00:00" time="2.5" """
        """tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="workshop.production_patterns.sidecar" name="Fünf" time="1.5">
      <properties>
        <property name="shows" value="pattern" />
      </properties>
      <system-out>{"wörter": "ä"}</system-out>
    </testcase>
  </testsuite>
  <testsuite name="logging" timestamp="2026-01-31T12:00:00.000+00:00" time="0.0" """
        """tests="1" failures="0" errors="0" skipped="1">
    <testcase classname="workshop.production_patterns.logging" name="logging" time="0">
      <skipped message="not run" />
    </testcase>
  </testsuite>
</testsuites>
"""
    )


def test_what_was_not_made_took_no_time_and_a_fall_without_a_sentence_has_one(claim, report) -> None:
    fallen = claim("A", holds=False)
    fallen.message = None
    found = cases(report(Lesson("sidecar", "failed", claims=[fallen], not_reached=[Unmade("B", "pattern")])))
    failure = found["A"].find("failure")
    assert failure is not None
    assert failure.get("message") == "It does not hold."
    assert found["B"].get("time") == "0"
