# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_processes
short_description: Look at the processes of a container of a pod
version_added: 1.0.0
description:
  - Reads C(/proc) in the container, so that pids are those of the container, and signal masks can be seen.
  - The container needs C(sh) and C(cat).
options:
  namespace:
    description:
      - The namespace of the pod.
    type: str
    required: true
  pod:
    description:
      - The name of the pod.
    type: str
    required: true
  container:
    description:
      - The name of a running container of the pod.
      - Can be left out when the pod has only one, init containers not counted.
    type: str
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - kubernetes.core.k8s_auth_options
  - workshop.production_patterns.cluster
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Look at the processes of the pod
  workshop.production_patterns.pod_processes:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: zombies
    pod: sleeper
  register: seen

- name: Show how many zombies there are
  ansible.builtin.debug:
    msg: "{{ seen.zombies }}"
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

import json
from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Cluster, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import Json, outcome
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import LISTING, census

try:
    from kubernetes.client import CoreV1Api
    from kubernetes.stream import stream
    from kubernetes.stream.ws_client import ERROR_CHANNEL
except ImportError:
    # kubernetes.core says so.
    pass

LOOK_SECONDS = 60


def running_container(pod: Json, name: str | None) -> str:
    """The name of the container to look at, when it can be looked at."""
    pod_name = pod["metadata"]["name"]
    containers = outcome(pod)["containers"]
    if name is None:
        names = [container["name"] for container in pod["spec"]["containers"]]
        if len(names) > 1:
            raise Problem(f"Pod {pod_name} has several containers: name one with container ({', '.join(names)}).")
        name = names[0]
    if name not in containers:
        raise Problem(f"Pod {pod_name} has no container {name}: it has {', '.join(containers)}.")
    state = containers[name]["state"]
    if state != "running":
        reason = containers[name]["reason"]
        raise Problem(
            f"Container {name} of pod {pod_name} is not running but {state}"
            f"{f' ({reason})' if reason else ''}: wait until it runs."
        )
    return name


def observe(cluster: Cluster) -> dict[str, Any]:
    pod, _version = cluster.pod(cluster.params["pod"], cluster.params["namespace"])
    container = running_container(pod, cluster.params["container"])
    where = f"Container {container} of pod {cluster.params['pod']}"
    looking = stream(
        CoreV1Api(cluster.dynamic.client).connect_get_namespaced_pod_exec,
        cluster.params["pod"],
        cluster.params["namespace"],
        container=container,
        command=["sh", "-c", LISTING],
        stdout=True,
        stderr=False,
        stdin=False,
        tty=False,
        _preload_content=False,
    )
    looking.run_forever(timeout=LOOK_SECONDS)
    if looking.is_open():
        looking.close()
        raise Problem(f"{where} did not list its processes within {LOOK_SECONDS} seconds: see whether it hangs.")
    listing = looking.read_stdout(timeout=0)
    said = json.loads(looking.read_channel(ERROR_CHANNEL) or "{}").get("message", "")
    if not listing and "executable file not found" not in said:
        raise Problem(f"{where} could not be looked into: {said or 'the connection ended early'}")
    return {"changed": False, **census(listing, where)}


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str", "required": True},
            "container": {"type": "str"},
        },
        observe,
    )


if __name__ == "__main__":
    main()
