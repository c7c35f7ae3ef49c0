# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Every task talks to the one engine, and every build may use the machine's proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted([*(ROOT / "playbooks").glob("*.yml"), *(ROOT / ".config/molecule").glob("*.yml")])
TASK_FILES = sorted((ROOT / "roles").glob("*/tasks/*.yml"))
IN_ROOT = {"ids": lambda path: str(path.relative_to(ROOT))}


def plays(path: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(path.read_text())
    return [play for play in content if "hosts" in play] if isinstance(content, list) else []


def tasks(content: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All tasks, those in blocks included."""
    for task in content:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks(task.get(part, []))


BUILDS = [
    pytest.param(task, id=f"{path.parent.parent.name}/{path.name}")
    for path in TASK_FILES
    for task in tasks(yaml.safe_load(path.read_text()) or [])
    if "community.docker.docker_image_build" in task
]


@pytest.mark.parametrize("path", [path for path in PLAYBOOKS if plays(path)], **IN_ROOT)
def test_every_play_gives_its_tasks_the_environment(path):
    assert {play.get("environment") for play in plays(path)} == {"{{ workshop_environment }}"}


@pytest.mark.parametrize("build", BUILDS)
def test_every_build_may_use_the_proxy(build):
    assert "workshop_proxy_arguments | combine(" in str(build["community.docker.docker_image_build"].get("args"))


@pytest.mark.parametrize("build", BUILDS)
def test_no_build_shows_the_password_of_a_proxy(build):
    assert build.get("no_log") == "{{ workshop_proxy_is_secret }}"


def test_there_are_builds_to_look_at():
    assert len(BUILDS) >= 4
