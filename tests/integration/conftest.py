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
        "--every-near-miss", action="store_true", help="Try all near misses, not as few as make each claim fall."
    )
    parser.addoption(
        "--every-moment",
        action="store_true",
        help="Interrupt every lesson and every role of the lab, not two; have starts fail in all, not in four.",
    )
    parser.addoption("--every-page", action="store_true", help="Run the commands of every lesson's page, not of one.")
    parser.addoption("--near-misses-of", metavar="LESSON", help="Try the near misses of this lesson only.")


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The lab that the lessons of the tests run in."""
    run = Playbook(tmp_path_factory.mktemp("lab"))(str(ROOT / "playbooks/lab.yml"))
    assert run.code == 0, run.output


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Print what was tried: near misses by claims, and interrupted runs with what became of the next one."""
    print_interruptions(terminalreporter)
    print_untouched(terminalreporter)
    print_near_misses(terminalreporter)


def print_interruptions(terminalreporter: t.Any) -> None:
    tried = [
        (outcome, dict(report.user_properties))
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and "moment" in dict(report.user_properties)
    ]
    if tried:
        terminalreporter.section("interrupted, and run again")
    for outcome, trial in tried:
        became = "every claim holds" if outcome == "passed" else "DOES NOT HOLD"
        terminalreporter.line(f"  {trial.get('seconds', '-'):>4} s  {became}  {trial['moment']}")


def print_untouched(terminalreporter: t.Any) -> None:
    for report in [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]:
        for name, before, after in dict(report.user_properties).get("untouched", []) if report.when == "call" else []:
            terminalreporter.line(f"  {before} before, {after} after: {name}")


def print_near_misses(terminalreporter: t.Any) -> None:
    tried: dict[str, dict[str, list[tuple[str, bool]]]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            trial = dict(report.user_properties)
            if report.when == "call" and "near_miss" in trial:
                for claim in trial["falls"]:
                    of_claim = tried.setdefault(trial["lesson"], {}).setdefault(claim, [])
                    of_claim.append((trial["near_miss"], outcome == "passed"))
    if not tried:
        return
    terminalreporter.section("claims by near misses")
    for lesson, claims in tried.items():
        terminalreporter.line(lesson)
        for claim, trials in claims.items():
            terminalreporter.line(f"  {claim} …")
            for about, fell in trials:
                terminalreporter.line(f"    {'falls   ' if fell else 'SURVIVES'}  {about}")
    everything = [fell for claims in tried.values() for trials in claims.values() for _about, fell in trials]
    terminalreporter.line(f"{sum(everything)} of {len(everything)} near misses make their claim fall")
