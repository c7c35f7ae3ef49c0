# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Every command of a lesson's page runs right after the lesson, and prints what the page says.

One short page is tried; with --every-page those of all lessons.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import typing as t
from pathlib import Path

import pages
import pytest
from runs import KUBECTL, ROOT, TAUGHT, Playbook

SHORT = "direct_pods"
# The test need not have a kubectl of its own. What does not end is ended in the node, where a signal does not get to.
KUBECTL_OF_THE_PAGE = """#!/bin/sh
exec docker exec -i workshop-control-plane timeout --foreground "${MAY_TAKE:?}" \\
  kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"
"""
KINDS = "pods,jobs,deployments,services,configmaps,secrets"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page_of" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-page")
        metafunc.parametrize("page_of", TAUGHT if every else [SHORT])


@pytest.fixture
def shell(page_of: str, tmp_path: Path) -> t.Iterator[pages.Shell]:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL_OF_THE_PAGE)
    kubectl.chmod(0o755)
    with contextlib.closing(pages.Shell(ROOT / "roles" / page_of, tmp_path)) as shell:
        yield shell


def told(command: list[str]) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def standing(lesson: str) -> list[str]:
    """What there is on the engine, in the namespaces of a lesson and in the folder of its role."""
    ours = f"workshop-{lesson.replace('_', '-')}"
    spaces = [
        name for name in told([*KUBECTL, "get", "namespaces", "-o", "name"]) if name.split("/")[1].startswith(ours)
    ]
    found = told(["docker", "ps", "--all", "--format", "container {{.Names}}"])
    found += told(["docker", "image", "ls", "--format", "image {{.Repository}}:{{.Tag}}"])
    for space in spaces:
        names = told([*KUBECTL, "--namespace", space.split("/")[1], "get", KINDS, "-o", "name"])
        found += {f"{space} {pages.without_random(name)}" for name in names}
    found += [str(path) for path in (ROOT / "roles" / lesson).rglob("*")]
    # Others may be at work on the same engine.
    return sorted(one for one in found if not re.search(r"localhost:\d+/|workshop/|near-miss|interrupted|<none>", one))


def test_a_page_is_true_right_after_its_lesson(lab: None, playbook: Playbook, page_of: str, shell: pages.Shell) -> None:
    steps = pages.steps((ROOT / "roles" / page_of / "README.md").read_text())
    # As on the first day: nothing is left of what was done to an earlier one.
    for name in ("clean", "lessons"):
        run = playbook(str(ROOT / f"playbooks/{name}.yml"), workshop_lessons=page_of)
        assert run.code == 0, run.output
    before = standing(page_of)
    mistakes = [mistake for step in steps if (mistake := pages.mistake(step, shell))]
    after = standing(page_of)
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), workshop_lessons=page_of)
    assert not mistakes, "\n\n".join(mistakes)
    assert after == before
    assert cleaned.code == 0, cleaned.output
