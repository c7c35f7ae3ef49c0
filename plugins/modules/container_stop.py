# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_stop
short_description: Stop a Docker container and measure how it ends
version_added: 1.0.0
description:
  - Stops a container as C(docker stop) does. Its first process gets SIGTERM (or the signal that the image asks for),
    and SIGKILL when it has not ended after the grace period.
  - The container stays, stopped.
options:
  container:
    description:
      - The name or the ID of a running container.
      - It must not be one that the engine removes when it ends (C(docker run --rm)), since its exit code would go
        with it.
    type: str
    required: true
  grace_seconds:
    description:
      - How long the container may take to end before it gets SIGKILL.
    type: int
    default: 10
attributes:
  check_mode:
    support: full
    details: In check mode nothing is stopped, and so nothing is measured.
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
- name: Stop the container
  workshop.production_patterns.container_stop:
    container: sleeper
    grace_seconds: 5
  register: stop

- name: Show how it ended
  ansible.builtin.debug:
    msg: "{{ stop.signal }} after {{ stop.seconds }} s"
"""

RETURN = r"""
seconds:
  description: How long it took until the container had ended.
  type: float
  returned: when not in check mode
  sample: 5.137
exit_code:
  description: The exit code of the first process.
  type: int
  returned: when not in check mode
  sample: 137
signal:
  description: The signal that the exit code stands for, or V(null).
  type: str
  returned: when not in check mode
  sample: SIGKILL
graceful:
  description: Whether the container ended before the grace period ran out, and not by SIGKILL.
  type: bool
  returned: when not in check mode
  sample: false
"""

import time
from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import Engine, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import exit_signal


def stop(engine: Engine) -> dict[str, Any]:
    name, grace_seconds = engine.module.params["container"], engine.module.params["grace_seconds"]
    if grace_seconds < 0:
        raise Problem(f"grace_seconds is {grace_seconds}: give 0 or more.")
    container = engine.running_container(name)
    if container["HostConfig"]["AutoRemove"]:
        raise Problem(f"Container {name} is removed when it ends, and its exit code with it: start it without --rm.")
    if engine.check_mode:
        return {"changed": True}

    begun = time.monotonic()
    engine.stop(container["Id"], timeout=grace_seconds)
    seconds = time.monotonic() - begun
    exit_code = engine.container(container["Id"])["State"]["ExitCode"]
    signal = exit_signal(exit_code)
    return {
        "changed": True,
        "seconds": round(seconds, 3),
        "exit_code": exit_code,
        "signal": signal,
        "graceful": signal != "SIGKILL" and seconds < grace_seconds,
    }


def main() -> None:
    run({"container": {"type": "str", "required": True}, "grace_seconds": {"type": "int", "default": 10}}, stop)


if __name__ == "__main__":
    main()
