# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""A report as JUnit XML."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.evidence import plain
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import Lesson, Report, iso

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """The text of claims.xml: a suite for each lesson, a case for each claim."""
    root = ET.Element("testsuites", name="workshop.production_patterns", time=str(report.seconds))
    for lesson in report.lessons:
        started = iso(lesson.started or report.started) or ""
        suite = ET.SubElement(root, "testsuite", name=lesson.lesson, timestamp=started, time=str(lesson.seconds))
        _cases(suite, lesson)
        _tally(suite, [suite])
    _tally(root, list(root))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _cases(suite: ET.Element, lesson: Lesson) -> None:
    for claim in lesson.claims:
        case = _case(suite, lesson, claim.claim, claim.seconds, claim.shows)
        if not claim.holds:
            ET.SubElement(case, "failure", message=_xml_text(claim.message or "It does not hold."))
        observed = json.dumps(plain(claim.observed), ensure_ascii=False, allow_nan=False)
        ET.SubElement(case, "system-out").text = _xml_text(observed)
    if lesson.outside is not None:
        case = _case(suite, lesson, lesson.outside.task)
        ET.SubElement(case, "error", message=_xml_text(lesson.outside.message))
    for why, unmade in ("not reached", lesson.not_reached), ("skipped", lesson.skipped):
        for missing in unmade:
            ET.SubElement(_case(suite, lesson, missing.claim, 0, missing.shows), "skipped", message=why)
    if not len(suite):
        ET.SubElement(_case(suite, lesson, lesson.lesson), "skipped", message=lesson.status)


def _case(suite: ET.Element, lesson: Lesson, name: str, seconds: float = 0, shows: str | None = None) -> ET.Element:
    classname = f"workshop.production_patterns.{lesson.lesson}"
    case = ET.SubElement(suite, "testcase", classname=classname, name=_xml_text(name), time=str(seconds))
    if shows is not None:
        ET.SubElement(ET.SubElement(case, "properties"), "property", name="shows", value=shows)
    return case


def _tally(element: ET.Element, suites: list[ET.Element]) -> None:
    for attribute, path in {
        "tests": "testcase",
        "failures": "testcase/failure",
        "errors": "testcase/error",
        "skipped": "testcase/skipped",
    }.items():
        element.set(attribute, str(sum(len(suite.findall(path)) for suite in suites)))


def _xml_text(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
