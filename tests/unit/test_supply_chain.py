# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""What comes from elsewhere is pinned by its content, and the pins fit together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {
    "requirements.lock": ["requirements.txt"],
    "requirements-test.lock": ["requirements.txt", "requirements-test.txt"],
}
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
