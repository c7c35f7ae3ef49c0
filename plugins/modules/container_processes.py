# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_processes
short_description: Look at the processes of a Docker container
version_added: 1.0.0
description:
  - Reads C(/proc) in the container, so that pids are those of the container, and signal masks can be seen.
  - The container needs C(sh) and C(cat).
options:
  container:
    description:
      - The name or the ID of a running container.
    type: str
    required: true
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
- name: Look at the processes of the container
  workshop.production_patterns.container_processes:
    container: sleeper
  register: seen

- name: Show whether its first process handles SIGTERM
  ansible.builtin.debug:
    msg: "{{ 'SIGTERM' in seen.pid1.caught }}"
"""

RETURN = r"""
processes:
  description: The processes by pid, without those that this module needs for looking.
  type: list
  elements: dict
  returned: success
  contains: &process
    pid:
      description: The number of the process in the container.
      type: int
      sample: 1
    ppid:
      description: The number of its parent; 0 when the parent is outside the container.
      type: int
      sample: 0
    state:
      description: Its state as one letter, such as C(S) for sleeping, C(R) for running and C(Z) for a zombie.
      type: str
      sample: S
    name:
      description: The name of its program, at most 15 characters.
      type: str
      sample: sleep
    command:
      description: Its command line; empty for a zombie.
      type: str
      sample: sleep 1000
    caught:
      description: The signals that it has a handler for.
      type: list
      elements: str
      sample: []
    ignored:
      description: The signals that it ignores on purpose.
      type: list
      elements: str
      sample: []
    blocked:
      description: The signals that it has blocked.
      type: list
      elements: str
      sample: []
pid1:
  description: The process with pid 1.
  type: dict
  returned: success
  contains: *process
zombies:
  description: How many of the processes are zombies.
  type: int
  returned: success
  sample: 0
"""

from typing import Any

from ansible_collections.community.docker.plugins.module_utils.common import APIError
from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import Engine, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import LISTING, census


def observe(engine: Engine) -> dict[str, Any]:
    name = engine.module.params["container"]
    container = engine.running_container(name)
    looking = engine.exec_create(container["Id"], ["sh", "-c", LISTING], stderr=False)
    try:
        listing = engine.exec_start(looking["Id"])
    except APIError as error:
        # Engines differ in whether a missing sh is an error or only an output.
        if "executable file not found" not in str(error):
            raise
        listing = b""
    return {"changed": False, **census(listing.decode(errors="replace"), f"Container {name}")}


def main() -> None:
    run({"container": {"type": "str", "required": True}}, observe)


if __name__ == "__main__":
    main()
