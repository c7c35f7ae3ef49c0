# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import os
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
    (folder / "latest").symlink_to("nowhere")
    return folder


def replace_link_by_file(folder: Path) -> None:
    (folder / "latest").unlink()
    (folder / "latest").touch()


def relink(folder: Path, target: str) -> None:
    (folder / "latest").unlink()
    (folder / "latest").symlink_to(target)


def test_it_is_a_filter():
    assert set(FilterModule().filters()) == {"content_tag"}


def test_a_newer_version_does_not_build_all_images_again(folder):
    for path, mode in {"src": 0o755, "src/hello.c": 0o644, "Dockerfile": 0o644}.items():
        (folder / path).chmod(mode)
    assert content_tag(str(folder), "debian:trixie") == "a0fa32387583"


def test_a_folder_that_cannot_be_read_is_refused(folder, monkeypatch):
    listed = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("src"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    # Those who run tests as root may read all.
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AnsibleFilterError, match=r"/src cannot be read .*\(Permission denied\)"):
        content_tag(str(folder))


def test_is_a_short_hexadecimal_string(folder):
    tag = content_tag(str(folder))
    assert len(tag) == 12
    assert int(tag, 16)


def test_the_same_content_elsewhere_has_the_same_tag(folder, tmp_path):
    tag = content_tag(str(folder), "debian")
    moved = folder.rename(tmp_path / "elsewhere")
    assert content_tag(str(moved), "debian") == tag


def test_what_no_build_keeps_does_not_count(folder):
    tag = content_tag(str(folder))
    os.utime(folder / "Dockerfile", (0, 0))
    assert content_tag(str(folder)) == tag


def test_a_link_to_the_folder_is_the_folder(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert content_tag(str(tmp_path / "link")) == content_tag(str(folder))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "src" / "hello.c").write_text("int main(void) { return 1; }\n"),
        lambda folder: (folder / "src" / "hello.c").rename(folder / "src" / "bye.c"),
        lambda folder: (folder / "src" / "hello.c").rename(folder / "hello.c"),
        lambda folder: (folder / "src" / "empty").touch(),
        lambda folder: (folder / "src" / "hello.c").unlink(),
        lambda folder: (folder / "src" / "hello.c").chmod(0o755),
        lambda folder: (folder / "src" / "hello.c").chmod(0o600),
        lambda folder: (folder / "src").chmod(0o700),
        lambda folder: (folder / "empty").mkdir(),
        lambda folder: relink(folder, "src"),
        lambda folder: (folder / "latest").unlink(),
        replace_link_by_file,
        lambda folder: (folder / os.fsdecode(b"caf\xe9")).touch(),
    ],
    ids=[
        *("content", "name", "folder", "added", "removed", "may be run", "may be read", "mode of a folder"),
        *("empty folder", "another target", "link removed", "link turned file", "a name that is not UTF-8"),
    ],
)
def test_any_change_gives_another_tag(folder, change):
    before = content_tag(str(folder))
    change(folder)
    assert content_tag(str(folder)) != before


def test_what_else_decides_counts_too(folder):
    tags = {content_tag(str(folder), *extra) for extra in [(), ("",), ("a", "b"), ("ab",), ("b", "a")]}
    assert len(tags) == 5


def test_a_name_and_a_content_are_not_mistaken_for_each_other(tmp_path):
    tags: set[str] = set()
    for name, content in [("a", "b"), ("ab", ""), ("a", "b\0file 644\0000\0")]:
        folder = tmp_path / str(len(tags))
        folder.mkdir()
        (folder / name).write_text(content)
        tags.add(content_tag(str(folder)))
    assert len(tags) == 3


def test_where_there_is_no_folder(tmp_path):
    with pytest.raises(AnsibleFilterError, match="There is no folder .*/missing"):
        content_tag(str(tmp_path / "missing"))


def test_a_file_is_no_folder(folder):
    with pytest.raises(AnsibleFilterError, match="/Dockerfile is no folder"):
        content_tag(str(folder / "Dockerfile"))


def test_what_no_build_can_copy_is_refused(folder):
    os.mkfifo(folder / "src" / "pipe")
    with pytest.raises(AnsibleFilterError, match="/src/pipe is no file, folder or link"):
        content_tag(str(folder))


def test_what_cannot_be_read_is_refused(folder, monkeypatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    # Those who run tests as root may read all.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(AnsibleFilterError, match=r"/Dockerfile cannot be read .*\(Permission denied\)"):
        content_tag(str(folder))
