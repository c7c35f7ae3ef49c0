# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules import go_toolchain

NAME = "v0.0.1-go1.99.0.linux-amd64"
PREFIX = f"golang.org/toolchain@{NAME}/"
FILES = {"bin/go": b"#!/bin/sh\necho go1.99.0\n", "pkg/tool/linux-amd64/link": b"linker", "VERSION": b"go1.99.0"}
# Made with sha256sum and base64 from the files' own sums, not by the code that is tested.
PINNED = "h1:Zl8OxqM0gWeD+KUv+qMlPhq+cZDEpn57HbfO1dNTeLM="


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The folder of the archives on the proxy, with the toolchain in it."""
    folder = tmp_path / "served/golang.org/toolchain/@v"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"{NAME}.zip", "w") as archive:
        for name, content in FILES.items():
            archive.writestr(PREFIX + name, content)
    return folder


@pytest.fixture
def proxy(tmp_path: Path, served: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a module proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def installed(tmp_path: Path, proxy: str) -> Path:
    path = tmp_path / "cache/go"
    path.parent.mkdir()
    go_toolchain.install(path, NAME, PINNED, proxy)
    return path


def test_the_checksum_is_that_of_gos_module_archives_in_whatever_order_the_files_come() -> None:
    files = ((PREFIX + name, io.BytesIO(content)) for name, content in reversed(FILES.items()))
    assert go_toolchain.checksum(files) == PINNED


def test_what_is_installed_is_whole_runs_and_is_all_that_is_left(installed: Path) -> None:
    assert go_toolchain.is_whole(installed, PREFIX, PINNED)
    assert os.access(installed / "pkg/tool/linux-amd64/link", os.X_OK)
    assert not os.access(installed / "VERSION", os.X_OK)
    assert list(installed.parent.iterdir()) == [installed]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: (path / "pkg/tool/linux-amd64/link").write_bytes(b"lin"),
        lambda path: (path / "VERSION").unlink(),
        lambda path: (path / "bin/more").touch(),
        lambda path: (path / "bin/go").chmod(0o644),
        lambda path: (path / "bin/nowhere").symlink_to("/nowhere"),
    ],
    ids=["cut short", "missing", "one more", "can't be run", "broken link"],
)
def test_a_damaged_toolchain_is_seen_and_replaced(installed: Path, proxy: str, harm: Callable[[Path], None]) -> None:
    harm(installed)
    assert not go_toolchain.is_whole(installed, PREFIX, PINNED)
    go_toolchain.install(installed, NAME, PINNED, proxy)
    assert go_toolchain.is_whole(installed, PREFIX, PINNED)


def test_an_archive_with_another_checksum_is_not_installed(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(Problem, match="has the checksum h1:.+, not h1:other"):
        go_toolchain.install(tmp_path / "go", NAME, "h1:other", proxy)
    assert not (tmp_path / "go").exists()


def test_an_archive_that_broke_off_is_not_installed(tmp_path: Path, served: Path, proxy: str) -> None:
    archive = served / f"{NAME}.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(Problem, match="is no archive"):
        go_toolchain.install(tmp_path / "go", NAME, PINNED, proxy)
    assert [path.name for path in tmp_path.iterdir()] == ["served"]


@pytest.mark.parametrize("before", ["{proxy}/other,", "http://127.0.0.1:9|", "{proxy}/other|"])
def test_the_next_proxy_is_asked_as_go_would(tmp_path: Path, proxy: str, before: str) -> None:
    go_toolchain.install(tmp_path / "go", NAME, PINNED, before.format(proxy=proxy) + proxy)
    assert go_toolchain.is_whole(tmp_path / "go", PREFIX, PINNED)


def test_after_a_comma_only_not_found_lets_the_next_proxy_be_asked(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(Problem, match="can't be downloaded .*Connection refused"):
        go_toolchain.install(tmp_path / "go", NAME, PINNED, f"http://127.0.0.1:9,{proxy}")


def test_nothing_is_downloaded_where_goproxy_is_off(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="GOPROXY is off"):
        go_toolchain.install(tmp_path / "go", NAME, PINNED, "off")


def test_direct_is_the_go_projects_own_site() -> None:
    assert list(go_toolchain.addresses("https://a.example/go/,direct|off,https://b.example")) == [
        ("https://a.example/go", False),
        ("https://go.dev/dl/mod", True),
    ]


def test_a_password_is_in_no_message(tmp_path: Path, proxy: str) -> None:
    address = proxy.replace("//", "//me:secret@") + "/other"
    with pytest.raises(Problem) as problem:
        go_toolchain.install(tmp_path / "go", NAME, PINNED, address)
    assert "secret" not in str(problem.value)
    assert go_toolchain.passwords(address) == {"secret"}
