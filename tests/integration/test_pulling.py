# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Every way that a pull can go: the image gets its name here, or the role that asked is told to make it."""

from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import threading
import typing as t

import pytest
import yaml
from runs import ROOT, Playbook

HERE = "workshop/pull-trial:here"
BUSYBOX = "localhost:5001/workshop/busybox:trixie"


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Registry(http.server.BaseHTTPRequestHandler):
    """Has one image that can't be pulled, in a different way under each name."""

    layer = b"x" * 1_000_000
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()

    def log_message(self, *_args: object) -> None:
        """Keeps what it is asked to itself."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == "/v2/":
            return self.answer(200, b"{}")
        if "/with-login/" in self.path:
            return self.answer(401, b'{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}')
        if "/manifests/" in self.path:
            return self.answer(200, self.manifest(), "application/vnd.docker.distribution.manifest.v2+json")
        if self.path.endswith(digest(self.config)):
            return self.answer(200, self.config)
        # Half of the layer, and then nothing more.
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.layer)))
        self.end_headers()
        self.wfile.write(self.layer[: len(self.layer) // 2])
        self.wfile.flush()
        self.close_connection = True
        return None

    def manifest(self) -> bytes:
        config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest(self.config)}
        layer = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest(self.layer)}
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": {**config, "size": len(self.config)},
                "layers": [{**layer, "size": len(self.layer)}],
            }
        ).encode()

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.path != "/v2/":
            self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def broken_registry() -> t.Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"localhost:{server.server_port}"
    server.shutdown()


@pytest.fixture
def pull(lab: None, playbook: Playbook) -> t.Iterator[t.Callable[[str], t.Any]]:
    """Asks for an image as the lab's roles do, and gives what they are told."""

    def ask(source: str) -> t.Any:
        include = {"name": "workshop.production_patterns.lab_engine", "tasks_from": "pull"}
        variables = {"lab_engine_pull_source": source, "lab_engine_pull_name": HERE}
        told = {"content": "{{ lab_engine_pulled | to_json }}", "dest": str(playbook.folder / "told"), "mode": "0600"}
        tasks = [
            {"ansible.builtin.include_role": include, "vars": variables},
            {"ansible.builtin.copy": told},
        ]
        play = playbook.folder / "pull.yml"
        python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars": python, "tasks": tasks}]))
        run = playbook(str(play), config=ROOT / "ansible.cfg")
        assert run.code == 0, run.output
        said = f"{source} could not be pulled" in " ".join(run.output.split())
        answer = json.loads((playbook.folder / "told").read_text())
        assert said is (answer.get("image") is None), run.output
        return answer

    yield ask
    subprocess.run(["docker", "rmi", "--force", HERE], check=False, stdout=subprocess.DEVNULL)


def is_here() -> bool:
    return bool(output("docker", "image", "ls", "--quiet", HERE))


@pytest.fixture(scope="module")
def published(lab: None) -> str:
    """The digest of an image that a registry serves."""
    name = f"{BUSYBOX.rpartition(':')[0]}"
    digests = json.loads(output("docker", "image", "inspect", "--format", "{{json .RepoDigests}}", BUSYBOX))
    return next(entry for entry in digests if entry.startswith(name)).partition("@")[2]


@pytest.mark.parametrize("by", ["tag", "digest", "tag and digest"])
def test_what_a_registry_serves_is_pulled_and_named(pull, published, by):
    name = BUSYBOX.rpartition(":")[0]
    sources = {"tag": BUSYBOX, "digest": f"{name}@{published}", "tag and digest": f"{BUSYBOX}@{published}"}
    assert pull(sources[by])["image"]
    assert is_here()


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{broken}/half/image:1", id="the pull breaks off half-way"),
        pytest.param("{broken}/with-login/image:1", id="the registry asks for a login"),
        pytest.param("{busybox}@sha256:" + "0" * 64, id="the digest is another"),
        pytest.param("localhost:5001/workshop/nothing:1", id="there is no such image"),
        pytest.param("localhost:9/workshop/debian:trixie", id="no registry answers"),
    ],
)
def test_what_can_not_be_pulled_has_to_be_made(pull, broken_registry, source):
    answer = pull(source.format(broken=broken_registry, busybox=BUSYBOX))
    assert answer["msg"]
    assert "Traceback" not in answer["msg"]
    assert not is_here()
