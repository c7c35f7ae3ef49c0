# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import io
import tarfile

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.images import (
    TEXT_LIMIT_BYTES,
    contents,
    layers,
    text,
)


def chunks(*members: tuple[str, str, int, bytes]) -> list[bytes]:
    """A tar archive of (path, kind, mode, content or target) in small pieces, as an engine sends it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, kind, mode, content in members:
            member = tarfile.TarInfo(path)
            member.mode = mode
            if kind == "link":
                member.type, member.linkname = tarfile.SYMTYPE, content.decode()
            elif kind == "dir":
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    whole = buffer.getvalue()
    return [whole[at : at + 700] for at in range(0, len(whole), 700)]


GCC = (
    ("usr/bin/gcc", "link", 0o777, b"gcc-14"),
    ("usr/bin/x86_64-linux-gnu-gcc-14", "file", 0o755, b"ELF"),
    ("usr/lib/gcc/x86_64-linux-gnu/14/cc1", "file", 0o755, b"ELF"),
    ("usr/libexec/gcc/x86_64-linux-gnu/14/cc1plus", "file", 0o755, b"ELF"),
    ("usr/local/go/bin/go", "file", 0o755, b"ELF"),
)
NO_COMPILERS = (
    ("usr/share/doc/gcc", "link", 0o777, b"gcc-14-base"),
    ("usr/share/bash-completion/completions/gcc", "file", 0o644, b"complete"),
    ("usr/lib/gcc", "dir", 0o755, b""),
    ("usr/bin/gcc-ar-14", "file", 0o755, b"ELF"),
    ("usr/bin/x86_64-linux-gnu-gcc-nm-14", "file", 0o755, b"ELF"),
    ("usr/bin/gofmt", "file", 0o755, b"ELF"),
)


def test_compilers_under_all_their_names():
    assert contents(chunks(*GCC))["compilers"] == sorted(f"/{path}" for path, _kind, _mode, _content in GCC)


@pytest.mark.parametrize("member", NO_COMPILERS, ids=lambda member: member[0])
def test_what_only_looks_like_a_compiler(member):
    assert contents(chunks(member))["compilers"] == []


def test_package_managers_and_shells():
    held = contents(
        chunks(
            ("usr/bin/apt-get", "file", 0o755, b"ELF"),
            ("usr/bin/pip3.11", "file", 0o755, b"#!"),
            ("etc/cron.daily/dpkg", "file", 0o755, b"#!"),
            ("bin/sh", "link", 0o777, b"busybox"),
            ("bin/busybox", "file", 0o755, b"ELF"),
            ("etc/bash", "file", 0o644, b""),
        )
    )
    assert held["package_managers"] == ["/usr/bin/apt-get", "/usr/bin/pip3.11"]
    assert held["shells"] == ["/bin/busybox", "/bin/sh"]


def test_sources_are_those_of_the_user():
    held = contents(
        chunks(
            ("src/hello.c", "file", 0o644, b"int main"),
            ("usr/src/app/main.go", "file", 0o644, b"package main"),
            ("usr/local/go/src/fmt/print.go", "file", 0o644, b"package fmt"),
            ("usr/share/doc/example.c", "file", 0o644, b""),
            ("src/readme.md", "file", 0o644, b""),
        )
    )
    assert held["sources"] == ["/src/hello.c", "/usr/src/app/main.go"]


def test_entries_leave_out_directories_and_what_the_engine_adds():
    added = ((".dockerenv", "file", 0o755, b""), ("etc/hosts", "file", 0o755, b""), ("etc", "dir", 0o755, b""))
    assert contents(chunks(("hello", "file", 0o755, b"ELF"), *added))["entries"] == 1


def test_a_hosts_file_of_the_image_counts():
    assert contents(chunks(("etc/hosts", "file", 0o644, b"127.0.0.1 localhost")))["entries"] == 1


def test_text():
    assert text(chunks(("hello.c", "file", 0o644, "é".encode()))) == "é"
    assert text(chunks(("empty", "file", 0o644, b""))) == ""
    assert text(chunks(("src", "dir", 0o755, b""))) is None
    assert len(text(chunks(("big", "file", 0o644, b"x" * (TEXT_LIMIT_BYTES + 1))))) == TEXT_LIMIT_BYTES


# As `docker history` of the classic builder gives it: the last step first.
CLASSIC = [
    {"CreatedBy": '/bin/sh -c #(nop)  CMD ["/hello"]', "Size": 0},
    {"CreatedBy": "/bin/sh -c #(nop) WORKDIR /work", "Size": 0},
    {"CreatedBy": "/bin/sh -c #(nop)  ENV PASSWORD=secret", "Size": 0},
    {"CreatedBy": "/bin/sh -c #(nop) COPY file:73e2 in /hello ", "Size": 16384},
]
BUILDKIT = [
    {"CreatedBy": 'ENTRYPOINT ["/hello"]', "Size": 0},
    {"CreatedBy": "RUN /bin/sh -c true # buildkit", "Size": 0},
    {"CreatedBy": "COPY hello /hello # buildkit", "Size": 16384},
]


@pytest.mark.parametrize(
    ("history", "expected"),
    [(CLASSIC, ["sha256:a", None, "sha256:b", None]), (BUILDKIT, ["sha256:a", "sha256:b", None])],
)
def test_layers_get_their_digests(history, expected):
    steps = layers(history, ["sha256:a", "sha256:b"])
    assert [step["digest"] for step in steps] == expected
    assert steps[0]["size_bytes"] == 16384


def test_digests_that_cannot_be_placed_are_left_out():
    assert {step["digest"] for step in layers(CLASSIC, ["sha256:a"])} == {None}
