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
  - The container needs C(sh) and C(cat), in its C(PATH) or in the usual folders. One that has neither can be looked
    into by another that has them and shares its processes (C(docker run --pid container:NAME)); name that one then.
    Its own processes are in the list too.
  - A container that shares the processes of its host (C(--pid host)), or those of another that does, is refused, since
    its own can't be told from others.
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
notes:
  - Signal masks alone do not say how a process ends. C(tini) has no handler at all and waits for its signals, which no
    mask shows; another process catches SIGTERM and stays. See it with
    M(workshop.production_patterns.container_stop).
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - community.docker.docker
  - community.docker.docker.docker_py_2_documentation
  - workshop.production_patterns.engine
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Look at the processes of the container
  workshop.production_patterns.container_processes:
    container: sleeper
  register: seen

- name: Its first process has to reap what ends
  ansible.builtin.assert:
    that: seen.zombies == 0
    fail_msg: "{{ seen.processes | selectattr('state', '==', 'Z') }}"
"""

RETURN = r"""
processes:
  description:
    - The processes by pid, without those that this module needs for looking.
    - Those of a container that shares the processes of this one are left out, by their control groups; where C(/proc)
      does not tell these they are in the list too.
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
      description: The signals that it has a handler for; V(null) where the kernel (such as that of gVisor) tells none.
      type: list
      elements: str
      sample: []
    ignored:
      description: The signals that it ignores; V(null) as for RV(processes[].caught).
      type: list
      elements: str
      sample: []
    blocked:
      description:
        - The signals that it has blocked; V(null) as for RV(processes[].caught).
        - Linux leaves out those that it is waiting for at the moment.
      type: list
      elements: str
      sample: []
pid1:
  description: The process with pid 1; V(null) where it is hidden from the user of the container.
  type: dict
  returned: success
  contains: *process
zombies:
  description:
    - How many of the processes were zombies in both looks, two seconds apart, so that their parents, which are alive,
      had this time to reap them and did not.
    - V(null) when there was a zombie and no second look, since the container has no C(sleep).
  type: int
  returned: success
  sample: 0
"""

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import Engine, Ran, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import LISTING, census

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def search_path(environment: list[str]) -> str:
    """The PATH of a container, and after it the usual folders, since sh may be where the container's own has it not."""
    own = dict(variable.partition("=")[::2] for variable in environment).get("PATH")
    return f"{own}:{PATH}" if own else PATH


def listing(ran: Ran, where: str) -> str:
    """The listing that a shell printed, or a problem in the words of the runtime or the shell."""
    output = ran.output.decode(errors="replace")
    # A process that ends meanwhile makes cat fail.
    if ran.exit_code in (0, 1) and "Pid:" in output:
        return output
    said = " ".join(dict.fromkeys(line.strip() for line in (ran.errors or output).splitlines()))
    raise Problem(
        f"{where} could not be looked into: {said or f'the shell ended with {ran.exit_code}'}. Processes are read with "
        "sh and cat; where an image lacks them, another container can have them and share its processes (docker run "
        "--pid container:NAME)."
    )


def sharing(engine: Engine, container: dict[str, Any], where: str) -> list[str]:
    """The identities of a container and of those whose processes it was given; a problem where they are the host's."""
    ids = [container["Id"]]
    mode = container["HostConfig"].get("PidMode") or ""
    while mode.startswith("container:"):
        target = engine.container(mode.removeprefix("container:"))
        ids.append(target["Id"])
        mode = target["HostConfig"].get("PidMode") or ""
    if mode == "host":
        raise Problem(
            f"{where} shares the processes of its host (--pid host), so its own cannot be told from others: see docker "
            "top, or look on the host."
        )
    return ids


def observe(engine: Engine) -> dict[str, Any]:
    name = engine.module.params["container"]
    container = engine.running_container(name)
    where = f"Container {name}"
    ids = sharing(engine, container, where)
    environment = {"PATH": search_path(container["Config"].get("Env") or [])}
    ran = engine.execute(container["Id"], ["sh", "-c", LISTING], environment, where)
    return {"changed": False, **census(listing(ran, where), where, ids=ids)}


def main() -> None:
    run({"container": {"type": "str", "required": True}}, observe)


if __name__ == "__main__":
    main()
