# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.lookup.docker_endpoint import (
    LookupModule,
    docker_endpoint,
)


def make_context(folder: Path, name: str, host: str | None, certificates: bool = False) -> None:
    """Write a context as docker context create does."""
    key = hashlib.sha256(name.encode()).hexdigest()
    endpoints: dict[str, Any] = {} if host is None else {"docker": {"Host": host, "SkipTLSVerify": False}}
    meta = folder / "contexts/meta" / key
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))
    if certificates:
        (folder / "contexts/tls" / key / "docker").mkdir(parents=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two contexts, of which rootless is the current one."""
    folder = tmp_path / ".docker"
    make_context(folder, "rootless", "unix:///run/user/1000/docker.sock")
    make_context(folder, "colima", "unix:///home/me/.colima/docker.sock")
    (folder / "config.json").write_text('{"currentContext": "rootless"}')
    return tmp_path


def host(environment: dict[str, str], **options: Any) -> str:
    found = docker_endpoint(environment, **options)
    assert found["refused"] == ""
    return found["host"]


def refusal(environment: dict[str, str]) -> str:
    return docker_endpoint(environment)["refused"]


def test_docker_host_comes_before_any_context(home):
    named = {"HOME": str(home), "DOCKER_HOST": "unix:///mine.sock", "DOCKER_CONTEXT": "colima"}
    assert docker_endpoint(named) == {"host": "unix:///mine.sock", "named_by": "DOCKER_HOST", "refused": ""}


def test_docker_context_comes_before_the_current_context(home):
    assert host({"HOME": str(home), "DOCKER_CONTEXT": "colima"}) == "unix:///home/me/.colima/docker.sock"


def test_the_current_context_comes_before_the_default_socket(home):
    found = docker_endpoint({"HOME": str(home)})
    assert found["host"] == "unix:///run/user/1000/docker.sock"
    assert found["named_by"] == "the Docker context rootless"


def test_variables_that_are_set_to_nothing_count_as_not_set(home):
    nothing = {"DOCKER_HOST": "", "DOCKER_CONTEXT": "", "DOCKER_CONFIG": ""}
    assert host({"HOME": str(home), **nothing}) == "unix:///run/user/1000/docker.sock"


def test_the_context_default_is_the_default_socket(home):
    assert host({"HOME": str(home), "DOCKER_CONTEXT": "default"}) == "unix:///var/run/docker.sock"


def test_a_context_needs_no_configuration_file(home):
    (home / ".docker/config.json").unlink()
    assert host({"HOME": str(home), "DOCKER_CONTEXT": "colima"}) == "unix:///home/me/.colima/docker.sock"


def test_contexts_are_those_of_docker_config(home, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    make_context(elsewhere, "rootless", "unix:///other.sock")
    named = {"HOME": str(home), "DOCKER_CONFIG": str(elsewhere)}
    assert host(named) == "unix:///var/run/docker.sock"
    assert host({**named, "DOCKER_CONTEXT": "rootless"}) == "unix:///other.sock"


@pytest.mark.parametrize(
    ("system", "rootless", "found"), [(1, 1, "system"), (1, 0, "system"), (0, 1, "rootless"), (0, 0, "system")]
)
def test_the_socket_of_a_rootless_engine_where_it_is_the_only_one(tmp_path, system, rootless, found):
    sockets = {"system": tmp_path / "system.sock", "rootless": tmp_path / "docker.sock"}
    for name, there in (("system", system), ("rootless", rootless)):
        if there:
            socket.socket(socket.AF_UNIX).bind(str(sockets[name]))
    environment = {"HOME": "/nonexistent", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert host(environment, system_socket=sockets["system"]) == f"unix://{sockets[found]}"


@pytest.mark.parametrize(
    "local",
    [
        "tcp://127.0.0.1:2375",
        "tcp://localhost:2375",
        "tcp://[::1]:2375",
        "tcp://127.9.9.9:2376",
        "tcp://:2375",
        "http://127.0.0.1:1",
        "https://localhost:1",
    ],
)
def test_an_engine_on_the_loopback_address_is_one_of_this_machine(local):
    assert host({"DOCKER_HOST": local}) == local


def test_an_address_without_a_scheme_is_one_of_tcp():
    assert host({"DOCKER_HOST": "localhost:2375"}) == "tcp://localhost:2375"


@pytest.mark.parametrize(
    "remote",
    [
        "ssh://me@server",
        "tcp://192.0.2.7:2375",
        "tcp://localhost.example.org:2375",
        "tcp://127.0.0.1.example.org:2375",
        "tcp://[::1:2375",
        "fd://",
        "npipe:////./pipe/docker_engine",
    ],
)
def test_any_other_is_refused(remote):
    said = refusal({"DOCKER_HOST": remote})
    assert said.startswith(f"The Docker engine at {remote}, which DOCKER_HOST names, is not reached")
    assert "run the workshop on the engine's own machine" in said


def test_a_context_on_another_machine_is_refused_by_its_name(home):
    make_context(home / ".docker", "server", "ssh://me@server")
    said = refusal({"HOME": str(home), "DOCKER_CONTEXT": "server"})
    assert said.startswith("The Docker engine at ssh://me@server, which the Docker context server names")


def test_a_context_that_is_not_there(home):
    said = docker_endpoint({"HOME": str(home), "DOCKER_CONTEXT": "lost"})
    assert said.pop("refused").startswith("There is no Docker context lost: choose another")
    assert said == {"host": "", "named_by": "the Docker context lost"}


def test_a_configuration_may_name_no_context(home):
    (home / ".docker/config.json").write_text("{}")
    assert host({"HOME": str(home)}) == "unix:///var/run/docker.sock"


def test_the_lookup_reads_the_environment(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")
    assert [found["host"] for found in LookupModule().run([])] == ["unix:///mine.sock"]


def test_a_context_without_an_engine(home):
    make_context(home / ".docker", "kubernetes", None)
    assert "names no engine" in refusal({"HOME": str(home), "DOCKER_CONTEXT": "kubernetes"})


def test_a_context_with_certificates(home):
    make_context(home / ".docker", "tls", "tcp://127.0.0.1:2376", certificates=True)
    assert "DOCKER_CERT_PATH" in refusal({"HOME": str(home), "DOCKER_CONTEXT": "tls"})


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_a_configuration_that_is_broken_is_named(home, content):
    (home / ".docker/config.json").write_text(content)
    assert str(home / ".docker/config.json") in refusal({"HOME": str(home)})
    assert host({"HOME": str(home), "DOCKER_HOST": "unix:///mine.sock"}) == "unix:///mine.sock"
