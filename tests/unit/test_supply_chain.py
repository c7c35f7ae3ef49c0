# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""What comes from elsewhere is pinned by its content, and the pins fit together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = {
    "requirements.lock": ["requirements.txt"],
    "requirements-test.lock": ["requirements.txt", "requirements-test.txt"],
}
WORKFLOW = (ROOT / ".github/workflows/test.yml").read_text()
every_lock = pytest.mark.parametrize("lock", LOCKS)


def pins(file: str) -> dict[str, str]:
    """The version of each package that a file of requirements names."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@every_lock
def test_a_lock_has_what_is_required_in_that_version(lock: str) -> None:
    for file in LOCKS[lock]:
        wanted = pins(file)
        assert wanted.items() <= pins(lock).items(), "make lock renews the locks"


@every_lock
def test_each_package_of_a_lock_has_hashes(lock: str) -> None:
    # Each begins at the start of a line, and what belongs to it is indented.
    packages = re.split(r"^(?=\w)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+==\S+", package)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", package), package.splitlines()[0]


@every_lock
def test_a_lock_names_no_server(lock: str) -> None:
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host", (ROOT / lock).read_text())


def test_the_tests_use_the_versions_that_a_run_uses() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-test.lock").items()


def test_the_page_names_the_versions_that_are_required() -> None:
    (told,) = re.findall(r"^\$ pip install (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert dict(word.split("==") for word in told.split()) == pins("requirements.txt")


def test_an_action_of_the_workflow_is_pinned_by_its_commit() -> None:
    used = re.findall(r"uses: (.+)", WORKFLOW)
    assert used
    assert not [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)]


def test_the_workflows_container_is_pinned_by_its_digest() -> None:
    (image,) = re.findall(r"image: (.+)", WORKFLOW)
    assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize("folder", ["files/programs", "files/node/kubernetes"])
def test_every_module_that_go_may_fetch_has_a_checksum(folder: str) -> None:
    replaced = set(re.findall(r"^\s*(?:replace )?(\S+) => ", (ROOT / folder / "go.mod").read_text(), re.MULTILINE))
    needed = re.findall(r"^(?:\t|require )(\S+) (v\S+)", (ROOT / folder / "go.mod").read_text(), re.MULTILINE)
    sums = (ROOT / folder / "go.sum").read_text()
    assert needed
    assert not [name for name, version in needed if name not in replaced and f"{name} {version}/go.mod h1:" not in sums]


def test_the_toolchain_is_as_new_as_what_it_builds_asks_for() -> None:
    defaults = yaml.safe_load((ROOT / "roles/lab_tools/defaults/main.yml").read_text())
    version = defaults["lab_tools_go_version"].split(".")
    for file in (ROOT / "files").rglob("go.mod"):
        (asked,) = re.findall(r"^go (\S+)$", file.read_text(), re.MULTILINE)
        assert [int(part) for part in version] >= [int(part) for part in asked.split(".")]
    assert all(re.fullmatch(r"h1:\S{43}=", checksum) for checksum in defaults["lab_tools_go_checksums"].values())
