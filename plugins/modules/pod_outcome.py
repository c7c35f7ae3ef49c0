# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_outcome
short_description: Look at how pods and their containers stand and ended
version_added: 1.0.0
description:
  - Reads the status of a pod, or of all pods that match, and their events.
  - It does not wait.
  - All times are in seconds since the epoch.
options:
  namespace:
    description:
      - The namespace of the pods.
    type: str
    required: true
  pod:
    description:
      - The name of a pod. The task fails when there is none.
    type: str
    aliases: [name]
  label_selectors:
    description:
      - Label selectors that the pods match, all of them. There may be no such pod.
      - Without this and without O(pod), all pods of the namespace are meant.
    type: list
    elements: str
    default: []
notes:
  - Needs the right to C(get) pods, and without O(pod) to C(list) them. Without the right to C(list) events the events
    are V(null), and RV(not_seen) says so.
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
- name: See how the pod stands
  workshop.production_patterns.pod_outcome:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: quotas
    pod: hog
  register: hog

- name: None of its containers was killed for its memory
  ansible.builtin.assert:
    that: hog.pods[0] is not workshop.production_patterns.oom_killed
    fail_msg: "{{ hog.pods[0].terminations }}"

- name: Look at all pods of the application
  workshop.production_patterns.pod_outcome:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: quotas
    label_selectors:
      - app = hog
  register: hogs

- name: Show those that were evicted or that a node rejected, and why
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.reason }}, {{ item.message }}"
  loop: "{{ hogs.pods | selectattr('reason') }}"
"""

RETURN = r"""
pods:
  description: The pods, by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name.
      type: str
      sample: hog
    uid:
      description: The identity of the pod, another one for each pod that ever bore the name.
      type: str
      sample: 0f3c0a1e-6a8b-4f6e-9a1c-0d6d5b0f2c11
    owners:
      description: What made it and makes another when it is gone, as a controller does; empty when nothing owns it.
      type: list
      elements: dict
      sample: []
      contains:
        kind:
          description: The kind of the owner.
          type: str
          sample: ReplicaSet
        name:
          description: The name of the owner.
          type: str
          sample: hog-69f785b554
    node:
      description: The node that it was given to, or V(null).
      type: str
      sample: workshop-control-plane
    mirror:
      description:
        - Whether it only shows a static pod, which the kubelet of its node has from a file. What is done to it in the
          API does not reach the containers.
      type: bool
      sample: false
    phase:
      description: Its phase; V(null) when nobody has looked at it yet.
      type: str
      sample: Running
    reason:
      description: >-
        Why the pod as a whole is in this state, such as C(Evicted), C(DeadlineExceeded), C(OutOfcpu), C(NodeAffinity)
        or C(NodeLost); V(null) for most pods.
      type: str
      sample: Evicted
    message:
      description: The same in words, or V(null).
      type: str
      sample: "The node was low on resource: memory."
    deletion_timestamp:
      description: When the grace period of its deletion is over, or V(null) when it is not being deleted.
      type: float
      sample: 1769860830.0
    disruption:
      description:
        - Why the cluster itself ends the pod, such as C(DeletionByTaintManager), C(EvictionByEvictionAPI),
          C(PreemptionByScheduler) or C(TerminationByKubelet); V(null) when it does not.
      type: str
      sample: null
    ready:
      description: Whether it is ready.
      type: bool
      sample: false
    scheduled:
      description: Whether a node was found for it.
      type: dict
      contains:
        status:
          description: C(True), C(False), or C(Unknown) when the scheduler has not looked at it.
          type: str
          sample: "True"
        reason:
          description: Why not, or V(null).
          type: str
          sample: Unschedulable
        message:
          description: Why not, in words, or V(null).
          type: str
          sample: "0/1 nodes are available: 1 Insufficient memory."
    containers:
      description: Its containers of whichever kind, by name.
      type: dict
      contains:
        kind:
          description: >-
            C(container), C(init), C(sidecar) for an init container that is always restarted, or C(ephemeral).
          type: str
          sample: container
        image:
          description: The name of the image that it asks for.
          type: str
          sample: localhost:5001/quotas/hog:1
        image_pull_policy:
          description: C(Always), C(IfNotPresent) or C(Never), which the cluster sets where the manifest does not.
          type: str
          sample: IfNotPresent
        image_digest:
          description:
            - The digest of the image that it runs, or V(null) while the cluster does not know it.
            - For an image that came to the node by no registry it is that of its configuration.
          type: str
          sample: sha256:8d3ac3489996423f53d6087c81180006263b79f206d3fdec9e66f0e27ceb8759
        id:
          description: The identity of the container, another one after each restart, or V(null).
          type: str
          sample: containerd://8d3ac3489996423f53d6087c81180006263b79f206d3fdec9e66f0e27ceb8759
        ready:
          description: Whether it is ready.
          type: bool
          sample: false
        started:
          description: Whether it has started, by its startup probe where it has one.
          type: bool
          sample: false
        restarts:
          description: How often it was restarted.
          type: int
          sample: 2
        state:
          description: C(waiting), also when the cluster knows nothing of it, C(running) or C(terminated).
          type: str
          sample: waiting
        reason:
          description: Why it is in this state, or V(null).
          type: str
          sample: CrashLoopBackOff
        message:
          description: The same in words, or what it left in its termination message, or V(null).
          type: str
          sample: back-off 20s restarting failed container=hog
        exit_code: &exit_code
          description:
            - Its exit code when it is terminated, or V(null).
            - V(null) too for an ending that nobody saw. For these the kubelet puts down 137 with the reason
              C(ContainerStatusUnknown), or C(RestartingAllContainers) where it took the container away to start all of
              the pod again, and 0 with C(Completed) for an init container that it lost; containerd 255 with C(Unknown),
              and CRI-O -1 with C(Error).
            - The runtime's own 128 with the reason C(StartError) says that the program could not be started.
          type: int
          sample: 137
        signal: &signal
          description: The signal that the exit code stands for, or V(null).
          type: str
          sample: SIGKILL
        started_at: &started_at
          description: When it started, when it is running or terminated, or V(null), also when it could not be started.
          type: float
          sample: 1769860800.0
        finished_at: &finished_at
          description: When it ended, when it is terminated, or V(null), also when nobody saw it.
          type: float
          sample: 1769860802.0
    terminations:
      description:
        - Every ending that the status knows, by time. A container has at most two, its present one and the one before.
      type: list
      elements: dict
      contains:
        container:
          description: The name of the container.
          type: str
          sample: hog
        ran:
          description: >-
            V(false) where the runtime could not start it, so that its program never ran. A busy one fails now and then,
            and the kubelet tries again.
          type: bool
          sample: true
        reason:
          description: >-
            The reason that the runtime gives, C(ContainerStatusUnknown) or such for an ending that nobody saw, or
            V(null).
          type: str
          sample: OOMKilled
        message:
          description: What it left in its termination message, or the words of the runtime, or V(null).
          type: str
          sample: null
        exit_code: *exit_code
        signal: *signal
        started_at: *started_at
        finished_at: *finished_at
    oom_killed:
      description:
        - Whether the reason of any of the terminations is C(OOMKilled).
        - The runtime now and then reports C(Error) for such a kill, so observe some restarts, or a second source.
      type: bool
      sample: true
    events:
      description:
        - Its events, by the time they were last seen; V(null) where they may not be listed.
        - The cluster keeps events for an hour unless it is told otherwise.
      type: list
      elements: dict
      contains:
        reason:
          description: The reason.
          type: str
          sample: BackOff
        type:
          description: C(Normal) or C(Warning).
          type: str
          sample: Warning
        message:
          description: What happened, in words.
          type: str
          sample: Back-off restarting failed container
        count:
          description: How often.
          type: int
          sample: 3
        first_time:
          description: When it was first seen.
          type: float
          sample: 1769860803.0
        last_time:
          description: When it was last seen.
          type: float
          sample: 1769860821.0
not_seen:
  description: What could not be seen and why, in sentences; empty where all was.
  type: list
  elements: str
  returned: success
  sample: []
"""

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    ApiException,
    Cluster,
    in_namespace,
    run,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import (
    Json,
    by_time,
    event,
    outcome,
    uids,
)


def read_events(cluster: Cluster, name: str | None, namespace: str) -> list[Json] | None:
    """The events of a pod, or of all pods; None where they may not be seen."""
    selector = "involvedObject.kind=Pod" + (f",involvedObject.name={name}" if name is not None else "")
    try:
        found = cluster.ask(f"{in_namespace(namespace)}/events", {"fieldSelector": selector})
    except ApiException as error:
        if error.status != 403:
            raise
        return None
    return list(found["items"])


def observe(cluster: Cluster) -> dict[str, Any]:
    name, namespace = cluster.params["pod"], cluster.params["namespace"]
    if name is not None:
        pods = [cluster.pod(name, namespace)[0]]
    else:
        selector = ",".join(cluster.params["label_selectors"])
        found = cluster.ask(f"{in_namespace(namespace)}/pods", {"labelSelector": selector})
        pods = sorted(found["items"], key=lambda pod: pod["metadata"]["name"])
    events = read_events(cluster, name, namespace)
    return {
        "changed": False,
        "pods": [
            {
                **outcome(pod),
                "events": None
                if events is None
                else by_time([event(raw) for raw in events if raw["involvedObject"].get("uid") in uids(pod)]),
            }
            for pod in pods
        ],
        "not_seen": []
        if events is not None
        else [f"The events in namespace {namespace} may not be listed with these credentials (403)."],
    }


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str", "aliases": ["name"]},
            "label_selectors": {"type": "list", "elements": "str", "default": []},
        },
        observe,
        mutually_exclusive=[("pod", "label_selectors")],
    )


if __name__ == "__main__":
    main()
