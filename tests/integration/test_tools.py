# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The programs that are built for the lab, in a cache of their own whose name has a space in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from runs import Playbook

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: workshop.production_patterns.lab_tools
"""
CACHE = Path.home() / ".cache/workshop.production_patterns"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache without programs that shares what was downloaded and compiled."""
    cache = tmp_path / "a cache"
    cache.mkdir()
    for name in "go", "go-build":
        (CACHE / name).mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(CACHE / name)
    return cache


def kind(cache: Path) -> Path:
    (program,) = cache.glob("programs-*/kind")
    return program


def works(program: Path) -> bool:
    return subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout.startswith("kind v")


def test_a_program_that_is_not_as_it_was_built_is_built_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What somebody set for other projects has no say.
    for name, value in {"GOFLAGS": "-mod=vendor", "GOWORK": "/none", "GOSUMDB": "off", "GOARCH": "s390x"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "tools.yml").write_text(PLAY)
    run = Playbook(tmp_path)

    assert run("tools.yml", workshop_cache_dir=str(cache)).code == 0
    assert works(kind(cache))

    # Cut short, as by a full disk.
    kind(cache).write_bytes(kind(cache).read_bytes()[:1_000_000])
    assert not works(kind(cache))
    assert run("tools.yml", workshop_cache_dir=str(cache)).code == 0
    assert works(kind(cache))

    # Ended before its checksum was kept.
    kind(cache).with_name("kind.sha256").unlink()
    assert run("tools.yml", workshop_cache_dir=str(cache)).code == 0
    again = run("tools.yml", workshop_cache_dir=str(cache))
    assert " changed=0 " in again.output, again.output
