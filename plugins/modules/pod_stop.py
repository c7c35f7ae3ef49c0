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
  - The watch begins at the version of the pod that its deletion made, so that it misses nothing, and goes on when the
    connection is closed or cut.
  - What only mirrors a static pod is refused, since a deletion in the API does not end its containers.
  - It needs the rights to C(get) and C(delete) the pod. Without the right to C(watch) pods it looks once a second, and
    says so with RV(gaps). The right to C(list) events is for RV(told_at).
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
      - A connection that fails is tried again within these seconds.
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
  returned: success, when not in check mode
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
told_at:
  description:
    - When the node began to stop its containers, in whole seconds since the epoch, by the first event C(Killing) that
      came after the deletion.
    - V(null) where no such event has come by the time the pod is gone, or where events may not be listed.
  type: float
  returned: success, when not in check mode
  sample: 1769860801.0
gaps:
  description:
    - How often the watch could not go on where it had ended, because the cluster had forgotten what came then, or
      because the role may not watch pods. What showed only in between is missing from RV(containers), and RV(seconds)
      may be as much too long.
  type: int
  returned: when not in check mode
  sample: 0
containers:
  description:
    - How each container ended, by its name, init containers included.
    - The values are V(null) for a container whose end did not show in the status of the pod before it was gone.
    - A task that fails after the deletion returns what was seen until then.
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
      description: The reason that the runtime gives, or C(ContainerStatusUnknown) or such for one that nobody saw.
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
    stop_seconds:
      description:
        - How long that was after RV(told_at), in whole seconds as both are.
        - V(null) where one of them is, and for a container that had ended before.
      type: float
      sample: 29.0
  sample:
    sleeper:
      exit_code: 137
      signal: SIGKILL
      reason: Error
      message: null
      started_at: 1769860770.0
      finished_at: 1769860830.0
      stop_seconds: 29.0
"""

import time
from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    ApiException,
    Cluster,
    HTTPError,
    in_namespace,
    pod_path,
    run,
    sentence,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import MIRROR, Event, endings, event
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.watching import Look, Seen, Source, observe


def delete(cluster: Cluster, uid: str, grace_seconds: int) -> tuple[int, str | None]:
    """Ask for the deletion, and give the grace period in force, and the version of a pod that is still to go."""
    name, namespace = cluster.params["pod"], cluster.params["namespace"]
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": grace_seconds,
        # Not another pod that has come to bear the name.
        "preconditions": {"uid": uid},
    }
    try:
        deleted = cluster.ask(pod_path(name, namespace), method="DELETE", body=options)
    except (ApiException, HTTPError, ValueError) as error:
        if isinstance(error, ApiException) and 400 <= error.status < 500:
            raise
        raise Problem(
            f"Whether pod {name} in namespace {namespace} is being deleted is not known, since the answer to the "
            f"deletion is missing: {sentence(error)}",
            changed=True,
            grace_seconds=grace_seconds,
        ) from error
    metadata = deleted.get("metadata") or {}
    # The cluster shortens it for a pod that has not been given to a node, or has ended; that one is gone at once.
    in_force: int = metadata.get("deletionGracePeriodSeconds", grace_seconds)
    return in_force, metadata.get("resourceVersion") if in_force else None


def killings(cluster: Cluster, uid: str) -> dict[str, Event] | None:
    """The events of the node that stops a container of the pod, by their names; None where they can't be seen."""
    namespace = in_namespace(cluster.params["namespace"])
    selector = f"involvedObject.uid={uid},reason=Killing"
    try:
        found = cluster.ask(f"{namespace}/events", {"fieldSelector": selector})
    except (ApiException, HTTPError, ValueError):
        return None
    return {raw["metadata"]["name"]: event(raw) for raw in found.get("items") or ()}


def told_at(before: dict[str, Event] | None, after: dict[str, Event] | None) -> float | None:
    """When the node began to stop the pod, in seconds since the epoch; None where no event tells it.

    Events of before tell of restarts, such as those that a liveness probe asks for. One that counts on is a new one.
    """
    if before is None or after is None:
        return None
    times = [
        new["last_time"] if name in before else new["first_time"]
        for name, new in after.items()
        if name not in before or new["count"] > before[name]["count"]
    ]
    return min((time for time in times if time is not None), default=None)


def _stop_seconds(told: float | None, ended: float | None) -> float | None:
    return None if told is None or ended is None or ended < told else ended - told


def stop(cluster: Cluster) -> dict[str, Any]:
    name, namespace, timeout = (cluster.params[option] for option in ("pod", "namespace", "timeout"))
    grace_seconds = cluster.params["grace_seconds"]
    if grace_seconds is not None and grace_seconds < 0:
        raise Problem(f"grace_seconds is {grace_seconds}: give 0 or more.")
    if timeout < 1:
        raise Problem(f"timeout is {timeout}: give 1 or more.")
    pod, version = cluster.pod(name, namespace)
    uid = pod["metadata"]["uid"]
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        raise Problem(
            f"Pod {name} in namespace {namespace} mirrors a static pod of node {pod['spec'].get('nodeName')}: its "
            "containers end when its file there is taken away, and not by a deletion."
        )
    if "deletionTimestamp" in pod["metadata"]:
        raise Problem(f"Pod {name} in namespace {namespace} is being deleted already: its end can't be measured.")
    if grace_seconds is None:
        grace_seconds = pod["spec"]["terminationGracePeriodSeconds"]
    if cluster.check_mode:
        return {"changed": True, "grace_seconds": grace_seconds}

    seen = Seen()
    seen.take(Look([pod], time.time(), version))
    before = killings(cluster, uid)
    deleted_at, begun = time.time(), time.monotonic()
    grace_seconds, later = delete(cluster, uid, grace_seconds)

    def result(told: float | None = None, **more: Any) -> dict[str, Any]:
        return {
            "changed": True,
            "deleted_at": round(deleted_at, 3),
            "grace_seconds": grace_seconds,
            "containers": {
                container: {**ending, "stop_seconds": _stop_seconds(told, ending["finished_at"])}
                for container, ending in endings(seen.objects[uid]).items()
            },
            "gaps": seen.gaps,
            **more,
        }

    source = Source(f"{in_namespace(namespace)}/pods", name=name)
    try:
        for part in observe(cluster, {"pod": source}, timeout, {"pod": later or version}):
            for _source, news in part:
                seen.take(news)
            if uid in seen.gone_at:
                seconds = round(time.monotonic() - begun, 3)
                told = told_at(before, killings(cluster, uid))
                return result(told, seconds=seconds, told_at=told)
    except Problem as problem:
        raise Problem(
            f"Pod {name} in namespace {namespace} was deleted, but its end could not be watched: {problem}", **result()
        ) from problem
    raise Problem(
        f"Pod {name} in namespace {namespace} was still there {timeout} seconds after its deletion with a grace period "
        f"of {grace_seconds} seconds: give a longer timeout, or look for finalizers.",
        **result(),
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
