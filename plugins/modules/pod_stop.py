# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_stop
short_description: Delete a pod and measure how it ends
version_added: 1.0.0
description:
  - Deletes a pod and watches it until it is gone. The containers get SIGTERM, and SIGKILL when they have not ended
    after the grace period.
  - The watch begins at the version of the cluster before the deletion, so that it misses nothing.
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
  grace_seconds:
    description:
      - The grace period, instead of that of the pod.
    type: int
  timeout:
    description:
      - How many seconds to watch for the pod to go. The task fails when it is still there then.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    details: In check mode nothing is deleted, and so nothing is measured.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - kubernetes.core.k8s_auth_options
  - workshop.production_patterns.cluster
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Delete the pod
  workshop.production_patterns.pod_stop:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: zombies
    pod: sleeper
  register: stop

- name: Show how its container ended
  ansible.builtin.debug:
    msg: "{{ stop.containers.sleeper.signal }} after {{ stop.seconds }} s"
"""

RETURN = r"""
seconds:
  description: How long it took from the deletion until the pod was gone.
  type: float
  returned: when not in check mode
  sample: 30.871
deleted_at:
  description: When the API was asked to delete it, in seconds since the epoch.
  type: float
  returned: when not in check mode
  sample: 1769860800.123
grace_seconds:
  description: The grace period in force.
  type: int
  returned: success
  sample: 30
containers:
  description:
    - How each container ended, by its name, init containers included.
    - The values are V(null) for a container whose end did not show in the status of the pod before it was gone.
  type: dict
  returned: when not in check mode
  contains:
    exit_code:
      description: Its exit code; V(null) also where the kubelet made one up, for a container that it did not see end.
      type: int
      sample: 137
    signal:
      description: The signal that the exit code stands for, or V(null).
      type: str
      sample: SIGKILL
    reason:
      description: The reason that the runtime gives, or C(ContainerStatusUnknown) for an ending that nobody saw.
      type: str
      sample: Error
    message:
      description: What it left in its termination message, or the words of the runtime, or V(null).
      type: str
      sample: null
    started_at:
      description: When it started, in seconds since the epoch; V(null) also when it never did.
      type: float
      sample: 1769860770.0
    finished_at:
      description: When it ended, in seconds since the epoch.
      type: float
      sample: 1769860830.0
  sample:
    sleeper:
      exit_code: 137
      signal: SIGKILL
      reason: Error
      message: null
      started_at: 1769860770.0
      finished_at: 1769860830.0
"""

import time
from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Cluster, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import endings
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


def stop(cluster: Cluster) -> dict[str, Any]:
    name, namespace, timeout = (cluster.params[option] for option in ("pod", "namespace", "timeout"))
    grace_seconds = cluster.params["grace_seconds"]
    if (grace_seconds or 0) < 0:
        raise Problem(f"grace_seconds is {grace_seconds}: give 0 or more.")
    if timeout < 1:
        raise Problem(f"timeout is {timeout}: give 1 or more.")
    pod, version = cluster.pod(name, namespace)
    uid = pod["metadata"]["uid"]
    if "deletionTimestamp" in pod["metadata"]:
        raise Problem(f"Pod {name} in namespace {namespace} is being deleted already: its end can't be measured.")
    if grace_seconds is None:
        grace_seconds = pod["spec"]["terminationGracePeriodSeconds"]
    if cluster.check_mode:
        return {"changed": True, "grace_seconds": grace_seconds}

    pods = cluster.resource("Pod")
    deleted_at, begun = time.time(), time.monotonic()
    deleted = pods.delete(
        name=name,
        namespace=namespace,
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": grace_seconds,
            # Not another pod that has come to bear the name.
            "preconditions": {"uid": uid},
        },
    ).to_dict()
    # The cluster shortens it for a pod that has not been given to a node.
    grace_seconds = deleted["metadata"].get("deletionGracePeriodSeconds", grace_seconds)
    for event in pods.watch(namespace=namespace, name=name, resource_version=version, timeout=timeout):
        seen = event["raw_object"]
        if seen["metadata"]["uid"] != uid:
            continue
        pod = seen
        if event["type"] == "DELETED":
            return {
                "changed": True,
                "seconds": round(time.monotonic() - begun, 3),
                "deleted_at": round(deleted_at, 3),
                "grace_seconds": grace_seconds,
                "containers": endings(pod),
            }
    raise Problem(
        f"Pod {name} in namespace {namespace} was still there {timeout} seconds after its deletion with a grace period "
        f"of {grace_seconds} seconds: give a longer timeout, or look for finalizers.",
        changed=True,
        grace_seconds=grace_seconds,
        containers=endings(pod),
    )


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str", "required": True},
            "grace_seconds": {"type": "int"},
            "timeout": {"type": "int", "default": 120},
        },
        stop,
    )


if __name__ == "__main__":
    main()
