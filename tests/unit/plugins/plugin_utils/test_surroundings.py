# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import surroundings


class Server(HTTPServer):
    """Answers every request with one status, or none, and notes the paths."""

    status: int | None = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.status is None:
            return
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def kubeconfig(folder: Path, server: str, **user: Any) -> str:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "staging", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "a kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.parametrize(
    "name",
    [
        "K8S_AUTH_HOST",
        "K8S_AUTH_API_KEY",
        "K8S_AUTH_KUBECONFIG",
        "K8S_AUTH_CONTEXT",
        "K8S_AUTH_USERNAME",
        "K8S_AUTH_PASSWORD",
        "K8S_AUTH_CLIENT_CERT",
        "K8S_AUTH_CERT_FILE",
        "K8S_AUTH_CLIENT_KEY",
        "K8S_AUTH_KEY_FILE",
        "K8S_AUTH_CA_CERT",
        "K8S_AUTH_SSL_CA_CERT",
        "K8S_AUTH_VERIFY_SSL",
        "K8S_AUTH_VALIDATE_CERTS",
        "K8S_AUTH_PROXY",
        "K8S_AUTH_PROXY_HEADERS_BASIC_AUTH",
        "K8S_AUTH_IMPERSONATE_USER",
        "K8S_AUTH_IMPERSONATE_GROUPS",
    ],
)
@pytest.mark.parametrize("lab", [True, False])
@pytest.mark.parametrize("value", ["secret", ""])
def test_an_environment_that_leads_elsewhere(name: str, lab: bool, value: str):
    with pytest.raises(Problem) as problem:
        surroundings.check_environment({"HOME": "/", name: value}, lab=lab)
    assert str(problem.value).startswith(f"{name} in the environment")
    assert str(problem.value).endswith(f": unset {name}.")
    assert "secret" not in str(problem.value)


def test_all_that_leads_elsewhere_is_named_at_once():
    with pytest.raises(Problem, match="unset K8S_AUTH_API_KEY K8S_AUTH_HOST.$"):
        surroundings.check_environment({"K8S_AUTH_HOST": "h", "K8S_AUTH_API_KEY": "k"}, lab=True)


@pytest.mark.parametrize("provider", ["podman", "nerdctl"])
def test_kind_uses_docker(provider: str):
    with pytest.raises(Problem, match=f"have kind use {provider}.*: unset KIND_EXPERIMENTAL_PROVIDER.$"):
        surroundings.check_environment({"KIND_EXPERIMENTAL_PROVIDER": provider}, lab=True)
    surroundings.check_environment({"KIND_EXPERIMENTAL_PROVIDER": provider}, lab=False)


@pytest.mark.parametrize("environ", [{}, {"KIND_EXPERIMENTAL_PROVIDER": ""}, {"KIND_EXPERIMENTAL_PROVIDER": "docker"}])
def test_docker_is_what_kind_uses_unless_told_otherwise(environ: dict[str, str]):
    surroundings.check_environment(environ, lab=True)


def test_an_environment_that_leads_nowhere():
    harmless = {"KUBECONFIG": "/k", "KIND_EXPERIMENTAL_PROVIDER": "docker", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    surroundings.check_environment(harmless, lab=True)


def test_a_folder_that_can_be_made(tmp_path: Path):
    surroundings.check_folder("workshop_state_dir", tmp_path)
    surroundings.check_folder("workshop_state_dir", tmp_path / "a folder" / "below")


def test_a_folder_below_a_file(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match="file is no folder"):
        surroundings.check_folder("workshop_state_dir", tmp_path / "file" / "below")


def test_a_folder_that_this_user_may_not_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK | os.X_OK))
    with pytest.raises(Problem, match=f"may not write to {tmp_path}:"):
        surroundings.check_folder("workshop_state_dir", tmp_path / "below")


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    (tmp_path / "max_user_instances").write_text("128\n")
    (tmp_path / "max_user_watches").write_text("20000\n")
    return tmp_path


def test_inotify_limits_that_do(limits: Path):
    surroundings.check_inotify(4, limits)


def test_inotify_limits_that_are_elsewhere(tmp_path: Path):
    surroundings.check_inotify(100, tmp_path)


@pytest.mark.parametrize(
    ("name", "limit", "needed"), [("max_user_instances", "95", "96"), ("max_user_watches", "12287", "12288")]
)
def test_inotify_limits_that_are_too_low(limits: Path, name: str, limit: str, needed: str):
    (limits / name).write_text(limit)
    with pytest.raises(Problem, match=f"^fs.inotify.{name} is {limit}, too low for 3 nodes: set it to {needed} or"):
        surroundings.check_inotify(3, limits)


def engine(monkeypatch: pytest.MonkeyPatch, ports: Any) -> None:
    """Let Docker's client find a container with such ports, or raise an error."""

    class Api:
        def inspect_container(self, name: str) -> dict[str, Any]:
            assert name == "workshop-registry"
            return {"NetworkSettings": {"Ports": ports}}

    class Client:
        api = Api()

        def close(self) -> None:
            pass

    def from_env(environment: dict[str, str], timeout: int) -> Client:
        assert environment == {"DOCKER_HOST": "unix:///engine"}
        assert 0 < timeout <= 10
        if isinstance(ports, Exception):
            raise ports
        return Client()

    monkeypatch.setattr(docker, "from_env", from_env)


def free(port: int) -> None:
    surroundings.check_port_is_free(port, "workshop-registry", {"DOCKER_HOST": "unix:///engine"})


def test_a_free_port_needs_no_engine(monkeypatch: pytest.MonkeyPatch):
    engine(monkeypatch, AssertionError("asked"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    free(port)


def test_a_port_of_the_labs_own_registry(monkeypatch: pytest.MonkeyPatch, silent: int):
    engine(monkeypatch, {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(silent)}], "80/tcp": None})
    free(silent)


@pytest.mark.parametrize(
    "ports",
    [
        {},
        {"5000/tcp": None},
        {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "1"}]},
        docker.errors.NotFound("no such container"),
        docker.errors.DockerException("connection refused"),
    ],
)
def test_a_port_of_somebody_else(monkeypatch: pytest.MonkeyPatch, silent: int, ports: Any):
    engine(monkeypatch, ports)
    with pytest.raises(Problem, match=f"^Port {silent} is in use by something other than the lab's registry"):
        free(silent)


def test_who_may_not_ask_the_engine_is_told_nothing_about_the_port(monkeypatch: pytest.MonkeyPatch, silent: int):
    engine(monkeypatch, docker.errors.DockerException("PermissionError(13, 'Permission denied')"))
    free(silent)


def test_a_kubeconfig_with_the_context(tmp_path: Path):
    surroundings.check_kubeconfig(kubeconfig(tmp_path, "http://127.0.0.1:9"), "staging")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "which is no file that can be read"),
        ("contexts: [{name: one}, {name: two}]", "has no context staging: workshop_context can be one, two."),
        ("contexts:", "workshop_context can be nothing, for there is none in it."),
        ("", "workshop_context can be nothing, for there is none in it."),
        ("[1, 2]", "workshop_context can be nothing, for there is none in it."),
        ("contexts: [1, {}]", "workshop_context can be nothing, for there is none in it."),
        ("a: [", "which is no YAML"),
        ("\0", "which is no YAML"),
    ],
)
def test_a_kubeconfig_that_will_not_do(tmp_path: Path, content: str | None, said: str):
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Problem) as problem:
        surroundings.check_kubeconfig(str(path), "staging")
    assert said in str(problem.value)


def test_a_folder_is_no_kubeconfig(tmp_path: Path):
    with pytest.raises(Problem, match="no file that can be read"):
        surroundings.check_kubeconfig(str(tmp_path), "staging")


def test_a_cluster_that_answers(tmp_path: Path, server: Server):
    surroundings.check_cluster(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}"), "staging")
    assert server.asked == ["/api/v1/namespaces/default"]


def test_a_cluster_that_refuses(tmp_path: Path, server: Server):
    server.status = 401
    with pytest.raises(Problem, match=r"refuses what is asked \(401 Unauthorized\): renew the credentials"):
        surroundings.check_cluster(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}"), "staging")


def test_a_cluster_that_is_gone(tmp_path: Path):
    with pytest.raises(Problem, match="^The cluster of the context staging does not answer: start it"):
        surroundings.check_cluster(kubeconfig(tmp_path, "http://127.0.0.1:9"), "staging")


def test_a_cluster_that_hangs_up_is_asked_once(tmp_path: Path, server: Server):
    server.status = None
    with pytest.raises(Problem, match="does not answer"):
        surroundings.check_cluster(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}"), "staging")
    assert len(server.asked) == 1


def test_a_cluster_that_stays_silent(tmp_path: Path, silent: int):
    began = time.monotonic()
    with pytest.raises(Problem, match="does not answer"):
        surroundings.check_cluster(kubeconfig(tmp_path, f"http://127.0.0.1:{silent}"), "staging", seconds=0.5)
    assert time.monotonic() - began < 5


def test_a_login_that_waits_for_somebody(tmp_path: Path):
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["7"]}
    config = kubeconfig(tmp_path, "http://127.0.0.1:9", exec=plugin)
    before = set(threading.enumerate())
    began = time.monotonic()
    with pytest.raises(Problem, match="no answer within 0.5 s"):
        surroundings.check_cluster(config, "staging", seconds=0.5)
    assert time.monotonic() - began < 5
    # Or the run could not end before it.
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)


@pytest.mark.parametrize("status", [200, 401])
def test_a_registry_that_answers(server: Server, status: int):
    server.status = status
    surroundings.check_registry_answers(f"localhost:{server.server_port}/workshop")
    assert server.asked == ["/v2/"]


def test_a_registry_on_loopback_is_asked_without_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    surroundings.check_registry_answers(f"127.0.0.1:{server.server_port}")


@pytest.mark.parametrize(
    ("host", "proxy"), [("nexus:8082", True), ("localhost:8082", False), ("127.0.0.2:8082", False), ("[::1]:1", False)]
)
def test_a_registry_may_have_tls_and_a_certificate_that_only_the_engine_knows(
    monkeypatch: pytest.MonkeyPatch, host: str, proxy: bool
):
    asked: list[str] = []

    def open_url(url: str, **how: Any) -> None:
        asked.append(url)
        assert (how["validate_certs"], how["use_netrc"], how["use_proxy"]) == (False, False, proxy)
        raise ConnectionRefusedError

    monkeypatch.setattr(surroundings, "open_url", open_url)
    with pytest.raises(Problem, match="^No registry answers at "):
        surroundings.check_registry_answers(host)
    assert asked == [f"http://{host}/v2/", f"https://{host}/v2/"]


def test_what_is_no_registry(server: Server):
    server.status = 404
    with pytest.raises(Problem, match="^No registry answers at localhost"):
        surroundings.check_registry_answers(f"localhost:{server.server_port}")


def test_a_registry_that_stays_silent(silent: int):
    with pytest.raises(Problem, match="^No registry answers at localhost"):
        surroundings.check_registry_answers(f"localhost:{silent}", seconds=0.2)
