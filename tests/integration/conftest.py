# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""What the tests share that run playbooks: a folder to run them in, and the lab."""

from __future__ import annotations

import typing as t

import pytest
from runs import ROOT, Playbook

if t.TYPE_CHECKING:
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        '--every-near-miss', action='store_true', help='Try all near misses, not as few as make each claim fall.'
    )
    parser.addoption('--near-misses-of', metavar='LESSON', help='Try the near misses of this lesson only.')


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


@pytest.fixture(scope='session')
def lab(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The lab that the lessons of the tests run in."""
    run = Playbook(tmp_path_factory.mktemp('lab'))(str(ROOT / 'playbooks/lab.yml'))
    assert run.code == 0, run.output
