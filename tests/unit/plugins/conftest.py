# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from api_server import ApiServer


@dataclass
class Answer:
    """What the fake engine answers: a status with a body, after a while, whole or broken off."""

    body: Any = None
    status: int = 200
    seconds: float = 0
    cut_short: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class FakeEngine:
    """A Docker engine on loopback, which answers by a method with a pattern of a path, the first that fits.

    Where there are several answers, each is given once, and the last one ever after.
    """

    port: int = 0
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def on(self, request: str, *answers: Answer) -> None:
        self.answers[request] = list(answers)

    def answer(self, request: str) -> Answer:
        for pattern, answers in self.answers.items():
            if re.fullmatch(pattern, request):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return Answer({"message": f"the fake engine has no answer to {request}"}, 404)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    fake.on("GET /version", Answer({"ApiVersion": "1.41"}))
    fake.on("GET /_ping", Answer(b"OK"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = f"{self.command} {re.sub('^/v[0-9.]+', '', self.path)}"
            size = int(self.headers.get("Content-Length") or 0)
            fake.asked.append(request)
            fake.bodies.append(json.loads(self.rfile.read(size) or "null"))
            answer = fake.answer(request)
            time.sleep(answer.seconds)
            # A client that waits no longer closes its end.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.reply(request, answer)

        def reply(self, request: str, answer: Answer) -> None:
            content = answer.content() if answer.status not in (204, 304) else b""
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            streams = request.endswith("/start") and answer.status == 200
            if not streams:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if streams:
                # The client reads a stream from the bare connection, and so loses what came along with the headers.
                time.sleep(0.1)
            self.wfile.write(content[: len(content) // 2] if answer.cut_short else content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture
def call_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a module, and return all that it says."""

    def run(module: ModuleType, **options: Any) -> dict[str, Any]:
        with patch_module_args(options), pytest.raises(SystemExit):
            module.main()
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        return said

    return run


@pytest.fixture
def call(engine: FakeEngine, call_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Run a module against the fake engine, and return what it says, its options aside."""

    def run(module: ModuleType, **options: Any) -> dict[str, Any]:
        said = call_module(module, **{"docker_host": engine.host, "timeout": 1, **options})
        said.pop("invocation", None)
        return said

    return run


@pytest.fixture
def call_on_cluster(api: ApiServer, call_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Run a module against the API server, and return what it says, its options aside."""

    def run(module: ModuleType, **options: Any) -> dict[str, Any]:
        said = call_module(module, **{**api.connection(), **options})
        said.pop("invocation", None)
        return said

    return run


@pytest.fixture
def answer() -> type[Answer]:
    """Tests are no package, and so cannot import it."""
    return Answer
