# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_contents
short_description: Look into a Docker image without running it
version_added: 1.0.0
description:
  - Says how large an image is and what made it so, and which tools and sources it holds.
  - A container is made from the image to read its files, is never started, and is removed again.
options:
  image:
    description:
      - The name or the ID of an image that is on the engine. It is not pulled.
    type: str
    required: true
  read:
    description:
      - Absolute paths of files whose text is wanted.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode.
  diff_mode:
    support: none
  platform:
    platforms: posix
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - community.docker.docker
  - community.docker.docker.docker_py_2_documentation
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Look into the image
  workshop.production_patterns.image_contents:
    image: localhost:5001/hello:single-stage
    read:
      - /src/hello.c
  register: single_stage

- name: Show what an attacker would find in it
  ansible.builtin.debug:
    msg: "{{ single_stage.compilers + single_stage.shells }}"
"""

RETURN = r"""
id:
  description: The ID of the image.
  type: str
  returned: success
  sample: sha256:6f1e0f2f6b6b0b1c4a7b0c6c0e1d7b8a9d3f5e2c1b0a99887766554433221100
size_bytes:
  description: The size of the image.
  type: int
  returned: success
  sample: 2094592
layers:
  description: The steps that made the image, the first one first.
  type: list
  elements: dict
  returned: success
  contains:
    digest:
      description:
        - The digest of the layer that the step made. V(null) for a step that changed only the configuration.
        - V(null) throughout where the engine does not say which step made which layer.
      type: str
      sample: sha256:8d3ac3489996423f53d6087c81180006263b79f206d3fdec9e66f0e27ceb8759
    created_by:
      description: The instruction.
      type: str
      sample: COPY hello /hello
    size_bytes:
      description: The size of the layer.
      type: int
      sample: 16384
entries:
  description: How many files the image holds, symbolic links included, directories and devices not.
  type: int
  returned: success
  sample: 3
compilers:
  description: The paths of compilers.
  type: list
  elements: str
  returned: success
  sample:
    - /usr/bin/gcc
    - /usr/bin/x86_64-linux-gnu-gcc-14
package_managers:
  description: The paths of package managers.
  type: list
  elements: str
  returned: success
  sample:
    - /usr/bin/apt
shells:
  description: The paths of shells, BusyBox included.
  type: list
  elements: str
  returned: success
  sample:
    - /usr/bin/bash
sources:
  description:
    - The paths of sources of programs (C, C++, Go, Rust and Java) outside the folders in which distributions keep
      those of their own.
  type: list
  elements: str
  returned: success
  sample:
    - /src/hello.c
files:
  description:
    - The texts of the files that O(read) names, by path, each up to its first 64 KiB. Links are followed.
    - V(null) for what is not there or is no file.
  type: dict
  returned: success
  sample:
    /src/hello.c: |
      int main(void) { return 0; }
config:
  description: What a container of the image starts with.
  type: dict
  returned: success
  contains:
    user:
      description: The user; empty for root.
      type: str
      sample: ""
    entrypoint:
      description: The entrypoint.
      type: list
      elements: str
      sample: []
    cmd:
      description: The command.
      type: list
      elements: str
      sample:
        - /hello
    env:
      description: The environment, values by name.
      type: dict
      sample:
        PATH: /usr/local/bin:/usr/bin
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.community.docker.plugins.module_utils.common import NotFound
from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import Engine, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.images import (
    OF_THE_ENGINE,
    contents,
    layers,
    text,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


@contextmanager
def unstarted_container(engine: Engine, image_id: str) -> Iterator[str]:
    # An image may have no command of its own, and nothing runs it.
    container_id: str = engine.create_container(image_id, command=["never-started"])["Id"]
    try:
        yield container_id
    finally:
        engine.remove_container(container_id, v=True, force=True)


def read(engine: Engine, container_id: str, path: str) -> str | None:
    try:
        archive, status = engine.get_archive(container_id, path)
        if path in OF_THE_ENGINE and status["size"] == 0:
            return None
        if status["linkTarget"]:
            archive, _status = engine.get_archive(container_id, status["linkTarget"])
        return text(archive)
    except NotFound:
        return None


def observe(engine: Engine) -> dict[str, Any]:
    paths = engine.module.params["read"]
    for path in paths:
        if not path.startswith("/"):
            raise Problem(f"{path} in read is no absolute path: let it begin with a slash.")
    image = engine.image(engine.module.params["image"])
    with unstarted_container(engine, image["Id"]) as container_id:
        held = contents(engine.export(container_id))
        files = {path: read(engine, container_id, path) for path in paths}
    config = image["Config"] or {}
    return {
        "changed": False,
        "id": image["Id"],
        "size_bytes": image["Size"],
        "layers": layers(engine.history(image["Id"]), image["RootFS"].get("Layers") or []),
        **held,
        "files": files,
        "config": {
            "user": config.get("User") or "",
            "entrypoint": config.get("Entrypoint") or [],
            "cmd": config.get("Cmd") or [],
            "env": dict(variable.partition("=")[::2] for variable in config.get("Env") or []),
        },
    }


def main() -> None:
    run(
        {
            "image": {"type": "str", "required": True},
            "read": {"type": "list", "elements": "str", "default": []},
        },
        observe,
    )


if __name__ == "__main__":
    main()
