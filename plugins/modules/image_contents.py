# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_contents
short_description: Look into a Docker image without running it
version_added: 1.0.0
description:
  - Says how large an image is and what made it so, which tools and sources it holds, and which its lower layers still
    hold though a later one removed them. Whoever can pull the image can read those too.
  - Reads the layers as C(docker image save) exports them; no container is made, and nothing is left behind. An image of
    many gigabytes takes its time, and some engines are silent until they have gathered all of it; give a larger
    O(timeout) then.
  - Compilers and sources are known by their names. A program that was given another is not found.
  - Bytes of a path that are not UTF-8 are written as in C(caf\xe9), in O(read) too.
options:
  image:
    description:
      - The name or the ID of an image that is on the engine. It is not pulled.
    type: str
    required: true
  read:
    description:
      - Absolute paths of files whose text is wanted. Links are followed, as in a container of the image.
      - What is at a path where a container would have a volume is that of the image.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode.
requirements:
  - zstandard (the Python package; only for images whose layers the engine keeps compressed with zstd)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - community.docker.docker
  - community.docker.docker.docker_py_2_documentation
  - workshop.production_patterns.engine
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

- name: What runs in production needs no compiler, and nobody else needs its sources
  ansible.builtin.assert:
    that:
      - single_stage.compilers == []
      - single_stage.sources == []
      - single_stage.removed | selectattr('kind', 'in', ['compiler', 'source']) == []
    fail_msg: "{{ single_stage.compilers + single_stage.sources + single_stage.removed }}"
"""

RETURN = r"""
id:
  description: The ID of the image.
  type: str
  returned: success
  sample: sha256:6f1e0f2f6b6b0b1c4a7b0c6c0e1d7b8a9d3f5e2c1b0a99887766554433221100
size_bytes:
  description:
    - The size of all files in all layers, unpacked, those that a later layer removed included. It is the same whichever
      way the engine keeps its images.
    - A registry keeps and sends layers compressed, which is less.
  type: int
  returned: success
  sample: 2094592
layers:
  description:
    - The steps that made the image, the first one first.
    - Where the image has no history, or one that does not fit its layers, the layers alone.
  type: list
  elements: dict
  returned: success
  contains:
    digest:
      description:
        - The digest of the unpacked layer that the step made. V(null) for a step that changed only the configuration.
      type: str
      sample: sha256:8d3ac3489996423f53d6087c81180006263b79f206d3fdec9e66f0e27ceb8759
    created_by:
      description: The instruction; V(null) where the image does not tell it.
      type: str
      sample: COPY hello /hello
    size_bytes:
      description: The size of the files in the layer, unpacked.
      type: int
      sample: 16384
entries:
  description: How many files the image holds, symbolic links included, directories and devices not.
  type: int
  returned: success
  sample: 3
compilers:
  description:
    - The paths of compilers, in whichever folder, of Ada, C, C++, C#, COBOL, Crystal, CUDA, D, Dart, Elixir, Elm,
      Erlang, F#, Fortran, Gleam, Go, Groovy, Haskell, Java, Kotlin, Nim, Objective-C, OCaml, Pascal, Rust, Scala,
      Solidity, Swift, TypeScript, Vala, Visual Basic and Zig, and the parts of a toolchain that compile though its
      command is gone.
    - A link is one where it leads to a program; those below C(/etc) are left out.
  type: list
  elements: str
  returned: success
  sample:
    - /usr/bin/gcc
    - /usr/bin/x86_64-linux-gnu-gcc-14
package_managers:
  description: The paths of package managers, of distributions and of languages.
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
    - The paths of the image's own sources in languages that are compiled; headers and declarations are none.
    - Those that come with a distribution, a toolchain (its standard library) or a package manager (modules, crates,
      C(node_modules), C(site-packages)) are left out.
  type: list
  elements: str
  returned: success
  sample:
    - /src/hello.c
files:
  description:
    - The texts of the files that O(read) names, by path, each up to its first 64 KiB.
    - V(null) for what is not there, is no file, or is a link that leads nowhere.
  type: dict
  returned: success
  sample:
    /src/hello.c: |
      int main(void) { return 0; }
removed:
  description:
    - What lower layers still hold of compilers, package managers, shells and sources though a later layer removed it,
      and what they hold of the files that O(read) names where that is another text than in RV(files).
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The path in the layer.
      type: str
      sample: /src/hello.c
    kind:
      description: One of C(compiler), C(package_manager), C(shell), C(source), or C(file) for what is only read.
      type: str
      sample: source
    digest:
      description: The digest of the unpacked layer that holds it, as in RV(layers).
      type: str
      sample: sha256:8d3ac3489996423f53d6087c81180006263b79f206d3fdec9e66f0e27ceb8759
    text:
      description: Its text, up to the first 64 KiB, where O(read) names it; else V(null).
      type: str
      sample: |
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

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import Engine, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.images import Contents, Step, look
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


def contents(engine: Engine, image: dict[str, Any], paths: list[str]) -> Contents:
    """What the layers of an image hold; some engines refuse to export one that has none."""
    digests = image["RootFS"].get("Layers") or []
    if digests:
        return look(lambda: engine.get_image(image["Id"]), digests, paths)
    layers: list[Step] = [
        {"digest": None, "created_by": step.get("CreatedBy") or None, "size_bytes": 0}
        for step in reversed(engine.history(image["Id"]))
    ]
    return {**look(list, [], paths), "layers": layers}


def observe(engine: Engine) -> dict[str, Any]:
    paths = engine.module.params["read"]
    for path in paths:
        if not path.startswith("/"):
            raise Problem(f"{path} in read is no absolute path: let it begin with a slash.")
    image = engine.image(engine.module.params["image"])
    config = image.get("Config") or {}
    return {
        "changed": False,
        "id": image["Id"],
        **contents(engine, image, paths),
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
