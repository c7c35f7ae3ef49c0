# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A claim fails when its workload is swapped for the opposite one, so that a claim which holds says something."""

from __future__ import annotations

import typing as t

import pytest
from runs import ROOT, TAUGHT

OPPOSITES: list[tuple[str, dict[str, t.Any], str, str]] = [
    (
        'build_and_runtime',
        {'build_and_runtime_antipattern': 'multi-stage'},
        'antipattern',
        'An image built in a single stage ships a C compiler and the source',
    ),
    (
        'build_and_runtime',
        {'build_and_runtime_pattern': 'single-stage', 'build_and_runtime_times_larger': 0},
        'pattern',
        'The image of a multi-stage build has neither compiler nor source',
    ),
    (
        'zombies_and_orphans',
        {'zombies_and_orphans_antipattern_command': ['dumb-init', '--', 'sleep', '10000']},
        'antipattern',
        'A process without a handler for SIGTERM ignores it as PID 1',
    ),
    (
        'zombies_and_orphans',
        {'zombies_and_orphans_pattern_command': ['sleep', '10000']},
        'pattern',
        'With dumb-init as PID 1 SIGTERM ends the same program at once',
    ),
    (
        'pod_quotas',
        {'pod_quotas_memory_limit': '200Mi', 'pod_quotas_timeout_seconds': 15},
        'pattern',
        'With a limit the kernel kills the program',
    ),
]


@pytest.fixture
def cleaned(playbook):
    """Names whose lessons are to be removed after the test, by what was set for them."""
    runs: list[dict[str, t.Any]] = []
    yield runs
    for variables in runs:
        run = playbook(str(ROOT / 'playbooks/clean.yml'), **variables)
        assert run.code == 0, run.output


def test_every_lesson_has_an_opposite():
    assert {lesson for lesson, _opposite, _shows, _sentence in OPPOSITES} == set(TAUGHT)


@pytest.mark.parametrize(('lesson', 'opposite', 'shows', 'sentence'), OPPOSITES)
def test_a_claim_fails_on_the_opposite(playbook, lab, cleaned, lesson, opposite, shows, sentence):
    variables = {'workshop_lessons': [lesson], 'workshop_namespace_prefix': 'opposite-', **opposite}
    cleaned.append(variables)
    run = playbook(str(ROOT / 'playbooks/lessons.yml'), **variables)
    assert run.code != 0
    assert run.statuses == {lesson: 'failed'}
    failed = [claim for claim in run.claims if not claim['holds']]
    assert [(claim['shows'], claim['claim'][: len(sentence)]) for claim in failed] == [(shows, sentence)], run.output
