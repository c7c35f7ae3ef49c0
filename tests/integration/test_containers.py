# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Images and containers as strangers have them, on a real engine: each is told as it is. Unit tests have more kinds.

One playbook looks at all of them (containers/look.yml); each test reads what came of one kind.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import ROOT, Playbook

PREFIX = "workshop-strangers"
IMAGE = "localhost:5001/workshop/debian:trixie"
BUSYBOX = "localhost:5001/workshop/busybox:trixie"
CONTAINERS = Path(__file__).with_name("containers")

FILE, PROGRAM, LINK, HARD_LINK = "file", "program", "link", "hard link"
Members = list[tuple[str, str, str]]
# What each layer brings: kind, path, and text or target. No Dockerfile makes all of this, and people's tools do.
LAYERS: list[Members] = [
    [
        (PROGRAM, "usr/bin/x86_64-linux-gnu-gcc-12", "ELF"),
        (HARD_LINK, "usr/bin/c99", "usr/bin/x86_64-linux-gnu-gcc-12"),
        (LINK, "usr/bin/cc", "/etc/alternatives/cc"),
        (LINK, "etc/alternatives/cc", "/usr/bin/x86_64-linux-gnu-gcc-12"),
        (LINK, "usr/bin/clang", "clang-19"),
        (LINK, "usr/bin/tsc", "tsc"),
        (LINK, "bin", "usr/bin"),
        # It stands where the link of its own layer leads.
        (PROGRAM, "bin/ghc", "ELF"),
        (PROGRAM, "nix/store/0a1b-rustc-1.85/bin/rustc", "ELF"),
        (FILE, "usr/share/dotnet/sdk/9.0.100/Roslyn/bincore/csc.dll", "MZ"),
        (PROGRAM, "app/server-go", "ELF"),
        (FILE, "src/caf\udce9.c", "main"),
        (FILE, "data/app.ini", "volume"),
        (FILE, "etc/app.ini", "secret"),
        (LINK, "etc/current.ini", "../etc/app.ini"),
        (LINK, "lib", "usr/lib"),
    ],
    [],
    # Removed, emptied and replaced: by a file, and a program and a link by folders that the layer does not name.
    [
        (FILE, "nix/store/0a1b-rustc-1.85/bin/.wh.rustc", ""),
        (FILE, "src/.wh..wh..opq", ""),
        (FILE, "src/main.go", "package main"),
        (FILE, "etc/app.ini", "changed"),
        (FILE, "app/server-go/settings", "as a folder"),
        (FILE, "lib/plugin.c", "main"),
    ],
]
READ = ["/etc/current.ini", "/data/app.ini", "/usr/bin/clang", "/lib", "/app/server-go/settings", r"/src/caf\xe9.c"]

# How each is run: options, and its command.
RUN: dict[str, tuple[list[str], str]] = {
    "own": ([], "exec sleep 1001"),
    "joins": ([f"--pid=container:{PREFIX}-own"], "exec sleep 1002"),
    "host": (["--pid=host"], "exec sleep 1003"),
    "joins-host": ([f"--pid=container:{PREFIX}-host"], "exec sleep 1004"),
    "zombie": ([], "(sleep 0.1 & exec sleep 1005) & exec sleep 1006"),
    "folder-gone": (["--workdir=/gone"], "cd / && rmdir /gone && exec sleep 1007"),
    "odd-names": ([], r"exec -a $'a\036Name:\tb\nPid:\t3\004' sleep 1008"),
    "stays": ([], "trap 'echo noted' TERM; while :; do sleep 0.1; done"),
    "unmoved": ([], "exec sleep 1009"),
    "own-signal": (["--stop-signal=INT"], "trap 'exit 3' INT; trap 'exit 4' TERM; while :; do sleep 0.1; done"),
}
STOPPED = [
    {"name": "stays", "grace_seconds": 1},
    {"name": "unmoved", "grace_seconds": 1},
    {"name": "own-signal", "grace_seconds": 20},
    {"name": "never-started", "grace_seconds": 1},
]
LOOKED_AT = ["own", "joins", "joins-host", "zombie", "folder-gone", "odd-names", "no-shell", "never-started", "paused"]


def docker(*words: str, given: bytes | None = None, check: bool = True) -> str:
    process = subprocess.run(["docker", *words], input=given, check=check, stdout=subprocess.PIPE)
    return process.stdout.decode().strip()


def tar(members: Members) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", encoding="utf-8", errors="surrogateescape") as archive:
        for kind, path, text in members:
            member = tarfile.TarInfo(path)
            member.mode = 0o755 if kind != FILE else 0o644
            if kind in (LINK, HARD_LINK):
                member.type, member.linkname = tarfile.SYMTYPE if kind == LINK else tarfile.LNKTYPE, text
            member.size = len(text) if kind in (FILE, PROGRAM) else 0
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def load(name: str, layers: list[bytes]) -> list[str]:
    """Give the engine an image without a history, with a volume over a file, and return the digests of its layers."""
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/app"], "Volumes": {"/data/app.ini": {}}},
        "rootfs": {"type": "layers", "diff_ids": digests},
    }
    paths = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": [f"{name}:latest"], "Layers": paths}]
    files = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in {**dict(zip(paths, layers, strict=True)), **files}.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    docker("load", "--quiet", given=buffer.getvalue())
    return digests


def build(name: str, dockerfile: str) -> None:
    docker("build", "--quiet", f"--tag={PREFIX}/{name}", "-", given=dockerfile.encode())


def remove() -> None:
    if found := docker("ps", "--all", "--quiet", f"--filter=label={PREFIX}").split():
        docker("rm", "--force", "--volumes", *found)
    if found := docker("images", "--quiet", f"{PREFIX}/*").split():
        docker("image", "rm", "--force", *found)


def run(name: str, image: str, *words: str, options: tuple[str, ...] = (), check: bool = True) -> None:
    docker("run", "--detach", f"--label={PREFIX}", f"--name={PREFIX}-{name}", *options, image, *words, check=check)


@pytest.fixture(scope="module")
def seen(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, t.Any]]:
    """What each module returned."""
    folder = tmp_path_factory.mktemp("containers")
    shutil.copy(CONTAINERS / "look.yml", folder)
    remove()
    try:
        digests = load(f"{PREFIX}/tools", [tar(members) for members in LAYERS])
        build("nothing", "FROM scratch\nENV A=1\n")
        build("no-shell", f"FROM {BUSYBOX} AS own\nFROM scratch\nCOPY --from=own /bin/busybox /sleep\n")
        for name, (options, command) in RUN.items():
            run(name, IMAGE, "bash", "-c", command, options=tuple(options))
        run("no-shell", f"{PREFIX}/no-shell", "/sleep", "1011")
        run("paused", IMAGE, "sleep", "1010")
        docker("pause", f"{PREFIX}-paused")
        run("never-started", IMAGE, "no-such-program", check=False)
        played = Playbook(folder)(
            str(folder / "look.yml"),
            config=ROOT / "ansible.cfg",
            prefix=PREFIX,
            read=READ,
            looked_at=LOOKED_AT,
            stopped=STOPPED,
        )
        assert played.code == 0, played.output
        yield {**json.loads((folder / "seen.json").read_text()), "digests": digests}
    finally:
        remove()


@pytest.fixture
def tools(seen: dict[str, t.Any]) -> dict[str, t.Any]:
    found: dict[str, t.Any] = seen["images"][0]
    return found


def test_toolchains_are_found_wherever_they_stand(tools):
    assert tools["compilers"] == [
        "/usr/bin/c99",
        "/usr/bin/cc",
        "/usr/bin/ghc",
        "/usr/bin/x86_64-linux-gnu-gcc-12",
        "/usr/share/dotnet/sdk/9.0.100/Roslyn/bincore/csc.dll",
    ]


def test_what_a_later_layer_took_away_is_told_with_the_layer_that_holds_it(seen, tools):
    assert [(one["path"], one["kind"], one["text"]) for one in tools["removed"]] == [
        ("/etc/current.ini", "file", "secret"),
        ("/nix/store/0a1b-rustc-1.85/bin/rustc", "compiler", None),
        (r"/src/caf\xe9.c", "source", "main"),
    ]
    assert {one["digest"] for one in tools["removed"]} == {seen["digests"][0]}


def test_files_are_as_a_container_would_see_them(tools):
    assert tools["files"] == {
        "/etc/current.ini": "changed",
        "/data/app.ini": "volume",
        "/usr/bin/clang": None,
        "/lib": None,
        "/app/server-go/settings": "as a folder",
        r"/src/caf\xe9.c": None,
    }
    assert tools["sources"] == ["/src/main.go"]


def test_layers_without_a_history_and_steps_without_a_layer(seen, tools):
    assert [(step["digest"], step["created_by"]) for step in tools["layers"]] == [
        (digest, None) for digest in seen["digests"]
    ]
    assert tools["layers"][1]["size_bytes"] == 0
    nothing = seen["images"][1]
    assert [step["created_by"] for step in nothing["layers"]] == ["ENV A=1"]
    assert (nothing["entries"], nothing["size_bytes"], nothing["config"]["env"]["A"]) == (0, 0, "1")


@pytest.fixture
def processes(seen: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {result["item"]: result for result in seen["processes"]}


def commands(result: dict[str, t.Any]) -> list[str]:
    return [process["command"] for process in result["processes"]]


def test_processes_belong_to_the_container_that_is_named(processes):
    assert commands(processes["own"]) == ["sleep 1001"]
    assert commands(processes["joins"]) == ["sleep 1001", "sleep 1002"]
    assert "shares the processes of its host" in processes["joins-host"]["msg"]


def test_a_zombie_is_what_nobody_reaped(processes):
    found = processes["zombie"]
    assert found["zombies"] == 1
    assert [(process["state"], process["command"]) for process in found["processes"]] == [
        *(("S", "sleep 1006"), ("S", "sleep 1005"), ("Z", "")),
    ]


def test_neither_a_folder_that_is_gone_nor_odd_names_hide_anything(processes):
    assert commands(processes["folder-gone"]) == ["sleep 1007"]
    assert commands(processes["odd-names"]) == ["a\036Name:\tb\nPid:\t3\004 1008"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-shell", 'exec: "sh": executable file not found'),
        ("never-started", '"no-such-program": executable file not found'),
        ("paused", "is paused"),
    ],
)
def test_what_cannot_be_looked_into_is_told_in_the_words_of_the_engine(processes, name, words):
    assert words in processes[name]["msg"]


@pytest.mark.parametrize(
    ("name", "stop_signal", "exit_code", "signal", "graceful"),
    [
        ("stays", "SIGTERM", 137, "SIGKILL", False),
        ("unmoved", "SIGTERM", 137, "SIGKILL", False),
        ("own-signal", "SIGINT", 3, None, True),
    ],
)
def test_a_stop_is_told_by_how_it_ends(seen, name, stop_signal, exit_code, signal, graceful):
    (stop,) = [result for result in seen["stops"] if result["item"]["name"] == name]
    assert (stop["stop_signal"], stop["exit_code"]) == (stop_signal, exit_code)
    assert (stop["signal"], stop["graceful"]) == (signal, graceful)
