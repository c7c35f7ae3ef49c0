# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The playbook that writes the pages of a report again."""

from __future__ import annotations

import json

import pytest
from reports import report
from runs import TAUGHT, Playbook


def test_the_playbook_writes_the_pages_again_and_shows_what_changed(playbook: Playbook) -> None:
    folder = playbook.folder / "workshop-report"
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps(report(TAUGHT, fallen=["logging"])))
    earlier = playbook.folder / "earlier.json"
    earlier.write_text(json.dumps(report(TAUGHT)))
    run = playbook("workshop.production_patterns.report", workshop_report_earlier=str(earlier))
    assert run.code == 0, run.output
    assert "Since the earlier run: 1 fell, 1 lesson has another status." in run.output
    assert (folder / "changes.html").is_file()
    again = playbook("workshop.production_patterns.report", workshop_report_earlier=str(earlier))
    assert "changed=0" in again.output


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "There is no nowhere/claims.json"), ("{", "is no report of a run: it is not JSON")],
)
def test_what_is_no_report_is_told_in_a_sentence(playbook: Playbook, text, said) -> None:
    if text is not None:
        (playbook.folder / "nowhere").mkdir()
        (playbook.folder / "nowhere/claims.json").write_text(text)
    run = playbook("workshop.production_patterns.report", workshop_report_dir="nowhere")
    assert run.code != 0
    assert said in " ".join(run.output.split())
    assert "Traceback" not in run.output
