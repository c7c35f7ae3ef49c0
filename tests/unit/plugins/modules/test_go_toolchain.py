# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import io
import platform
import socket
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules import go_toolchain

NAME = "v0.0.1-go1.99.0.linux-amd64"
PREFIX = f"golang.org/toolchain@{NAME}/"
FILES = {"bin/go": b"#!/bin/sh\necho go1.99.0\n", "pkg/tool/linux-amd64/link": b"linker", "VERSION": b"go1.99.0"}
# Made with sha256sum and base64 from the files' own sums, not by the code that is tested.
PINNED = "h1:Zl8OxqM0gWeD+KUv+qMlPhq+cZDEpn57HbfO1dNTeLM="


class Proxy(SimpleHTTPRequestHandler):
    """Serves a folder; what is asked for below /broken ends half-way, and below /gone it was once."""

    def do_GET(self) -> None:
        if self.path.startswith("/gone/"):
            self.send_error(410)
        elif self.path.startswith("/broken/"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"PK\3\4half")
            self.wfile.flush()
            # Closed so, the connection is reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            super().do_GET()

    def log_message(self, *_arguments: object) -> None:
        pass


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
    handler = partial(Proxy, directory=str(tmp_path / "served"))
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
    modes = {name: (installed / name).stat().st_mode & 0o777 for name in FILES}
    assert modes["bin/go"] == modes["pkg/tool/linux-amd64/link"] == 0o755
    assert not modes["VERSION"] & 0o111
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


@pytest.mark.parametrize(
    "before", ["{proxy}/other,", "{proxy}/gone,", "http://127.0.0.1:9|", "{proxy}/other|", "{proxy}/broken| "]
)
def test_the_next_proxy_is_asked_as_go_would(tmp_path: Path, proxy: str, before: str) -> None:
    go_toolchain.install(tmp_path / "go", NAME, PINNED, before.format(proxy=proxy) + proxy)
    assert go_toolchain.is_whole(tmp_path / "go", PREFIX, PINNED)


def test_after_a_comma_only_not_found_lets_the_next_proxy_be_asked(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(Problem, match="can't be downloaded .*Connection refused"):
        go_toolchain.install(tmp_path / "go", NAME, PINNED, f"http://127.0.0.1:9,{proxy}")


@pytest.mark.parametrize("separator", [",", "|"])
def test_what_each_proxy_said_is_told(tmp_path: Path, proxy: str, separator: str) -> None:
    with pytest.raises(Problem) as problem:
        go_toolchain.install(tmp_path / "go", NAME, PINNED, f"{proxy}/a{separator}{proxy}/b/")
    assert str(problem.value).startswith(
        f"The Go toolchain {NAME} can't be downloaded ({proxy}/a: HTTP Error 404: File not found; "
        f"{proxy}/b: HTTP Error 404: File not found): set GOPROXY to a module proxy "
    )


def test_what_was_there_stays_when_another_cannot_be_had(installed: Path) -> None:
    with pytest.raises(Problem):
        go_toolchain.install(installed, NAME, PINNED, "off")
    assert go_toolchain.is_whole(installed, PREFIX, PINNED)


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
    assert go_toolchain.passwords(f"{address},direct,off") == {"secret"}


@pytest.mark.parametrize(
    ("system", "machine", "named"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Linux", "riscv64", "linux-riscv64"),
    ],
)
def test_a_machine_is_named_as_go_does(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, named: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert go_toolchain.this_platform() == named


Have = Callable[..., dict[str, Any]]


@pytest.fixture
def have(tmp_path: Path, call_module: Have, monkeypatch: pytest.MonkeyPatch) -> Have:
    """What the module says that is to have the toolchain on a machine of that platform."""
    monkeypatch.setattr(go_toolchain, "this_platform", lambda: "linux-amd64")

    def run(proxy: str, **options: Any) -> dict[str, Any]:
        known = {"version": "1.99.0", "checksums": {"linux-amd64": PINNED}, "path": str(tmp_path / "go")}
        return call_module(go_toolchain, **known, proxy=proxy, **options)

    return run


def test_the_module_has_a_toolchain_and_leaves_one_that_is_whole_alone(tmp_path: Path, proxy: str, have: Have) -> None:
    said = have(proxy)
    assert (said["changed"], said["go"]) == (True, f"{tmp_path}/go/bin/go")
    assert go_toolchain.is_whole(tmp_path / "go", PREFIX, PINNED)
    assert not have("off")["changed"]


def test_check_mode_downloads_nothing(tmp_path: Path, have: Have) -> None:
    said = have("off", _ansible_check_mode=True)
    assert (said["changed"], said["go"]) == (True, f"{tmp_path}/go/bin/go")
    assert not (tmp_path / "go").exists()


def test_a_platform_without_a_checksum_is_told(monkeypatch: pytest.MonkeyPatch, have: Have) -> None:
    monkeypatch.setattr(go_toolchain, "this_platform", lambda: "linux-riscv64")
    said = have("off")
    assert said["failed"]
    assert said["msg"] == "No checksum of Go 1.99.0 is known for linux-riscv64: install it and put it on PATH."


def test_the_module_fails_with_a_sentence_that_has_no_password(proxy: str, have: Have) -> None:
    said = have(proxy.replace("//", "//me:hunter22@") + "/other")
    assert said["failed"]
    assert said["msg"].startswith(f"The Go toolchain {NAME} can't be downloaded")
    assert "hunter22" not in str(said)
