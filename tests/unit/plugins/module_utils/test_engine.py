# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import socket
import struct
from types import SimpleNamespace

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils import engine as module_engine
from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import (
    APIError,
    connection_sentence,
    engine_words,
    run,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules import (
    container_processes,
    container_stop,
    image_contents,
)

SOCKET = "unix:///var/run/docker.sock"
MODULES = [
    (container_processes, {"container": "box"}),
    (container_stop, {"container": "box"}),
    (image_contents, {"image": "box"}),
]


# The causes as the client words them.
@pytest.mark.parametrize(
    ("host", "cause", "sentence"),
    [
        (
            SOCKET,
            "('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))",
            "No Docker engine answers",
        ),
        ("tcp://10.0.0.1:2375", "NewConnectionError('[Errno 111] Connection refused')", "No Docker engine answers"),
        ("tcp://10.0.0.1:2375", "ConnectTimeoutError(…, 'timed out. (connect timeout=5)')", "No Docker engine answers"),
        (
            SOCKET,
            "('Connection aborted.', PermissionError(13, 'Permission denied'))",
            "This user may not use the Docker",
        ),
        ("/run/docker.sock", "PermissionError(13, 'Permission denied')", "This user may not use the Docker"),
        ("ssh://me@host", "Permission denied (publickey).", "ssh://me@host refused the login"),
        ("ssh://me@host", "Authentication failed.", "ssh://me@host refused the login"),
        ("ssh://me@host", "Server 'host' not found in known_hosts", "ssh://me@host refused the login"),
        ("tcp://host:2375", "PermissionError(13, 'Permission denied')", "No Docker engine answers"),
        (SOCKET, "Read timed out. (read timeout=60)", f"The Docker engine at {SOCKET} did not answer in time"),
        (SOCKET, "timed out", f"The Docker engine at {SOCKET} did not answer in time"),
        (
            "tcp://host:2376",
            "SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] …')",
            "The Docker engine at tcp://host:2376 and",
        ),
        (
            "tcp://host:2376",
            "Client sent an HTTP request to an HTTPS server.",
            "The Docker engine at tcp://host:2376 and",
        ),
        (
            "tcp://gone:2375",
            "NameResolutionError('Name or service not known')",
            "The name in tcp://gone:2375 is not known",
        ),
        ("tcp://tls.example:1", "NewConnectionError('Connection refused')", "No Docker engine answers"),
        (
            "tcp://h:1",
            "('Connection aborted.', ConnectionResetError(104, 'reset'))",
            "The Docker engine at tcp://h:1 broke",
        ),
    ],
)
def test_what_is_said_of_an_engine_that_cannot_be_talked_to(host, cause, sentence):
    said = connection_sentence(host, cause)
    assert said.startswith(sentence)
    assert said.endswith(f"({cause})")
    assert ("group docker" in said) == said.startswith("This user may not")


@pytest.mark.parametrize(("module", "options"), MODULES)
class TestEveryModule:
    def test_says_that_nothing_answers(self, call, module, options):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            said = call(module, docker_host=f"tcp://127.0.0.1:{nobody.getsockname()[1]}", **options)
        assert said["msg"].startswith("No Docker engine answers at tcp://127.0.0.1:")

    def test_says_that_the_socket_is_not_there(self, call, module, options, tmp_path):
        said = call(module, docker_host=f"unix://{tmp_path}/docker.sock", **options)
        assert said["msg"].startswith(f"No Docker engine answers at unix://{tmp_path}/docker.sock")

    @pytest.mark.parametrize("request_", ["GET /version", "GET /(containers|images)/box/json"])
    def test_says_that_the_engine_is_silent(self, engine, call, answer, module, options, request_):
        engine.on(request_, answer({}, seconds=3))
        assert "did not answer in time" in call(module, **options)["msg"]

    def test_says_what_the_engine_refused(self, engine, call, answer, module, options):
        engine.on("GET /(containers|images)/box/json", answer({"message": "the disk\nis gone"}, 500))
        assert call(module, **options)["msg"] == "The Docker engine refused: the disk is gone"

    def test_says_that_it_is_no_engine(self, engine, call, answer, module, options):
        engine.on("GET /version", answer(b"<html>"))
        assert "is no Docker engine: correct docker_host" in call(module, **options)["msg"]

    def test_says_that_the_engine_broke_off(self, engine, call, answer, module, options):
        engine.on("GET /(containers|images)/box/json", answer({"Id": "abc", "State": {}}, cut_short=True))
        assert "broke off its answer" in call(module, **options)["msg"]

    def test_says_that_there_is_none_of_the_name(self, call, module, options):
        (kind,) = options
        assert call(module, **options)["msg"].startswith(f"There is no {kind} box on this Docker engine")


@pytest.mark.parametrize(
    ("explanation", "words"),
    [
        ("the disk\n is  gone", "the disk is gone"),
        (b"the disk \xff is gone\n", "the disk \ufffd is gone"),
        (None, "500 Server Error"),
    ],
)
def test_the_words_of_the_engine_are_one_line(explanation, words):
    assert engine_words(APIError("500 Server Error", explanation=explanation)) == words


def observes(found):
    """A module that returns or raises what it finds."""

    def observe(_engine):
        if isinstance(found, Exception):
            raise found
        return found

    return SimpleNamespace(main=lambda: run({}, observe))


def test_what_was_seen_before_a_problem_is_told_with_it(call):
    said = call(observes(Problem("It does not end.", exit_code=3)))
    assert (said["failed"], said["msg"], said["exit_code"]) == (True, "It does not end.", 3)


def test_a_failure_without_words_is_told_by_its_kind(call):
    assert call(observes(ConnectionResetError()))["msg"].endswith("(ConnectionResetError)")


def test_what_is_observed_is_observed_in_check_mode_too(call):
    assert call(observes({"found": 1}), _ansible_check_mode=True)["found"] == 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"Status": "paused", "Running": True}, "Container box is paused, so nothing in it can run: unpause it first."),
        (
            {"Status": "restarting", "Running": True, "ExitCode": 3},
            "Container box is restarting, its last exit code was 3: see its log for why it ends.",
        ),
        ({"Status": "exited", "Running": False}, "Container box is not running but exited: start it first."),
    ],
)
def test_what_nothing_runs_in_cannot_be_looked_into(engine, call, answer, state, said):
    engine.on("GET /containers/box/json", answer({"Id": "abc", "State": state}))
    assert call(container_processes, container="box")["msg"] == said


@pytest.fixture
def execute(engine, call, answer):
    """What comes of a command in a container that prints these frames, or is refused, and ends so by and by."""

    def run_it(printed: bytes, *ends: dict[str, object], refused: str = "") -> dict[str, object]:
        engine.on("POST /containers/abc/exec", answer({"Id": "run"}))
        engine.on("POST /exec/run/start", answer({"message": refused}, 409) if refused else answer(printed))
        engine.on("GET /exec/run/json", *map(answer, ends))

        def observe(engine):
            ran = engine.execute("abc", ["env", "-0"], {"LANG": "C"}, "Container box")
            return {"output": ran.output.decode(), "exit_code": ran.exit_code, "errors": ran.errors}

        return call(SimpleNamespace(main=lambda: run({}, observe)))

    return run_it


def frame(stream: int, content: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(content)) + content


def ended(exit_code: int) -> dict[str, object]:
    return {"Running": False, "ExitCode": exit_code}


STILL_RUNS = {"Running": True, "ExitCode": None}


def test_a_command_runs_with_its_environment_and_is_told_whole(engine, execute):
    ran = execute(frame(1, b"LANG=C\0") + frame(2, b"well\n") + frame(1, b"A=1\0"), ended(3))
    assert (ran["output"], ran["exit_code"], ran["errors"]) == ("LANG=C\0A=1\0", 3, "well\n")
    (asked,) = [body for body in engine.bodies if body and "Cmd" in body]
    assert (asked["Cmd"], asked["Env"]) == (["env", "-0"], ["LANG=C"])


def test_a_command_that_prints_nothing(execute):
    ran = execute(b"", ended(0))
    assert (ran["output"], ran["exit_code"], ran["errors"]) == ("", 0, "")


def test_errors_may_be_no_text(execute):
    assert execute(frame(2, b"no \xff"), ended(1))["errors"] == "no \ufffd"


def test_the_end_of_a_command_is_waited_for(execute):
    assert execute(frame(1, b"all"), STILL_RUNS, STILL_RUNS, ended(0))["output"] == "all"


def test_a_command_that_does_not_end_was_cut_short(monkeypatch, execute):
    monkeypatch.setattr(module_engine, "_END_SECONDS", 0.3)
    said = execute(frame(1, b"half"), STILL_RUNS)["msg"]
    assert said == "What was read in Container box was cut short: see whether the engine hangs, and look again."


def test_a_command_that_the_engine_refuses_is_told_in_its_words(execute):
    said = execute(b"", ended(0), refused="it is\nbusy")["msg"]
    assert said == "Container box could not be looked into: it is busy"
