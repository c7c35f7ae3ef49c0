# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.workshop.production_patterns.plugins.filter.content_tag import FilterModule

content_tag = FilterModule().filters()["content_tag"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "src" / "hello.c").write_text("int main(void) { return 0; }\n")
    return folder


def test_is_a_short_hexadecimal_string(folder):
    tag = content_tag(str(folder))
    assert len(tag) == 12
    assert int(tag, 16)


def test_the_same_content_elsewhere_has_the_same_tag(folder, tmp_path):
    tag = content_tag(str(folder), "debian")
    moved = folder.rename(tmp_path / "elsewhere")
    assert content_tag(str(moved), "debian") == tag


def test_who_else_may_read_or_run_a_file_does_not_count(folder):
    (folder / "Dockerfile").chmod(0o644)
    tag = content_tag(str(folder))
    (folder / "Dockerfile").chmod(0o600)
    assert content_tag(str(folder)) == tag


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "src" / "hello.c").write_text("int main(void) { return 1; }\n"),
        lambda folder: (folder / "src" / "hello.c").rename(folder / "src" / "bye.c"),
        lambda folder: (folder / "src" / "hello.c").rename(folder / "hello.c"),
        lambda folder: (folder / "src" / "empty").touch(),
        lambda folder: (folder / "src" / "hello.c").unlink(),
        lambda folder: (folder / "src" / "hello.c").chmod(0o755),
    ],
    ids=["content", "name", "folder", "added", "removed", "mode"],
)
def test_any_change_gives_another_tag(folder, change):
    before = content_tag(str(folder))
    change(folder)
    assert content_tag(str(folder)) != before


def test_what_else_decides_counts_too(folder):
    tags = {content_tag(str(folder), *extra) for extra in [(), ("",), ("a", "b"), ("ab",), ("b", "a")]}
    assert len(tags) == 5


def test_where_there_is_no_folder(tmp_path):
    with pytest.raises(AnsibleFilterError, match="There is no folder .*/missing"):
        content_tag(str(tmp_path / "missing"))
