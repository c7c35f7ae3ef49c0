# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Every command of a lesson's page runs right after the lesson, and prints what the page says.

One short page is tried; with --every-page those of all lessons.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
import typing as t
import uuid
from pathlib import Path

import pages
import pytest
from runs import ROOT, TAUGHT, Playbook

SHORT = "failing_jobs"
SECONDS = 150
"""How long a command may take."""
WATCHED_SECONDS = 8
"""How long one runs that does not end by itself."""
# The test need not have a kubectl of its own. What does not end is ended in the node, where a signal does not get to.
KUBECTL = """#!/bin/sh
exec docker exec -i workshop-control-plane timeout --foreground "${MAY_TAKE:?}" \\
  kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"
"""
ENDED_BY_TIMEOUT = 124
ENDED_BY_PIPE = 128 + signal.SIGPIPE
KINDS = "pods,jobs,deployments,replicasets,services,configmaps,secrets"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page_of" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-page")
        metafunc.parametrize("page_of", TAUGHT if every else [SHORT])


class Shell:
    """One bash, in which each command of a page runs after the other."""

    def __init__(self, folder: Path, path: Path) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "MAY_TAKE": str(SECONDS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._say("shopt -s expand_aliases; set -o pipefail")

    def _say(self, line: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()

    def run(self, command: str) -> tuple[list[str], int]:
        """What a command prints, and its exit code.

        :raises TimeoutError: If it takes too long, and everything that it started is ended.
        """
        assert self._bash.stdout
        end = f"ended-{uuid.uuid4()}"
        late = threading.Timer(SECONDS, os.killpg, [self._bash.pid, signal.SIGKILL])
        late.start()
        try:
            self._say(f"eval {shlex.quote(command)} < /dev/null; printf '\\n%s %s\\n' {end} $?")
            printed: list[str] = []
            for line in self._bash.stdout:
                if line.startswith(end):
                    return "".join(printed).splitlines(), int(line.split()[1])
                printed.append(line)
        finally:
            late.cancel()
        raise TimeoutError(f"After {SECONDS} s, or with its shell, this has ended: {command}\n{''.join(printed)}")

    def close(self) -> None:
        assert self._bash.stdin
        assert self._bash.stdout
        if self._bash.poll() is None:
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()
        self._bash.stdin.close()
        self._bash.stdout.close()


@pytest.fixture
def shell(page_of: str, tmp_path: Path) -> t.Iterator[Shell]:
    path = tmp_path / "bin"
    path.mkdir()
    kubectl = path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    shell = Shell(ROOT / "roles" / page_of, path)
    yield shell
    shell.close()


def told(command: list[str]) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def standing(lesson: str) -> list[str]:
    """What there is on the engine, in the namespaces of a lesson and in the folder of its role."""
    node = ["docker", "exec", "workshop-control-plane", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    ours = f"workshop-{lesson.replace('_', '-')}"
    spaces = [name for name in told([*node, "get", "namespaces", "-o", "name"]) if name.split("/")[1].startswith(ours)]
    found = told(["docker", "ps", "--all", "--format", "container {{.Names}}"])
    found += told(["docker", "image", "ls", "--format", "image {{.Repository}}:{{.Tag}}"])
    for space in spaces:
        names = told([*node, "--namespace", space.split("/")[1], "get", KINDS, "-o", "name"])
        # A ReplicaSet of its own for each roll-out is the way of a Deployment.
        found += {f"{space} {pages.without_random(name)}" for name in names if not name.startswith("replicaset")}
    found += [str(path) for path in (ROOT / "roles" / lesson).rglob("*")]
    # Others may be at work on the same engine.
    return sorted(one for one in found if not re.search(r"localhost:\d+/|workshop/|near-miss|interrupted|<none>", one))


def assert_can_be_run(playbook_command: str) -> None:
    """What a page has a playbook do is there: the playbook, and the lessons."""
    words = shlex.split(playbook_command)
    assert (ROOT / words[1]).is_file(), playbook_command
    lessons = [word.split("=")[1] for word in words if word.startswith("workshop_lessons=")]
    assert lessons and set(",".join(lessons).split(",")) <= set(TAUGHT), playbook_command


def wrong(step: pages.Step, shell: Shell) -> str | None:
    """What is wrong with a step, None if it is as the page says."""
    if step.command.startswith("ansible-playbook "):
        assert_can_be_run(step.command)
        return None
    watches = "--watch" in shlex.split(step.command)
    command = f"MAY_TAKE={WATCHED_SECONDS} {step.command}" if watches else step.command
    printed, code = shell.run(command)
    if step.command.startswith("export KUBECONFIG="):
        _nothing, code = shell.run('test -f "$KUBECONFIG"')
    as_it_should = (
        code in (0, ENDED_BY_PIPE) or pages.may_fail_with(code, step) or (watches and code == ENDED_BY_TIMEOUT)
    )
    said = pages.difference(step.output, printed)
    if not as_it_should:
        return f"$ {step.command}\nIt ends with {code}, and the page does not say so. {said or printed}"
    return f"$ {step.command}\n{said}" if said else None


def test_a_page_is_true_right_after_its_lesson(
    lab: None, playbook: Playbook, page_of: str, shell: Shell, record_property: t.Callable[[str, object], None]
) -> None:
    steps = pages.steps((ROOT / "roles" / page_of / "README.md").read_text())
    # As on the first day: nothing is left of what was done to an earlier one.
    for name in ("clean", "lessons"):
        run = playbook(str(ROOT / f"playbooks/{name}.yml"), workshop_lessons=page_of)
        assert run.code == 0, run.output
    before = standing(page_of)
    mistakes = [mistake for step in steps if (mistake := wrong(step, shell))]
    after = standing(page_of)
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), workshop_lessons=page_of)
    record_property("commands", len(steps))
    assert not mistakes, "\n\n".join(mistakes)
    assert after == before
    assert cleaned.code == 0, cleaned.output
