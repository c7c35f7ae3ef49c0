# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Bad input gets one sentence that names the thing and what to do, before anything is changed."""

from __future__ import annotations

import re
import socket
import typing as t
from pathlib import Path

import pytest
import yaml
from runs import ROOT, TAUGHT, Playbook

PREFLIGHT = str(ROOT / 'playbooks/preflight.yml')


def refusal(playbook: Playbook, **variables: t.Any) -> str:
    """What the one failed task of a refused run says."""
    run = playbook(PREFLIGHT, **variables)
    assert run.code == 2, run.output
    assert 'changed=0' in run.output
    said = re.search(r'Action failed: (.*)', run.output) or re.search(r'\[ERROR\]: (.*)', run.output)
    assert said, run.output
    return said[1]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """A kubeconfig with one context, of a cluster that is not there."""
    content = {
        'apiVersion': 'v1',
        'kind': 'Config',
        'clusters': [{'name': 'gone', 'cluster': {'server': 'http://127.0.0.1:9'}}],
        'users': [{'name': 'nobody', 'user': {}}],
        'contexts': [{'name': 'gone', 'context': {'cluster': 'gone', 'user': 'nobody'}}],
    }
    path = tmp_path / 'kubeconfig'
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.fixture
def busy_port() -> t.Iterator[int]:
    """A port that somebody listens on who is no registry of ours."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield server.getsockname()[1]


def test_an_unknown_lesson(playbook):
    said = refusal(playbook, workshop_lessons='pod_quotas,pod_quota')
    assert said.startswith(f'There is no lesson pod_quota: workshop_lessons takes {TAUGHT[0]}')


def test_an_unknown_lesson_in_a_list(playbook):
    assert 'no lesson sidecars' in refusal(playbook, workshop_lessons=['sidecars'])


def test_no_lesson(playbook):
    assert 'names no lesson' in refusal(playbook, workshop_lessons='')


@pytest.mark.parametrize(
    ('name', 'sibling'),
    [
        ('workshop_lesson', 'workshop_lessons'),
        ('lab_cluster_worker', 'lab_cluster_workers'),
        ('pod_quotas_memory_limits', 'pod_quotas_memory_limit'),
    ],
)
def test_an_unknown_variable(playbook, name, sibling):
    said = refusal(playbook, **{name: '1'})
    assert said.startswith(f'Nothing reads the variable {name}:')
    assert sibling in said


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('workshop_registry_port', 'five thousand'),
        ('workshop_lab', 'perhaps'),
        ('lab_cluster_workers', 'two'),
        ('pod_quotas_watch_seconds', 'long'),
    ],
)
def test_a_wrong_type(playbook, name, value):
    said = refusal(playbook, **{name: value})
    assert name in said
    assert value in said


def test_a_figure_that_came_as_text(playbook):
    said = refusal(playbook, pod_quotas_watch_seconds='7')
    assert said.startswith('pod_quotas_watch_seconds came as text')
    assert """-e '{"pod_quotas_watch_seconds": 7}'""" in said


@pytest.mark.parametrize('prefix', ['Workshop-', 'work_shop-', '-workshop-', 'work.shop-'])
def test_a_prefix_that_makes_no_legal_name(playbook, prefix):
    assert f"{prefix}{TAUGHT[0].replace('_', '-')}" in refusal(playbook, workshop_namespace_prefix=prefix)


def test_a_prefix_that_is_too_long(playbook):
    assert 'longer than the 63 characters' in refusal(playbook, workshop_namespace_prefix='w' * 60)


def test_a_port_in_use(playbook, busy_port):
    said = refusal(playbook, workshop_registry_port=busy_port)
    assert said.startswith(f'Port {busy_port} is in use by something other than')
    assert 'workshop_registry_port' in said


@pytest.mark.parametrize('missing', ['workshop_kubeconfig', 'workshop_context', 'workshop_registry'])
def test_a_cluster_that_is_not_wholly_named(playbook, kubeconfig, missing):
    named = {'workshop_kubeconfig': kubeconfig, 'workshop_context': 'gone', 'workshop_registry': 'localhost:9'}
    del named[missing]
    assert f'{missing} is not set' in refusal(playbook, workshop_lab=False, **named)


def test_a_kubeconfig_that_is_not_there(playbook):
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig='/nowhere/kubeconfig',
        workshop_context='gone',
        workshop_registry='localhost:9',
    )
    assert said.startswith('workshop_kubeconfig names /nowhere/kubeconfig')


def test_a_context_that_is_not_in_it(playbook, kubeconfig):
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig=kubeconfig,
        workshop_context='lost',
        workshop_registry='localhost:9',
    )
    assert f'{kubeconfig} has no context lost: workshop_context can be gone.' in said


def test_a_cluster_that_does_not_answer(playbook, kubeconfig):
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig=kubeconfig,
        workshop_context='gone',
        workshop_registry='localhost:9',
    )
    assert said.startswith('The cluster of the context gone does not answer')


def test_a_registry_that_does_not_answer(playbook, lab):
    state = Path.home() / '.local/state/workshop.production_patterns/workshop'
    said = refusal(
        playbook,
        workshop_lab=False,
        workshop_kubeconfig=str(state / 'kubeconfig'),
        workshop_context='kind-workshop',
        workshop_registry='localhost:9',
    )
    assert said.startswith('No registry answers at localhost:9')
