# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.workshop.production_patterns.plugins.action import report_pages


def draw(check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    """What the action returns."""
    task = SimpleNamespace(args=arguments, async_val=0, check_mode=check_mode, action="report_pages")
    loader = DataLoader()
    action = report_pages.ActionModule(task, mock.MagicMock(), mock.MagicMock(), loader, Templar(loader, {}))
    returned: dict[str, Any] = action.run(task_vars={})
    return returned


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """The claims.json of a run whose lesson held."""
    lesson = {
        "lesson": "logging",
        "status": "held",
        "seconds": 12.5,
        "started": "2026-01-31T12:00:01.000+00:00",
        "ended": "2026-01-31T12:00:13.500+00:00",
        "claims": 1,
        "fallen": [],
        "skipped": [],
        "not_reached": [],
        "message": None,
    }
    claim = {
        "lesson": "logging",
        "claim": "It logs",
        "shows": "pattern",
        "holds": True,
        "observed": {"lines": 6},
        "at": "2026-01-31T12:00:10.000+00:00",
        "seconds": 1.5,
        "false_conditions": [],
    }
    run = {
        "started": "2026-01-31T12:00:00.000+00:00",
        "finished": "2026-01-31T12:01:00.000+00:00",
        "seconds": 60.0,
        "versions": {},
    }
    path = tmp_path / "run" / "claims.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"run": run, "lessons": [lesson], "claims": [claim]}))
    return path


def test_pages_are_written_beside_the_claims(claims):
    said = draw(claims=str(claims))
    assert said["changed"] is True
    assert said["index"] == str(claims.parent / "index.html")
    assert said["files"] == ["index.html", "logging.html"]
    assert (claims.parent / "index.html").is_file()
    assert said["missing"] == []
    assert "changes" not in said
    again = draw(claims=str(claims))
    assert (again["changed"], again["files"]) == (False, [])


def test_pages_are_written_to_the_folder_that_is_named(claims, tmp_path):
    said = draw(claims=str(claims), folder=str(tmp_path / "pages"))
    assert said["index"] == str(tmp_path / "pages" / "index.html")
    assert not (claims.parent / "index.html").exists()


def test_check_mode_writes_nothing_and_says_what_it_would(claims):
    said = draw(check_mode=True, claims=str(claims))
    assert said["changed"] is True
    assert [path.name for path in claims.parent.iterdir()] == ["claims.json"]


def test_an_earlier_run_is_compared_with(claims, tmp_path):
    earlier = tmp_path / "earlier.json"
    earlier.write_text(claims.read_text().replace('"holds": true', '"holds": false'))
    assert draw(claims=str(claims), earlier=str(earlier))["changes"]


@pytest.mark.parametrize("name", ["claims", "earlier"])
def test_what_is_no_report_is_one_sentence(claims, tmp_path, name):
    said = draw(**{"claims": str(claims), name: str(tmp_path / "gone.json")})
    assert said["failed"] is True
    assert "gone.json" in said["msg"]
    assert not (claims.parent / "index.html").exists()


def test_a_folder_that_cannot_be_written(claims, tmp_path):
    (tmp_path / "taken").write_text("")
    said = draw(claims=str(claims), folder=str(tmp_path / "taken"))
    assert said["failed"] is True
    assert said["msg"].startswith("The pages can't be written: ")


@pytest.mark.parametrize("arguments", [{}, {"claims": "/a", "page": "/b"}])
def test_what_it_does_not_know_is_refused(arguments):
    with pytest.raises(Exception, match="claims|page"):
        draw(**arguments)
