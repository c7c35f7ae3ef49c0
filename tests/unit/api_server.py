# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A Kubernetes API server on loopback that answers as it was told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


def listing(*objects: dict[str, Any], version: str = "100", more: str | None = None) -> Answer:
    """A list at a version of the cluster; with more it is a page, and that is the token of the next one."""
    metadata = {"resourceVersion": version, **({"continue": more} if more else {})}
    return Answer({"kind": "List", "metadata": metadata, "items": list(objects)})


def status(code: int, message: str = "told to", **headers: str) -> Answer:
    """A refusal as the API server words it."""
    said = {"kind": "Status", "status": "Failure", "code": code, "message": message}
    return Answer(said, code=code, headers={name.replace("_", "-"): value for name, value in headers.items()})


def changes(*events: tuple[str, dict[str, Any]], **ending: Any) -> Answer:
    """A watch that sends these and is closed, unless told otherwise."""
    return Answer(lines=[{"type": kind, "object": found} for kind, found in events], **ending)


def too_old() -> tuple[str, dict[str, Any]]:
    """The event that says that a watch can't go on from its version."""
    return "ERROR", {"kind": "Status", "code": 410, "message": "too old resource version: 1 (2)"}


@dataclass
class Answer:
    """An object, or what stands in its place, or the lines of a watch; and how it ends: well, unless told otherwise."""

    object: dict[str, Any] | bytes | None = None
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    lines: Iterable[dict[str, Any]] | None = None
    half_line: bytes = b""
    """The connection is cut after it."""
    quiet: bool = False
    """A watch stays open without a word for the seconds that were asked for."""
    silent: bool = False
    """The peer is gone, and the connection does not know."""
    cut: bool = False


SILENCE = Answer(silent=True)
"""The connection is accepted, and nothing is ever said."""

CUT = Answer(cut=True)
"""The connection is closed without an answer."""


@dataclass
class Request:
    """A request that the server got. Names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, list[str]]
    body: Any


class ApiServer:
    """Gives each path the answers that it was told, one after the other, and the last of them again and again."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.over = threading.Event()
        self._scripts: dict[tuple[str, bool], list[Answer]] = {}
        self._lock = threading.Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                address = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    self.command,
                    address.path,
                    dict(parse_qsl(address.query)),
                    {name.lower(): self.headers.get_all(name) or [] for name in self.headers},
                    json.loads(self.rfile.read(length)) if length else None,
                )
                api._answer(self, request)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def on(self, path: str, *answers: Answer, method: str = "GET") -> None:
        """What is answered to the requests of this path, one after the other."""
        self._scripts[f"{method} {path}", False] = list(answers)
        self._scripts.setdefault((f"{method} {path}", True), [changes(quiet=True)])

    def on_watch(self, path: str, *answers: Answer) -> None:
        """What is answered to its watches, before those that have nothing more to say."""
        self._scripts[f"GET {path}", True] = [*answers, changes(quiet=True)]

    def asked(self, path: str | None = None) -> list[Request]:
        """The requests so far, all or those of one path."""
        return [request for request in self.requests if path in (None, request.path)]

    def connection(self) -> dict[str, Any]:
        """The options that name this server."""
        return {"host": self.url, "api_key": "let-me-in"}

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            script = self._scripts.get((f"{request.method} {request.path}", "watch" in request.query), [])
            if len(script) > 1:
                return script.pop(0)
            return script[0] if script else status(404, f"nobody told what {request.path} answers")

    def _answer(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        answer = self._next(request)
        if answer.lines is not None:
            # A client that has gone away is no error.
            with suppress(ConnectionError):
                self._watch(handler, request, answer)
        elif answer.silent:
            self.over.wait()
            handler.close_connection = True
        elif answer.cut:
            handler.close_connection = True
        else:
            body = answer.object if isinstance(answer.object, bytes) else json.dumps(answer.object).encode()
            handler.send_response(answer.code)
            for name, value in answer.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

    def _watch(self, handler: BaseHTTPRequestHandler, request: Request, answer: Answer) -> None:
        handler.send_response(answer.code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.close_connection = True
        for line in answer.lines or ():
            self._chunk(handler, json.dumps(line).encode() + b"\n")
            if self.over.is_set():
                return
        if answer.half_line:
            self._chunk(handler, answer.half_line)
        elif answer.silent:
            self.over.wait()
        elif not answer.cut:
            if answer.quiet:
                self.over.wait(float(request.query["timeoutSeconds"]))
            self._chunk(handler, b"")

    def _chunk(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
