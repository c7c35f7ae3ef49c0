# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Measures the workshop on this machine and prints one table.

A lab of its own, workshop-bench, is made and removed for it. Each figure is the median over the repetitions.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAYBOOKS = ROOT / 'playbooks'
NAME = 'workshop-bench'
NODE = f'{NAME}-control-plane'
PORT = 5003
LAB = {'workshop_lab_name': NAME, 'workshop_registry_port': PORT}
STATE = Path.home() / '.local/state/workshop.production_patterns' / NAME
CACHE = Path.home() / '.cache/workshop.production_patterns'
# What a plain script with docker and kubectl takes for the thirteen lessons, one after the other.
WALKED_SECONDS = 531
STAGES = 'lab_engine', 'lab_base_images', 'lab_registry', 'lab_node_image', 'lab_tools', 'lab_cluster'


class Row(t.NamedTuple):
    """One line of the table."""

    what: str
    values: list[float]
    unit: str
    goal: str = ''

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def playbook(name: str, folder: Path, *arguments: str, **variables: t.Any) -> tuple[float, str]:
    """Run a playbook, and give its seconds and what it printed."""
    started = time.monotonic()
    process = subprocess.run(
        ['ansible-playbook', PLAYBOOKS / name, *arguments, '--extra-vars', json.dumps({**LAB, **variables})],
        cwd=folder,
        env={
            **os.environ,
            'ANSIBLE_CONFIG': str(ROOT / 'ansible.cfg'),
            'ANSIBLE_CALLBACKS_ENABLED': 'ansible.posix.profile_tasks',
            'PROFILE_TASKS_TASK_OUTPUT_LIMIT': 'all',
            'PROFILE_TASKS_SORT_ORDER': 'none',
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.returncode:
        sys.exit(f'{name} failed:\n{process.stdout}')
    return time.monotonic() - started, process.stdout


def stages(output: str) -> dict[str, float]:
    """The seconds that the tasks of each lab role took, from the closing table of profile_tasks."""
    seconds: dict[str, float] = {}
    for role, taken in re.findall(r'^workshop\.production_patterns\.(\w+) : .* -+ ([0-9.]+)s$', output, re.MULTILINE):
        seconds[role] = seconds.get(role, 0) + float(taken)
    return seconds


def output(*command: str | Path, **environment: str) -> str:
    process = subprocess.run(
        command,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return process.stdout.strip()


def clean(folder: Path) -> None:
    playbook('clean.yml', folder, workshop_lessons=[], workshop_clean_lab=True)


def plain_kind(folder: Path, image: str) -> float:
    """The seconds of kind alone with the same node image and configuration, until CoreDNS serves."""
    kind = max(CACHE.glob('bin/kind-*/kind'))
    kubeconfig = folder / 'plain-kubeconfig'
    started = time.monotonic()
    arguments = ['--name', NAME, '--image', image, '--config', STATE / 'kind.yml']
    environment = {'KUBECONFIG': str(kubeconfig), 'KIND_EXPERIMENTAL_DOCKER_NETWORK': NAME}
    output(kind, 'create', 'cluster', *arguments, **environment)
    kubectl = ['docker', 'exec', NODE, 'kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf']
    wait = ['rollout', 'status', 'deployment/coredns', '--timeout=180s']
    output(*kubectl, '--namespace', 'kube-system', *wait)
    seconds = time.monotonic() - started
    output(kind, 'delete', 'cluster', '--name', NAME, **environment)
    return seconds


def megabytes() -> float:
    """The memory of node and registry, as docker stats counts it."""
    factors = {'KiB': 1024, 'MiB': 1024**2, 'GiB': 1024**3, 'B': 1}
    usage = output('docker', 'stats', '--no-stream', '--format', '{{.MemUsage}}', NODE, f'{NAME}-registry')
    found = re.findall(r'^([0-9.]+)(\w+) /', usage, re.MULTILINE)
    return sum(float(value) * factors[unit] for value, unit in found) / 1e6


def watched(claims: list[dict[str, t.Any]]) -> float:
    """The seconds that a lesson says it had to wait or watch, from what its claims observed."""
    values = [value for claim in claims for name, value in claim['observed'].items() if name == 'watched_seconds']
    return float(sum(value for value in values if isinstance(value, int | float)))


def measure(repeat: int, folder: Path) -> list[Row]:
    rows: dict[str, Row] = {}

    def note(what: str, value: float, unit: str = 's', goal: str = '') -> None:
        rows.setdefault(what, Row(what, [], unit, goal)).values.append(value)

    for number in range(repeat):
        print(f'measuring, {number + 1} of {repeat} ...', file=sys.stderr)
        clean(folder)
        seconds, printed = playbook('lab.yml', folder)
        by_stage = stages(printed)
        note('lab from nothing but the cached node image', seconds)
        for stage in STAGES:
            note(f'  of it {stage}', by_stage.get(stage, 0))

        image = output('docker', 'container', 'inspect', '--format', '{{.Config.Image}}', NODE)
        time.sleep(30)
        note('memory of the idle lab, node and registry', megabytes(), 'MB', 'under 700')
        note('lab again, nothing to do', playbook('lab.yml', folder)[0])

        # The images are built and pulled before anything is compared.
        playbook('lessons.yml', folder)
        together, _printed = playbook('lessons.yml', folder)
        note('memory of the lab after all lessons', megabytes(), 'MB', 'under 2000')
        one_by_one, _printed = playbook('lessons.yml', folder, '--forks', '1')
        report = json.loads((folder / 'workshop-report/claims.json').read_text())
        longest = max(lesson['seconds'] for lesson in report['lessons'])
        note('all lessons, side by side', together)
        note('  times the longest alone', together / longest, '', 'at most 1.3')
        note('  times the sum walked by a script', together / WALKED_SECONDS, '', 'at most 0.30')
        note('all lessons, one by one', one_by_one)
        for lesson in report['lessons']:
            name = lesson['lesson']
            note(f'  {name}', lesson['seconds'])
            waits = watched([claim for claim in report['claims'] if claim['lesson'] == name])
            note(f'  {name}, watched in its claims', waits)

        output('docker', 'rm', '--force', '--volumes', NODE)
        note('kind create cluster alone, until CoreDNS serves', plain_kind(folder, image))
        note('cluster by the lab, until CoreDNS serves', playbook('lab.yml', folder)[0])
        ratio = (
            rows['cluster by the lab, until CoreDNS serves'].values[-1]
            / rows['kind create cluster alone, until CoreDNS serves'].values[-1]
        )
        note('  times kind alone', ratio, '', 'at most 1.15')
    return list(rows.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeat', type=int, default=3, help='how often everything is measured')
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The engine and the base images are there before anything is timed.
        playbook('lab.yml', folder)
        try:
            rows = measure(repeat, folder)
        finally:
            clean(folder)
    print(f'{"median of " + str(repeat):<50} {"value":>9} {"":<3} {"lowest":>9} {"highest":>9}  goal')
    for row in rows:
        low, high = min(row.values), max(row.values)
        print(f'{row.what:<50} {row.median:>9.2f} {row.unit:<3} {low:>9.2f} {high:>9.2f}  {row.goal}')


if __name__ == '__main__':
    main()
