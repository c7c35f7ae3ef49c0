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
  - It does not wait. Use C(until) with C(retries) and C(delay) where an outcome takes its time.
options:
  namespace:
    description:
      - The namespace of the pods.
    type: str
    required: true
  name:
    description:
      - The name of a pod. The task fails when there is none.
    type: str
  label_selectors:
    description:
      - Label selectors that the pods match, all of them. There may be no such pod.
      - Without this and without O(name), all pods of the namespace are meant.
    type: list
    elements: str
    default: []
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
- name: Wait until a container of the pod was killed for its memory
  workshop.production_patterns.pod_outcome:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: quotas
    name: hog
  register: hog
  until: hog.pods[0].oom_killed
  retries: 30
  delay: 1

- name: Look at all pods of the application
  workshop.production_patterns.pod_outcome:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: quotas
    label_selectors:
      - app = hog
  register: hogs
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
    node:
      description: The node that it was given to, or V(null).
      type: str
      sample: workshop-control-plane
    phase:
      description: Its phase.
      type: str
      sample: Running
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
          description: Why not.
          type: str
          sample: Unschedulable
        message:
          description: Why not, in words.
          type: str
          sample: "0/1 nodes are available: 1 Insufficient memory."
    containers:
      description: Its containers by name.
      type: dict
      contains:
        kind:
          description: C(container), C(init), or C(sidecar) for an init container that is always restarted.
          type: str
          sample: container
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
          description: C(waiting), C(running) or C(terminated).
          type: str
          sample: waiting
        reason:
          description: Why it is in this state.
          type: str
          sample: CrashLoopBackOff
        exit_code:
          description: Its exit code when it is terminated, or V(null).
          type: int
          sample: 137
        signal:
          description: The signal that the exit code stands for, or V(null).
          type: str
          sample: SIGKILL
        started_at:
          description: When it started, when it is running or terminated, or V(null).
          type: str
          sample: "2026-01-31T12:00:00Z"
        finished_at:
          description: When it ended, when it is terminated, or V(null).
          type: str
          sample: "2026-01-31T12:00:02Z"
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
        reason:
          description: The reason that the runtime gives.
          type: str
          sample: OOMKilled
        exit_code:
          description: The exit code.
          type: int
          sample: 137
        signal:
          description: The signal that the exit code stands for, or V(null).
          type: str
          sample: SIGKILL
        finished_at:
          description: When it ended.
          type: str
          sample: "2026-01-31T12:00:02Z"
    oom_killed:
      description:
        - Whether the reason of any of the terminations is C(OOMKilled).
        - The runtime now and then reports C(Error) for such a kill, so observe some restarts, or a second source.
      type: bool
      sample: true
    events:
      description: Its events, by the time they were last seen.
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
          type: str
          sample: "2026-01-31T12:00:03Z"
        last_time:
          description: When it was last seen.
          type: str
          sample: "2026-01-31T12:00:21Z"
"""

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Cluster, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import by_time, event, outcome


def observe(cluster: Cluster) -> dict[str, Any]:
    name, namespace = cluster.params["name"], cluster.params["namespace"]
    if name is not None:
        pods = [cluster.pod(name, namespace)[0]]
    else:
        selector = ",".join(cluster.params["label_selectors"])
        found = cluster.resource("Pod").get(namespace=namespace, label_selector=selector).to_dict()
        pods = sorted(found["items"], key=lambda pod: pod["metadata"]["name"])
    selector = "involvedObject.kind=Pod" + (f",involvedObject.name={name}" if name is not None else "")
    events = cluster.resource("Event").get(namespace=namespace, field_selector=selector).to_dict()["items"]
    return {
        "changed": False,
        "pods": [
            {
                **outcome(pod),
                "events": by_time(
                    [event(raw) for raw in events if raw["involvedObject"].get("uid") == pod["metadata"]["uid"]]
                ),
            }
            for pod in pods
        ],
    }


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "name": {"type": "str"},
            "label_selectors": {"type": "list", "elements": "str", "default": []},
        },
        observe,
        mutually_exclusive=[("name", "label_selectors")],
    )


if __name__ == "__main__":
    main()
