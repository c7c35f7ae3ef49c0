# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""This checkout, and a way to run one of its playbooks and read what it reports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.workshop.production_patterns.plugins.lookup.lessons import lessons

ROOT = Path(__file__).parents[2]
TAUGHT = list(lessons(ROOT / "roles"))
# The node of the lab has one, so that nobody else needs it.
KUBECTL = ["docker", "exec", "-i", "workshop-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"]


class Run(t.NamedTuple):
    """A playbook that has ended."""

    code: int
    output: str
    report: dict[str, t.Any] | None

    @property
    def claims(self) -> list[dict[str, t.Any]]:
        assert self.report is not None, self.output
        return self.report["claims"]

    @property
    def statuses(self) -> dict[str, str]:
        assert self.report is not None, self.output
        return {lesson["lesson"]: lesson["status"] for lesson in self.report["lessons"]}


class Playbook:
    """Runs a playbook in a folder of its own, where the report appears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        name: str,
        *,
        config: Path = ROOT / "ansible.cfg",
        shown_by: str = "ansible.builtin.default",
        **variables: t.Any,
    ) -> Run:
        """Run a playbook with some extra variables.

        :param shown_by: The callback whose output it is. Most tests read Ansible's own, which tells each task.
        """
        process = subprocess.run(
            ["ansible-playbook", name, "--extra-vars", json.dumps(variables)],
            cwd=self.folder,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(config),
                "ANSIBLE_STDOUT_CALLBACK": shown_by,
                "ANSIBLE_FORCE_COLOR": "false",
                "COLUMNS": "1000",
            },
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        report = self.folder / "workshop-report" / "claims.json"
        return Run(process.returncode, process.stdout, json.loads(report.read_text()) if report.exists() else None)


def begin_until(
    role: str, task: str, folder: Path, playbook: str, variables: dict[str, t.Any]
) -> subprocess.Popen[str]:
    """Run a playbook into a task of a role."""
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
    begins = re.compile(rf"TASK \[(.*\.{role} : )?{re.escape(task).replace('…', '.*')}\]")
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
    return run
