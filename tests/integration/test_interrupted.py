# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A run that is ended half-way, in whatever way, leaves nothing that keeps the next one from holding.

Two moments are tried, one for each way; with --every-moment the middle of every lesson and of every role of the lab.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from runs import KUBECTL, ROOT, TAUGHT, Playbook

WAYS = [signal.SIGINT, signal.SIGKILL]
LAB_ROLES = ["lab_engine", "lab_tools", "lab_base_images", "lab_registry", "lab_node_image", "lab_cluster"]


class Moment(t.NamedTuple):
    """A task of a role, a second after it has begun."""

    role: str
    task: str
    way: signal.Signals

    @property
    def name(self) -> str:
        return f"{self.role}-{self.way.name}"


def middle(role: str, file: str) -> str:
    """The name of the task in the middle of a file of tasks, with … for each template in it."""
    tasks = yaml.safe_load((ROOT / "roles" / role / "tasks" / file).read_text())
    words = re.split(r"{{.*?}}", tasks[len(tasks) // 2]["name"])
    return "…".join(words)


def moments(roles: list[str], file: str) -> list[Moment]:
    """The middle of each role, ended by Ctrl-C and by a kill in turns."""
    return [Moment(role, middle(role, file), WAYS[number % 2]) for number, role in enumerate(roles)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--every-moment")
    for fixture, tried in {
        "moment": moments(TAUGHT, "verify.yml")[: None if every else len(WAYS)],
        "moment_of_lab": moments(LAB_ROLES, "main.yml") if every else [],
    }.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, tried, ids=[one.name for one in tried])


def end_at(moment: Moment, folder: Path, playbook: str, variables: dict[str, t.Any]) -> None:
    """Run a playbook until this moment, and end it as somebody at a terminal does, or as a machine short of memory."""
    run = subprocess.Popen(
        ["ansible-playbook", ROOT / "playbooks" / playbook, "--extra-vars", json.dumps(variables)],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_FORCE_COLOR": "false",
        },
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout
    begins = re.compile(rf"TASK \[(.* : )?{re.escape(moment.task).replace('…', '.*')}\]")
    said = []
    for line in run.stdout:
        said.append(line)
        if begins.match(line):
            break
    else:
        pytest.fail("".join(said))
    # Into the task, not before it.
    time.sleep(1)
    assert run.poll() is None
    if moment.way is signal.SIGINT:
        os.killpg(run.pid, moment.way)
    else:
        # Its workers are left to themselves, which is harder on the next run than if all of it ended.
        run.send_signal(moment.way)
    run.wait(timeout=60)
    assert run.returncode != 0


def test_a_lesson_that_was_interrupted_holds_the_next_time(
    lab: None, playbook: Playbook, moment: Moment, record_property: t.Callable[[str, object], None]
) -> None:
    record_property("moment", f"{moment.way.name} at {moment.role}: {moment.task}")
    variables = {"workshop_lessons": moment.role, "workshop_namespace_prefix": "interrupted-"}
    end_at(moment, playbook.folder, "lessons.yml", variables)
    begun = time.monotonic()
    run = playbook(str(ROOT / "playbooks/lessons.yml"), **variables)
    record_property("seconds", round(time.monotonic() - begun))
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), **variables)
    assert run.code == 0, run.output
    assert run.statuses == {moment.role: "held"}
    assert cleaned.code == 0, cleaned.output
    # What an interrupted run has left goes with what the next one made.
    left = subprocess.run([*KUBECTL, "get", "namespaces", "-o", "name"], check=True, capture_output=True, text=True)
    assert "namespace/interrupted-" not in left.stdout
    ours = ["docker", "ps", "--all", "--quiet", "--filter", "label=workshop.production-patterns/namespace"]
    containers = subprocess.run(ours, check=True, capture_output=True, text=True).stdout.split()
    assert not [one for one in containers if "interrupted-" in inspect(one)]


def inspect(container: str) -> str:
    """The name of a container."""
    command = ["docker", "container", "inspect", "--format", "{{.Name}}", container]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_lab_that_was_interrupted_comes_up_the_next_time(
    lab: None,
    playbook: Playbook,
    moment_of_lab: Moment,
    tmp_path: Path,
    record_property: t.Callable[[str, object], None],
) -> None:
    record_property("moment", f"{moment_of_lab.way.name} at {moment_of_lab.role}: {moment_of_lab.task}")
    variables = {
        "workshop_lab_name": "workshop-interrupted",
        "workshop_registry_port": 5003,
        "workshop_state_dir": str(tmp_path / "state"),
    }
    end_at(moment_of_lab, playbook.folder, "lab.yml", variables)
    begun = time.monotonic()
    run = playbook(str(ROOT / "playbooks/all.yml"), **variables, workshop_lessons="direct_pods")
    record_property("seconds", round(time.monotonic() - begun))
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), **variables, workshop_lessons=[], workshop_clean_lab=True)
    assert run.code == 0, run.output
    assert run.statuses == {"direct_pods": "held"}
    assert cleaned.code == 0, cleaned.output
