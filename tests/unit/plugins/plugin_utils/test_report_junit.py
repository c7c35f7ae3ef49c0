# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET

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
