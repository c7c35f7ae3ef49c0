# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_stop
short_description: Stop a Docker container and measure how it ends
version_added: 1.0.0
description:
  - Stops a container as C(docker stop) does. Its first process gets its stop signal (SIGTERM, unless the image or
    C(docker run --stop-signal) asks for another), and SIGKILL when it has not ended after the grace period.
  - The container stays, stopped. This proves whether it ends in time, as no look at its processes can.
options:
  container:
    description:
      - The name or the ID of a running container, which is neither paused nor waiting to be restarted.
      - It must not be one that the engine removes when it ends (C(docker run --rm)), since its exit code would go
        with it.
    type: str
    required: true
  grace_seconds:
    description:
      - How long the container may take to end before it gets SIGKILL; 0 or more.
      - By default what C(docker run --stop-timeout) gave the container (C(stop_grace_period) of Compose), or else 10.
    type: int
attributes:
  check_mode:
    support: full
    details: In check mode nothing is stopped, and so nothing is measured.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - community.docker.docker
  - community.docker.docker.docker_py_2_documentation
  - workshop.production_patterns.engine
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Stop the container
  workshop.production_patterns.container_stop:
    container: sleeper
  register: stop

- name: It has to end by itself in the time that it is given
  ansible.builtin.assert:
    that: stop.graceful
    fail_msg: "{{ stop.signal or stop.exit_code }} after {{ stop.seconds }} s of {{ stop.grace_seconds }} s"
"""

RETURN = r"""
stop_signal:
  description: The signal that the first process gets, in check mode that it would get.
  type: str
  returned: success
  sample: SIGTERM
grace_seconds:
  description: How long the container may take to end before it gets SIGKILL.
  type: int
  returned: success
  sample: 10
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
  description:
    - Whether the container ended before the grace period ran out, and not by SIGKILL. Its exit code may still tell of a
      failure.
  type: bool
  returned: when not in check mode
  sample: false
"""

import time
from typing import Any

from ansible_collections.community.docker.plugins.module_utils.common import (
    APIError,
    NotFound,
    RequestException,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import (
    Engine,
    connection_sentence,
    engine_words,
    run,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import exit_signal

# The engine's own.
GRACE_SECONDS = 10


def stop_signal(config: dict[str, Any]) -> str:
    """The name of the signal that a container is stopped with, which may stand there as SIGINT, INT or 2."""
    asked = (config.get("StopSignal") or "SIGTERM").upper()
    if asked.isdecimal():
        return exit_signal(128 + int(asked)) or asked
    return f"SIG{asked.removeprefix('SIG')}"


def grace(config: dict[str, Any], asked: int | None, name: str) -> int:
    """How many seconds a container may take to end: those asked for, its own, or the engine's."""
    if asked is not None:
        if asked < 0:
            raise Problem(f"grace_seconds is {asked}: give 0 or more.")
        return asked
    own: int | None = config.get("StopTimeout")
    if own is not None and own < 0:
        raise Problem(f"Container {name} may take forever to stop (--stop-timeout {own}): give grace_seconds.")
    return GRACE_SECONDS if own is None else own


def stop(engine: Engine) -> dict[str, Any]:
    name = engine.module.params["container"]
    container = engine.running_container(name)
    grace_seconds = grace(container["Config"], engine.module.params["grace_seconds"], name)
    if container["HostConfig"]["AutoRemove"]:
        raise Problem(f"Container {name} is removed when it ends, and its exit code with it: start it without --rm.")
    result = {"changed": True, "stop_signal": stop_signal(container["Config"]), "grace_seconds": grace_seconds}
    if engine.check_mode:
        return result

    begun = time.monotonic()
    try:
        engine.stop(container["Id"], timeout=grace_seconds)
        seconds = time.monotonic() - begun
        state = engine.inspect_container(container["Id"])["State"]
    except NotFound:
        raise Problem(
            f"Container {name} was removed by somebody else while it was being stopped, and its exit code with it.",
            **result,
        ) from None
    except APIError as error:
        raise Problem(f"The Docker engine refused: {engine_words(error)}", **result) from None
    except (RequestException, OSError) as error:
        cause = connection_sentence(engine.module.params["docker_host"], str(error))
        raise Problem(f"Container {name} was told to stop, and how it ended was not seen. {cause}", **result) from None
    # Its exit code may be that of an end before the stop, as of a container that restarts again and again.
    if state["Running"] or state.get("StartedAt") != container["State"].get("StartedAt"):
        raise Problem(f"Container {name} was started again while it was being stopped.", **result)
    signal = exit_signal(state["ExitCode"])
    return {
        **result,
        "seconds": round(seconds, 3),
        "exit_code": state["ExitCode"],
        "signal": signal,
        "graceful": signal != "SIGKILL" and seconds < grace_seconds,
    }


def main() -> None:
    run({"container": {"type": "str", "required": True}, "grace_seconds": {"type": "int"}}, stop)


if __name__ == "__main__":
    main()
