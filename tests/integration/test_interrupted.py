# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A run that is ended half-way, in whatever way, leaves nothing that keeps the next one from holding.

Two moments are tried, one for each way; with --every-moment the middle of every lesson and of every role of the lab.
What the lab stands on is taken away while a lesson runs then, too.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from runs import KUBECTL, ROOT, TAUGHT, Playbook, begin_until

WAYS = [signal.SIGINT, signal.SIGKILL]
SECOND_LAB = "workshop-interrupted"
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
    tasks = list(flat(yaml.safe_load((ROOT / "roles" / role / "tasks" / file).read_text())))
    words = re.split(r"{{.*?}}", tasks[len(tasks) // 2]["name"])
    return "…".join(words)


def flat(tasks: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    """The tasks, with those of a block in its place. What only follows a failure is left out."""
    for task in tasks:
        yield from flat(task["block"]) if "block" in task else [task]


def moments(roles: list[str], file: str) -> list[Moment]:
    """The middle of each role, ended by Ctrl-C and by a kill in turns."""
    return [Moment(role, middle(role, file), WAYS[number % 2]) for number, role in enumerate(roles)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--every-moment")
    for fixture, tried in {
        "moment": moments(TAUGHT, "verify.yml")[: None if every else len(WAYS)],
        "moment_of_lab": moments(LAB_ROLES, "main.yml") if every else [],
        "take_away": [stop_the_registry, remove_the_node, end_the_engine] if every else [],
    }.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, tried, ids=lambda one: getattr(one, "__name__", None) or one.name)


def end_at(moment: Moment, folder: Path, playbook: str, variables: dict[str, t.Any]) -> None:
    """Run a playbook until this moment, and end it as somebody at a terminal does, or as a machine short of memory."""
    run = begin_until(moment.role, moment.task, folder, playbook, variables)
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


def stop_the_registry() -> None:
    subprocess.run(["docker", "stop", f"{SECOND_LAB}-registry"], check=True, capture_output=True)


def remove_the_node() -> None:
    subprocess.run(["docker", "rm", "--force", f"{SECOND_LAB}-control-plane"], check=True, capture_output=True)


def end_the_engine() -> None:
    """All its containers end with it, those of the lab of the other tests too."""
    os.kill(int(Path("/var/run/docker.pid").read_text()), signal.SIGTERM)


@pytest.fixture
def second_lab(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "workshop_lab_name": SECOND_LAB,
        "workshop_registry_port": 5003,
        "workshop_state_dir": str(tmp_path / "state"),
    }


def test_a_lab_that_was_interrupted_comes_up_the_next_time(
    lab: None,
    playbook: Playbook,
    moment_of_lab: Moment,
    second_lab: dict[str, t.Any],
    record_property: t.Callable[[str, object], None],
) -> None:
    record_property("moment", f"{moment_of_lab.way.name} at {moment_of_lab.role}: {moment_of_lab.task}")
    end_at(moment_of_lab, playbook.folder, "lab.yml", second_lab)
    assert_comes_up(playbook, second_lab, "direct_pods", record_property)


def test_a_lesson_whose_lab_was_taken_away_holds_the_next_time(
    lab: None,
    playbook: Playbook,
    take_away: t.Callable[[], None],
    second_lab: dict[str, t.Any],
    record_property: t.Callable[[str, object], None],
) -> None:
    task = middle("latest_tag", "verify.yml")
    record_property("moment", f"{take_away.__name__.replace('_', ' ')} at latest_tag: {task}")
    variables = {**second_lab, "workshop_lessons": "latest_tag"}
    run = begin_until("latest_tag", task, playbook.folder, "all.yml", variables)
    take_away()
    # It may hold all the same, or fail, but it ends by itself.
    run.communicate(timeout=600)
    assert_comes_up(playbook, second_lab, "latest_tag", record_property)


def assert_comes_up(
    playbook: Playbook, second_lab: dict[str, t.Any], lesson: str, record_property: t.Callable[[str, object], None]
) -> None:
    begun = time.monotonic()
    run = playbook(str(ROOT / "playbooks/all.yml"), **second_lab, workshop_lessons=lesson)
    record_property("seconds", round(time.monotonic() - begun))
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), **second_lab, workshop_lessons=[], workshop_clean_lab=True)
    assert run.code == 0, run.output
    assert run.statuses == {lesson: "held"}
    assert cleaned.code == 0, cleaned.output
