# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from ansible_collections.workshop.production_patterns.plugins.modules import image_contents


def tar(path: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


LAYER = tar("src/hello.c", b"int main")
IMAGE = {
    "Id": "sha256:1",
    "RootFS": {"Layers": [f"sha256:{hashlib.sha256(LAYER).hexdigest()}"]},
    "Config": {"User": "nobody", "Cmd": ["/hello"], "Env": ["A=1=2", "EMPTY="], "Volumes": {"/src/hello.c": {}}},
}
EXPORT = "GET /images/sha256:1/get"


@pytest.fixture
def holds(engine, answer):
    engine.on("GET /images/hello/json", answer(IMAGE))
    engine.on(EXPORT, answer(tar("l/layer.tar", LAYER)))


def test_an_image_is_looked_into_without_a_container(engine, call, holds):
    said = call(image_contents, image="hello", read=["/src/hello.c", "/gone"])
    assert said["id"] == "sha256:1"
    assert said["sources"] == ["/src/hello.c"]
    assert said["files"] == {"/src/hello.c": "int main", "/gone": None}
    assert said["config"] == {
        "user": "nobody",
        "entrypoint": [],
        "cmd": ["/hello"],
        "env": {"A": "1=2", "EMPTY": ""},
    }
    assert not said["changed"]
    assert all(request.startswith("GET") for request in engine.asked)


def test_an_image_without_layers_is_not_exported_and_has_its_steps_all_the_same(engine, call, answer):
    engine.on("GET /images/hello/json", answer({"Id": "sha256:1", "RootFS": {"Type": "layers"}, "Config": None}))
    engine.on(EXPORT, answer({"message": "empty export - not implemented"}, 500))
    engine.on("GET /images/sha256:1/history", answer([{"CreatedBy": "CMD [x]", "Size": 0}, {"CreatedBy": ""}]))
    said = call(image_contents, image="hello", read=["/x"])
    assert said["layers"] == [
        {"digest": None, "created_by": None, "size_bytes": 0},
        {"digest": None, "created_by": "CMD [x]", "size_bytes": 0},
    ]
    assert (said["entries"], said["files"], said["config"]["user"]) == (0, {"/x": None}, "")


def test_an_export_that_is_cut_short_is_no_answer(engine, call, holds, answer):
    engine.on(EXPORT, answer(tar("l/layer.tar", LAYER), cut_short=True))
    said = call(image_contents, image="hello")
    assert said["failed"]
    assert "broke off its answer" in said["msg"]


@pytest.mark.parametrize(
    ("seconds", "status", "sentence"),
    [(3, 200, "did not answer in time"), (0, 500, "The Docker engine refused: no space left on device")],
)
def test_an_export_that_does_not_come(engine, call, holds, answer, seconds, status, sentence):
    engine.on(EXPORT, answer({"message": "no space left on device"}, status, seconds))
    assert sentence in call(image_contents, image="hello")["msg"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": "gone"}, "There is no image gone on this Docker engine: pull or build it first"),
        ({"image": "hello", "read": ["src"]}, "src in read is no absolute path"),
    ],
)
def test_what_cannot_be_looked_into(call, holds, options, sentence):
    assert call(image_contents, **options)["msg"].startswith(sentence)
