# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.modules import container_stop

INSPECT = "GET /containers/[^/]+/json"
STOP = r"POST /containers/abc/stop.*"


def container(status: str = "running", exit_code: int = 0, auto_remove: bool = False, **config: Any) -> dict[str, Any]:
    running = status in ("running", "paused", "restarting")
    return {
        "Id": "abc",
        "State": {"Status": status, "Running": running, "ExitCode": exit_code},
        "HostConfig": {"AutoRemove": auto_remove},
        "Config": config,
    }


@pytest.fixture
def stops(engine, answer):
    def prepare(exit_code: int = 0, seconds: float = 0, **config: Any) -> None:
        engine.on(INSPECT, answer(container(**config)), answer(container("exited", exit_code, **config)))
        engine.on(STOP, answer(status=204, seconds=seconds))

    return prepare


def asked_to_stop(engine) -> list[str]:
    return [request for request in engine.asked if request.startswith("POST")]


@pytest.mark.parametrize(
    ("config", "options", "grace", "signal"),
    [
        ({}, {}, 10, "SIGTERM"),
        ({"StopTimeout": 25}, {}, 25, "SIGTERM"),
        ({"StopTimeout": 0}, {}, 0, "SIGTERM"),
        ({"StopTimeout": 25}, {"grace_seconds": 3}, 3, "SIGTERM"),
        ({"StopTimeout": -1}, {"grace_seconds": 3}, 3, "SIGTERM"),
        ({"StopTimeout": None, "StopSignal": "SIGQUIT"}, {}, 10, "SIGQUIT"),
        ({"StopSignal": "int"}, {}, 10, "SIGINT"),
        ({"StopSignal": "2"}, {}, 10, "SIGINT"),
        ({"StopSignal": "RTMIN+3"}, {}, 10, "SIGRTMIN+3"),
        ({"StopSignal": ""}, {}, 10, "SIGTERM"),
    ],
)
def test_a_container_is_given_its_own_time_and_signal(engine, call, stops, config, options, grace, signal):
    stops(**config)
    said = call(container_stop, container="web", **options)
    assert (said["grace_seconds"], said["stop_signal"]) == (grace, signal)
    assert asked_to_stop(engine) == [f"POST /containers/abc/stop?t={grace}"]


@pytest.mark.parametrize(
    ("exit_code", "seconds", "signal", "graceful"),
    [(0, 0, None, True), (143, 0, "SIGTERM", True), (137, 0, "SIGKILL", False), (0, 1.1, None, False)],
)
def test_how_it_ended(call, stops, exit_code, seconds, signal, graceful):
    stops(exit_code, seconds)
    said = call(container_stop, container="web", grace_seconds=1)
    assert said["changed"]
    assert (said["exit_code"], said["signal"], said["graceful"]) == (exit_code, signal, graceful)
    assert seconds <= said["seconds"] < seconds + 0.8


def test_check_mode_stops_nothing(engine, call, stops):
    stops(StopTimeout=7)
    said = call(container_stop, container="web", _ansible_check_mode=True)
    assert said == {"changed": True, "grace_seconds": 7, "stop_signal": "SIGTERM"}
    assert asked_to_stop(engine) == []


@pytest.mark.parametrize(
    ("found", "options", "sentence"),
    [
        (container("exited"), {}, "Container web is not running but exited: start it first."),
        (container("created"), {}, "Container web is not running but created: start it first."),
        (container("paused"), {}, "Container web is paused, so nothing in it can run: unpause it first."),
        (container("restarting", 3), {}, "Container web is restarting, its last exit code was 3: see"),
        (container(auto_remove=True), {}, "Container web is removed when it ends"),
        (
            container(StopTimeout=-1),
            {},
            "Container web may take forever to stop (--stop-timeout -1): give grace_seconds.",
        ),
        (container(), {"grace_seconds": -1}, "grace_seconds is -1: give 0 or more."),
    ],
)
def test_what_cannot_be_stopped_is_left_alone(engine, call, answer, found, options, sentence):
    engine.on(INSPECT, answer(found))
    said = call(container_stop, container="web", **options)
    assert said["failed"]
    assert said["msg"].startswith(sentence)
    assert asked_to_stop(engine) == []


def test_one_that_is_removed_meanwhile(engine, call, answer):
    gone = answer({"message": "No such container"}, 404)
    for answers in ([answer(status=204)], [gone]):
        engine.on(STOP, *answers)
        engine.on(INSPECT, answer(container()), gone)
        said = call(container_stop, container="web")
        assert said["msg"].startswith("Container web was removed by somebody else while it was being stopped")
        assert said["changed"]


@pytest.mark.parametrize("status", ["running", "exited"])
def test_one_that_is_started_again_meanwhile(engine, call, answer, status):
    engine.on(STOP, answer(status=204))
    first, second = container(), container(status, 1)
    first["State"]["StartedAt"], second["State"]["StartedAt"] = "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"
    engine.on(INSPECT, answer(first), answer(second))
    said = call(container_stop, container="web")
    assert "was started again while it was being stopped" in said["msg"]
    assert said["changed"] is True
    assert "exit_code" not in said


def test_one_that_still_runs_has_no_exit_code(engine, call, answer):
    engine.on(STOP, answer(status=204))
    engine.on(INSPECT, answer(container()))
    assert "was started again while it was being stopped" in call(container_stop, container="web")["msg"]


def test_an_engine_that_falls_silent_while_it_stops(engine, call, answer):
    engine.on(INSPECT, answer(container()))
    engine.on(STOP, answer(status=204, seconds=3))
    said = call(container_stop, container="web", grace_seconds=0)
    assert said["msg"].startswith("Container web was told to stop, and how it ended was not seen. The Docker engine at")
    assert "did not answer in time" in said["msg"]
    assert said["changed"]


def test_what_the_engine_says_is_said(engine, call, answer):
    engine.on(INSPECT, answer(container()))
    engine.on(STOP, answer({"message": "cannot kill container:\npermission denied"}, 500))
    said = call(container_stop, container="web")
    assert said["msg"] == "The Docker engine refused: cannot kill container: permission denied"
    # It may have got its signal.
    assert (said["changed"], said["stop_signal"]) == (True, "SIGTERM")
