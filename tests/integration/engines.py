# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Engines and proxies that are none and note what they are asked, and a way to run the engine's role beside them."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from runs import ROOT, Run

VERSION = "99.1.2"


class Handler(BaseHTTPRequestHandler):
    """Notes every request and answers as its server says."""

    def address_string(self) -> str:
        return "local"

    def log_message(self, *args: Any) -> None:
        """Write nothing: what was asked is in the list."""

    def answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")  # type: ignore[attr-defined]
        status, content = self.server.reply(self.path)  # type: ignore[attr-defined]
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_CONNECT = answer


class Server(ThreadingHTTPServer):
    """A proxy on the loopback address, or by its subclass an engine on a socket."""

    daemon_threads = True

    def __init__(self, address: Any) -> None:
        self.asked: list[str] = []
        super().__init__(address, Handler)

    def reply(self, path: str) -> tuple[int, dict[str, Any]]:
        return 502, {"message": "This proxy only counts."}


class Engine(Server):
    """As much of a Docker engine as is asked for its version."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "engine", 0

    def reply(self, path: str) -> tuple[int, dict[str, Any]]:
        if path.endswith("/_ping"):
            return 200, {}
        if path.endswith("/version"):
            return 200, {"Version": VERSION, "ApiVersion": "1.41", "MinAPIVersion": "1.24", "Os": "linux"}
        if path.endswith("/info"):
            return 200, {"ServerVersion": VERSION, "ID": "fake"}
        return 404, {"message": "This engine only answers."}


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Serve until the block ends."""
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def enter_role(
    folder: Path,
    environment: Mapping[str, str],
    entry: str = "check",
    tasks: list[dict[str, Any]] | None = None,
    user: list[str] | None = None,
    role: str = "lab_engine",
    **variables: Any,
) -> Run:
    """Enter the engine's role, or another, as the playbooks do, then do the tasks, as a user or oneself."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROOT / "playbooks/group_vars/all.yml")],
        "environment": "{{ workshop_environment }}",
        "tasks": [
            {
                "name": "Enter the role",
                "ansible.builtin.include_role": {
                    "name": f"workshop.production_patterns.{role}",
                    "tasks_from": entry,
                },
            },
            *(tasks or []),
        ],
    }
    playbook = folder / "play.yml"
    playbook.write_text(json.dumps([play]))
    playbook.chmod(0o644)
    process = subprocess.run(
        [*(user or []), "ansible-playbook", str(playbook), "--extra-vars", json.dumps(variables)],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "false",
            "COLUMNS": "1000",
            **environment,
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(process.returncode, process.stdout, None)
