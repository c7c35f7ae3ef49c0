# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_processes
short_description: Look at the processes of a container of a pod
version_added: 1.0.0
description:
  - Reads C(/proc) in the container, so that pids are those that the container sees, and signal masks can be seen.
  - The container needs C(sh), as C(/bin/sh) or in its C(PATH), and C(cat), there or in the usual folders. One that has
    neither can be looked into by an ephemeral container that has them and shares its processes (C(kubectl debug
    --target)); name that one with O(container) then.
  - Where there is a zombie, it looks again two seconds later.
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
      - The name of a running container of the pod, of whichever kind.
      - Can be left out when the pod has only one, init containers and ephemeral containers not counted.
    type: str
notes:
  - Needs the rights to C(get) pods, and to C(create) and C(get) C(pods/exec).
  - Signal masks alone do not say how a process ends. C(tini) has no handler at all and waits for its signals, which no
    mask shows; another catches SIGTERM and stays. See it with M(workshop.production_patterns.pod_stop).
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - kubernetes.core.k8s_auth_options
  - workshop.production_patterns.cluster
  - workshop.production_patterns.waiting
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

- name: Its first process has to reap what ends
  ansible.builtin.assert:
    that: seen.zombies == 0
    fail_msg: "{{ seen.processes | selectattr('state', '==', 'Z') }}"

- name: Wait until nothing but the first process is left
  workshop.production_patterns.pod_processes:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: zombies
    pod: sleeper
    for: processes == [pid1]
    seconds: 30
  register: alone

- name: Look into a container without a shell, by way of an ephemeral container that shares its processes
  workshop.production_patterns.pod_processes:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: shop
    pod: basket
    container: debugger
"""

RETURN = r"""
processes:
  description:
    - The processes of the container by pid, without those that this module needs for looking.
    - Of a container that shares its processes with others, its own alone, by their control groups. Of an ephemeral
      container that was given a target, its own and those of the target.
  type: list
  elements: dict
  returned: success
  contains: &process
    pid:
      description: The number of the process, as the container sees it.
      type: int
      sample: 1
    ppid:
      description: The number of its parent; 0 when the parent is outside of what the container sees.
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
    container:
      description: The name of the container that it belongs to.
      type: str
      sample: sleeper
pid1:
  description:
    - The process with pid 1; V(null) where that is none of RV(processes), as in a pod whose containers share their
      processes.
  type: dict
  returned: success
  contains: *process
process_namespace:
  description:
    - Whose processes the container sees. C(container), its own alone; C(target), those of the target of an ephemeral
      container too; C(pod), those of all containers (C(shareProcessNamespace)); C(node), all of the node (C(hostPID)).
  type: str
  returned: success
  sample: container
zombies:
  description:
    - How many of the processes were zombies in both looks, two seconds apart, so that their parents, which are alive,
      had this time to reap them and did not. A parent that reaps more seldom is not told from one that never does.
    - V(null) when there was a zombie and no second look, since the container has no C(sleep).
  type: int
  returned: success
  sample: 0
met:
  description: Whether all conditions held at one look.
  type: bool
  returned: with O(for)
  sample: true
msg:
  description: What did not come to hold, in a sentence, for a task that takes it for a failure.
  type: str
  returned: when it was not met
  sample: "After 60 seconds this did not hold yet: web.ready"
unmet:
  description: The conditions that did not hold at the last look.
  type: list
  elements: str
  returned: with O(for)
  sample: []
why:
  description: Of the unmet conditions that could not be evaluated, why.
  type: dict
  returned: with O(for)
  sample: {}
seconds:
  description: How long it waited.
  type: float
  returned: with O(for)
  sample: 4.204
"""

import json
from typing import Any, NamedTuple

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import ApiException, Cluster, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import Json, chosen_container, statuses
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import (
    LISTING,
    Listing,
    owner,
    parse_listing,
)

try:
    from kubernetes.client import CoreV1Api
    from kubernetes.stream import stream, ws_client
except ImportError:
    # kubernetes.core says so.
    pass

LOOK_SECONDS = 60
_SHELL = "/bin/sh"


class Said(NamedTuple):
    """What an exec printed, and what the runtime says of its end, empty where all went well."""

    output: str
    trouble: str


def impersonating(websocket: type, headers: dict[str, str]) -> type:
    """A class of websockets that carry the impersonation among these headers, as those of the client do not."""
    lines = [f"{name}: {value}" for name, value in headers.items() if name.startswith("Impersonate-")]

    class Impersonating(websocket):  # type: ignore[misc,valid-type]
        def connect(self, url: str, **options: Any) -> None:
            super().connect(url, **{**options, "header": [*options.get("header", ()), *lines]})

    return Impersonating


def running_container(pod: Json, name: str | None) -> str:
    """The name of the container to look at, when it can be looked at."""
    name, container = chosen_container(pod, name)
    if container["state"] != "running":
        words = [" ".join(part.split()) for part in (container["reason"], container["message"]) if part]
        reason = f" ({': '.join(words)})" if words else ""
        hint = ": wait until it runs." if container["state"] == "waiting" else "."
        raise Problem(
            f"Container {name} of pod {pod['metadata']['name']} is not running but {container['state']}{reason}{hint}"
        )
    return name


def process_namespace(pod: Json, container: str) -> tuple[str, set[str]]:
    """Whose processes a container sees, and the names of the containers whose processes are asked for."""
    spec = pod["spec"]
    ephemeral = {found["name"]: found for found in spec.get("ephemeralContainers") or ()}
    target = ephemeral.get(container, {}).get("targetContainerName")
    if spec.get("hostPID"):
        return "node", {container}
    if spec.get("shareProcessNamespace"):
        return "pod", {container}
    if target:
        return "target", {container, target}
    return "container", {container}


def census(pod: Json, container: str, listing: Listing) -> dict[str, Any]:
    """The processes that belong to the container, or a problem when they can't be told from those of others."""
    kind, wanted = process_namespace(pod, container)
    ids = {
        status["containerID"].rpartition("/")[2]: name
        for name, status in statuses(pod).items()
        if status.get("containerID")
    }
    if kind == "container":
        owners: list[str | None] = [container] * len(listing.seen)
    else:
        if owner(listing.shell_cgroup, listing.shell_cgroup, container, ids) != container:
            raise Problem(
                f"Container {container} of pod {pod['metadata']['name']} shares its processes ({kind}), and the "
                "control groups in its /proc do not tell which are its own: look on the node."
            )
        owners = [owner(one.cgroup, listing.shell_cgroup, container, ids) for one in listing.seen]
    processes = [
        {**one.process, "container": name} for one, name in zip(listing.seen, owners, strict=True) if name in wanted
    ]
    pids = {process["pid"] for process in processes}
    return {
        "processes": processes,
        "pid1": next((process for process in processes if process["pid"] == 1), None),
        "process_namespace": kind,
        "zombies": None if listing.zombies is None else len(listing.zombies & pids),
    }


def execute(cluster: Cluster, pod: str, container: str, command: list[str], where: str) -> Said:
    """Run a command in a container, within a time."""
    client = cluster.client
    ws_client.WebSocket = impersonating(ws_client.WebSocket, client.default_headers)
    try:
        looking = stream(
            CoreV1Api(client).connect_get_namespaced_pod_exec,
            pod,
            cluster.params["namespace"],
            container=container,
            command=command,
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
    except AttributeError as error:
        # The Kubernetes client stumbles over a refusal, which has no body.
        if isinstance(error.__context__, ApiException):
            raise error.__context__ from None
        raise
    looking.run_forever(timeout=LOOK_SECONDS)
    if looking.is_open():
        looking.close()
        raise Problem(f"{where} did not list its processes within {LOOK_SECONDS} seconds: see whether it hangs.")
    output, errors = looking.read_stdout(timeout=0), looking.read_stderr(timeout=0)
    status = looking.read_channel(ws_client.ERROR_CHANNEL)
    if not status:
        return Said(output, "the connection ended early")
    told = json.loads(status)
    return Said(output, errors.strip() if told["status"] == "Success" else f"{told['message']} {errors}".strip())


def observe(cluster: Cluster) -> dict[str, Any]:
    name = cluster.params["pod"]
    pod, _version = cluster.pod(name, cluster.params["namespace"])
    container = running_container(pod, cluster.params["container"])
    where = f"Container {container} of pod {name}"
    # An exec takes no environment, and the container's own PATH may have none of the usual folders.
    script = f'PATH="${{PATH:+$PATH:}}/usr/local/bin:/usr/bin:/bin"; {LISTING}'
    said = execute(cluster, name, container, [_SHELL, "-c", script], where)
    if _SHELL in said.trouble and not said.output:
        # Some images have theirs elsewhere, in their PATH; the words are about the first if there is none either.
        other = execute(cluster, name, container, ["sh", "-c", script], where)
        said = other if other.output else said
    return {"changed": False, **census(pod, container, parse_listing(said.output, where, said.trouble))}


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str", "required": True},
            "container": {"type": "str"},
            # The action of this name takes these two, and never hands them on.
            "for": {"type": "raw"},
            "seconds": {"type": "float"},
        },
        observe,
    )


if __name__ == "__main__":
    main()
