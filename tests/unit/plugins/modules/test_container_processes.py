# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import os
import struct
import subprocess
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.modules import container_processes
from ansible_collections.workshop.production_patterns.plugins.modules.container_processes import PATH


def container(pid_mode: str = "", status: str = "running", env: list[str] | None = None) -> dict[str, Any]:
    state = {"Status": status, "Running": status != "exited", "ExitCode": 0}
    return {"Id": "abc", "State": state, "HostConfig": {"PidMode": pid_mode}, "Config": {"Env": env}}


def frame(stream: int, text: str) -> bytes:
    return struct.pack(">BxxxL", stream, len(text.encode())) + text.encode()


@pytest.fixture
def runs(engine, answer):
    """The engine runs a command that ends with this exit code and prints this."""

    def prepare(exit_code: int | None, output: str = "", errors: str = "", **found: Any) -> None:
        engine.on("GET /containers/box/json", answer(container(**found)))
        engine.on("POST /containers/abc/exec", answer({"Id": "run"}))
        engine.on("POST /exec/run/start", answer(frame(1, output) + frame(2, errors)))
        engine.on("GET /exec/run/json", answer({"Running": exit_code is None, "ExitCode": exit_code}))

    return prepare


LISTED = container_processes.LISTING
NO_SH = 'OCI runtime exec failed: exec failed: exec: "sh": executable file not found in $PATH: unknown'


@pytest.mark.parametrize(
    ("env", "path"),
    [
        (None, PATH),
        (["A=1"], PATH),
        (["PATH=/opt/app/bin"], f"/opt/app/bin:{PATH}"),
        (["PATH="], PATH),
        (["PATH=/opt/a=b"], f"/opt/a=b:{PATH}"),
    ],
)
def test_a_shell_is_found_though_the_path_of_the_container_lacks_it(engine, call, runs, env, path):
    runs(127, NO_SH, env=env)
    call(container_processes, container="box")
    (asked,) = [body for body in engine.bodies if body and "Cmd" in body]
    assert asked["Env"] == [f"PATH={path}"]
    assert asked["Cmd"] == ["sh", "-c", LISTED]
    # Its own folder may be gone.
    assert asked["WorkingDir"] == "/"


@pytest.mark.parametrize(
    ("exit_code", "output", "errors", "words"),
    [
        (127, NO_SH, "", 'exec: "sh": executable file not found in $PATH: unknown. '),
        (
            126,
            "OCI runtime exec failed: permission denied",
            "",
            "looked into: OCI runtime exec failed: permission denied. ",
        ),
        (127, "20", "sh: 1: cat: not found\nsh: 1: cat: not found\n", "looked into: sh: 1: cat: not found. "),
        (137, "20", "", "looked into: 20. "),
        (0, "20\036\037", "sh: 1: cat: not found\n", "looked into: sh: 1: cat: not found. "),
        (1, "", "", "looked into: the shell ended with 1. "),
    ],
)
def test_a_shell_that_cannot_run_is_told_in_the_words_of_the_runtime(call, runs, exit_code, output, errors, words):
    runs(exit_code, output, errors)
    said = call(container_processes, container="box")
    assert said["failed"]
    assert words in said["msg"]
    assert "--pid container:NAME" in said["msg"]


def test_an_exec_that_the_engine_refuses_is_told_in_its_words(engine, call, runs, answer):
    runs(0)
    for path in ("POST /containers/abc/exec", "POST /exec/run/start"):
        engine.on(path, answer({"message": "cannot exec in a container that is\nbusy"}, 409))
        assert call(container_processes, container="box")["msg"] == (
            "Container box could not be looked into: cannot exec in a container that is busy"
        )
        runs(0)


def test_a_listing_that_was_cut_short_is_noticed(monkeypatch, call, runs):
    monkeypatch.setattr(
        "ansible_collections.workshop.production_patterns.plugins.module_utils.engine._END_SECONDS", 0.3
    )
    runs(None, "20\036sleep\0\037Name:\tsleep\nPid:\t1\n")
    assert call(container_processes, container="box")["msg"].startswith("What was read in Container box was cut short")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"pid_mode": "host"}, "Container box shares the processes of its host (--pid host)"),
        ({"status": "paused"}, "Container box is paused"),
        ({"status": "exited"}, "Container box is not running but exited"),
    ],
)
def test_what_cannot_be_looked_into(engine, call, runs, found, sentence):
    runs(0, **found)
    assert call(container_processes, container="box")["msg"].startswith(sentence)
    assert not [request for request in engine.asked if request.startswith("POST")]


STATUS = "Name:\tsleep\nState:\tS (sleeping)\nPid:\t1\nPPid:\t0\nThreads:\t1\n"


# 1 where a process ended while it was read.
@pytest.mark.parametrize("exit_code", [0, 1])
def test_the_processes_of_a_container(engine, call, runs, answer, exit_code):
    runs(exit_code)
    listing = f"20\036{STATUS}\0370::/\n\037".encode() + b"sleep\0caf\xe9\0\004"
    engine.on("POST /exec/run/start", answer(struct.pack(">BxxxL", 1, len(listing)) + listing))
    said = call(container_processes, container="box")
    assert said["changed"] is False
    assert [process["command"] for process in said["processes"]] == ["sleep caf\N{REPLACEMENT CHARACTER}"]
    assert (said["pid1"]["name"], said["zombies"]) == ("sleep", 0)


@pytest.mark.parametrize("exit_code", [2, 137])
def test_what_a_shell_listed_that_failed_is_no_listing(call, runs, exit_code):
    runs(exit_code, f"20\036{STATUS}\0370::/\n\037sleep\0\004", "sh: out of memory")
    assert "could not be looked into: sh: out of memory. " in call(container_processes, container="box")["msg"]


def test_the_processes_that_a_shell_lists(call, runs):
    # Those of this machine, whatever the listing looks like.
    made = subprocess.run(["sh", "-c", LISTED], capture_output=True, check=False, text=True, errors="replace")
    runs(made.returncode, made.stdout, made.stderr)
    said = call(container_processes, container="box")
    assert not said["changed"]
    (this,) = [process for process in said["processes"] if process["pid"] == os.getpid()]
    assert this["ppid"] == os.getppid()


def joined(name: str, pid_mode: str) -> dict[str, Any]:
    return {**container(pid_mode), "Id": name * 64}


@pytest.mark.parametrize("mode", ["", "private"])
def test_a_container_that_joins_another_lists_both(engine, call, runs, answer, mode):
    runs(0, pid_mode="container:b")
    engine.on("GET /containers/b/json", answer(joined("b", "container:c")))
    engine.on("GET /containers/c/json", answer(joined("c", mode)))
    shell = "\036Name:\tsh\nState:\tR\nPid:\t20\nPPid:\t0\n\0379:pids:/docker/abc\n\037sh\0"
    listing = "".join(
        f"\036{STATUS.replace('Pid:	1', f'Pid:	{pid}')}\0379:pids:/docker/{name}\n\037sleep\0"
        for pid, name in enumerate(("b" * 64, "c" * 64, "d" * 64, "abc"), 1)
    )
    engine.on("POST /exec/run/start", answer(frame(1, f"20{shell}{listing}\004")))
    assert [process["pid"] for process in call(container_processes, container="box")["processes"]] == [1, 2, 4]


def test_a_container_that_joins_one_with_the_processes_of_the_host_is_refused(engine, call, runs, answer):
    runs(0, pid_mode="container:b")
    engine.on("GET /containers/b/json", answer(joined("b", "host")))
    assert "shares the processes of its host" in call(container_processes, container="box")["msg"]
    assert not [request for request in engine.asked if request.startswith("POST")]


def test_why_a_container_did_not_start_is_told_in_the_words_of_the_engine(engine, call, runs, answer):
    found = container(status="exited")
    found["State"] |= {"Status": "created", "Error": 'exec: "serve":\n executable file not found in $PATH: unknown'}
    engine.on("GET /containers/box/json", answer(found))
    assert call(container_processes, container="box")["msg"] == (
        "Container box is not running but created: the engine could not start it "
        '(exec: "serve": executable file not found in $PATH: unknown).'
    )
