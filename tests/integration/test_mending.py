# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A second lab is broken in every way that a run may meet, and the next run mends it.

It also serves as a cluster that somebody else brought.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import typing as t
import urllib.request
from pathlib import Path

import pytest
from runs import ROOT, Playbook, Run

NAME = 'workshop-mend'
NODE = f'{NAME}-control-plane'
PORT = 5002
LAB = {'workshop_lab_name': NAME, 'workshop_registry_port': PORT}
STATE = Path.home() / '.local/state/workshop.production_patterns' / NAME
KUBECTL = ['docker', 'exec', NODE, 'kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf']
PLAYBOOKS = ROOT / 'playbooks'


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def cluster_id() -> str:
    return output(*KUBECTL, 'get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')


def assert_whole() -> None:
    nodes = json.loads(output(*KUBECTL, 'get', 'nodes', '-o', 'json'))['items']
    conditions = [{item['type']: item['status'] for item in node['status']['conditions']} for node in nodes]
    assert [condition['Ready'] for condition in conditions] == ['True']
    with urllib.request.urlopen(f'http://127.0.0.1:{PORT}/v2/workshop/busybox/tags/list', timeout=5) as answer:
        assert json.load(answer)['tags']
    assert (STATE / 'kubeconfig').stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope='module')
def bring_up(lab: None, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[[], Run]]:
    """Runs the playbook of the second lab, and must succeed. The lab goes after the last test."""
    for image in 'debian', 'busybox':
        subprocess.run(
            ['docker', 'tag', f'localhost:5001/workshop/{image}:trixie', f'localhost:{PORT}/workshop/{image}:trixie'],
            check=True,
        )
    playbook = Playbook(tmp_path_factory.mktemp('mending'))

    def run() -> Run:
        run = playbook(str(PLAYBOOKS / 'lab.yml'), **LAB)
        assert run.code == 0, run.output
        return run

    run()
    assert_whole()
    yield run
    playbook(str(PLAYBOOKS / 'clean.yml'), **LAB, workshop_lessons=[], workshop_clean_lab=True)


def test_a_whole_lab_is_left_as_it_is(bring_up):
    before = cluster_id()
    assert re.findall(r'changed=(\d+)', bring_up().output) == ['0']
    assert cluster_id() == before


def test_a_killed_node_is_started_again(bring_up):
    before = cluster_id()
    output('docker', 'kill', NODE)
    bring_up()
    assert_whole()
    assert cluster_id() == before


def test_a_registry_that_is_gone_comes_back_with_its_images(bring_up):
    output('docker', 'rm', '--force', f'{NAME}-registry')
    bring_up()
    assert_whole()


def test_a_run_that_was_killed_half_way_is_made_good(bring_up):
    output('docker', 'rm', '--force', '--volumes', NODE)
    half = subprocess.Popen(
        ['ansible-playbook', PLAYBOOKS / 'lab.yml', '--extra-vars', json.dumps(LAB)],
        env={**os.environ, 'ANSIBLE_CONFIG': str(ROOT / 'ansible.cfg')},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while NODE not in output('docker', 'ps', '--format', '{{.Names}}').split():
        assert time.monotonic() < deadline
        assert half.poll() is None
        time.sleep(0.5)
    os.killpg(half.pid, signal.SIGKILL)
    half.wait()

    bring_up()
    assert_whole()


def test_a_cluster_that_somebody_brought_serves_as_well(bring_up, playbook):
    run = playbook(
        str(PLAYBOOKS / 'all.yml'),
        workshop_lab=False,
        workshop_kubeconfig=str(STATE / 'kubeconfig'),
        workshop_context=f'kind-{NAME}',
        workshop_registry=f'localhost:{PORT}',
        workshop_namespace_prefix='brought-',
        workshop_lessons='pod_quotas',
    )
    assert run.code == 0, run.output
    assert run.statuses == {'pod_quotas': 'held'}
    namespaces = output(*KUBECTL, 'get', 'namespaces', '-o', 'name').split()
    assert 'namespace/brought-pod-quotas' in namespaces


def test_the_loss_of_a_worker_loses_the_pod_that_nobody_owns(bring_up, playbook):
    workers = {**LAB, 'lab_cluster_workers': 2}
    run = playbook(str(PLAYBOOKS / 'all.yml'), **workers, workshop_lessons='direct_pods', direct_pods_watch_seconds=1)
    assert run.code == 0, run.output
    shown = [claim['claim'] for claim in run.claims]
    assert any(sentence.startswith('A pod that nobody owns is lost with its node') for sentence in shown), shown
    assert any(sentence.startswith("The Deployment's pod is replaced on another node") for sentence in shown), shown


def test_a_removed_lab_leaves_nothing_but_the_cache(bring_up, playbook):
    run = playbook(str(PLAYBOOKS / 'clean.yml'), **LAB, workshop_lessons=[], workshop_clean_lab=True)
    assert run.code == 0, run.output
    assert str(Path.home() / '.cache/workshop.production_patterns') in run.output
    for kind in ['ps', '--all'], ['volume', 'ls'], ['network', 'ls']:
        assert not output('docker', *kind, '--quiet', '--filter', f'name={NAME}')
    assert not STATE.exists()
