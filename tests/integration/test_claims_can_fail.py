# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A claim falls when its workload is a little wrong, so that a claim which holds says something.

As few runs are tried as make every claim fall once; with --every-near-miss all of them are.
"""

from __future__ import annotations

import functools
import itertools
import typing as t

import pytest
from near_misses import EXCUSED, NEAR_MISSES, NearMiss, claims_of, copy_with, least, plain, together
from runs import TAUGHT, Playbook, Run


def rounds(config: pytest.Config) -> list[list[NearMiss]]:
    """Lessons run side by side, so the first runs of all of them are one round, the second ones another, and so on."""
    every, only = config.getoption("--every-near-miss"), config.getoption("--near-misses-of")
    runs = [together(found) for lesson, found in NEAR_MISSES.items() if only in (None, lesson)]
    of_lessons = runs if every else [least(of_lesson) for of_lesson in runs]
    return [list(itertools.chain(*of_round)) for of_round in itertools.zip_longest(*of_lessons, fillvalue=[])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "near_miss" in metafunc.fixturenames:
        trials = [(number, one) for number, of_round in enumerate(rounds(metafunc.config)) for one in of_round]
        metafunc.parametrize(("number", "near_miss"), trials, ids=[near_miss.name for _number, near_miss in trials])


@pytest.fixture(scope="module")
def run_of_round(
    lab: None, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> t.Callable[[int], Run]:
    """Runs the lessons of a round, once. What they made goes with it."""

    @functools.cache
    def run_of(number: int) -> Run:
        near_misses = rounds(pytestconfig)[number]
        folder = tmp_path_factory.mktemp("near-misses")
        checkout, playbook = copy_with(near_misses, folder / "checkout"), Playbook(folder)
        variables = {
            "workshop_lessons": sorted({near_miss.lesson for near_miss in near_misses}),
            "workshop_namespace_prefix": "near-miss-",
            **{name: value for near_miss in near_misses for name, value in near_miss.swap.items()},
        }
        config = checkout / "ansible.cfg"
        run = playbook(str(checkout / "playbooks/lessons.yml"), config=config, **variables)
        assert run.code != 0, run.output
        cleaned = playbook(str(checkout / "playbooks/clean.yml"), config=config, **variables)
        assert cleaned.code == 0, cleaned.output
        return run

    return run_of


@pytest.mark.parametrize("lesson", TAUGHT)
def test_every_claim_has_a_near_miss_or_a_reason_why_not(lesson):
    beginnings = {plain(sentence) for near_miss in NEAR_MISSES[lesson] for sentence in near_miss.falls}
    excused = {plain(sentence) for sentence in EXCUSED[lesson]}
    claims = claims_of(lesson)
    assert claims
    for claim in claims:
        assert sum(claim.startswith(beginning) for beginning in [*beginnings, *excused]) == 1, claim
    for beginning in [*beginnings, *excused]:
        assert any(claim.startswith(beginning) for claim in claims), beginning


def test_every_change_can_be_made(tmp_path):
    for number, near_miss in enumerate(near_miss for found in NEAR_MISSES.values() for near_miss in found):
        if near_miss.changes:
            copy_with([near_miss], tmp_path / str(number))


def test_a_claim_falls_on_its_near_miss(run_of_round, number, near_miss, record_property):
    """By its own sentence, and seen where it stands. Others may fall with it, since the lesson goes on."""
    record_property("lesson", near_miss.lesson)
    record_property("near_miss", near_miss.about)
    record_property("falls", near_miss.falls)
    run = run_of_round(number)
    (lesson,) = [lesson for lesson in run.report["lessons"] if lesson["lesson"] == near_miss.lesson]
    claims = [claim for claim in run.claims if claim["lesson"] == near_miss.lesson]
    for sentence in near_miss.falls:
        fallen = [claim for claim in claims if plain(claim["claim"]).startswith(plain(sentence))]
        assert [claim["holds"] for claim in fallen] == [False], f"{sentence}\n{run.output}"
        assert fallen[0]["false_conditions"]
        assert fallen[0]["claim"] in lesson["fallen"]
        assert f'"{fallen[0]["claim"]}" does not hold' in run.output
    assert lesson["status"] == "failed"
