# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import SIGNALS, exit_signal

Json = Mapping[str, Any]


class Scheduled(TypedDict):
    status: str
    reason: str | None
    message: str | None


class Ending(TypedDict):
    exit_code: int | None
    signal: str | None
    reason: str | None
    message: str | None
    started_at: float | None
    finished_at: float | None


class Container(Ending):
    kind: str
    image: str | None
    image_pull_policy: str | None
    image_digest: str | None
    id: str | None
    ready: bool
    started: bool
    restarts: int
    state: str


class Termination(Ending):
    container: str
    ran: bool


class Owner(TypedDict):
    kind: str
    name: str


class Event(TypedDict):
    reason: str | None
    type: str | None
    message: str | None
    count: int
    first_time: float | None
    last_time: float | None


class Outcome(TypedDict):
    name: str
    uid: str
    owners: list[Owner]
    node: str | None
    mirror: bool
    phase: str | None
    reason: str | None
    message: str | None
    deletion_timestamp: float | None
    disruption: str | None
    ready: bool
    scheduled: Scheduled
    containers: dict[str, Container]
    terminations: list[Termination]
    oom_killed: bool


MIRROR: Final = "kubernetes.io/config.mirror"

START_ERRORS: Final = ("StartError", "ContainerCannotRun")
"""The reasons of containerd and of Docker for a container whose program never ran."""

# Where the kubelet, containerd or CRI-O could not see how a container ended, they put these down; and the kubelet that
# an init container completed, if others have started since.
_INVENTED: Final = {("ContainerStatusUnknown", 137), ("RestartingAllContainers", 137), ("Unknown", 255), ("Error", -1)}
_INVENTED_SUCCESS: Final = "Unable to get init container status from container runtime"


def epoch(time: str | None) -> float | None:
    """A time of the API in seconds since the epoch; None where there is none, also written as 1970 or year 1."""
    if not time:
        return None
    return max(0.0, datetime.fromisoformat(time).timestamp()) or None


def statuses(pod: Json) -> dict[str, Json]:
    """The status of each container that has one, of whichever kind, by its name."""
    status = pod.get("status") or {}
    return {
        found["name"]: found
        for part in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for found in status.get(part) or ()
    }


def _containers(pod: Json) -> Iterator[tuple[Json, str, Json]]:
    """Each container of the spec, its kind and its status, which is empty where there is none yet."""
    known = statuses(pod)
    for part, kind in (("initContainers", "init"), ("containers", "container"), ("ephemeralContainers", "ephemeral")):
        for spec in pod["spec"].get(part) or ():
            native_sidecar = kind == "init" and spec.get("restartPolicy") == "Always"
            yield spec, "sidecar" if native_sidecar else kind, known.get(spec["name"], {})


def _condition(pod: Json, kind: str) -> Json:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == kind), {})


def _ending(detail: Json) -> Ending:
    """A state of a container, with null for what nobody has seen."""
    reason, exit_code = detail.get("reason"), detail.get("exitCode")
    invented = (reason, exit_code) in _INVENTED or (detail.get("message") or "").startswith(_INVENTED_SUCCESS)
    return {
        "exit_code": None if invented else exit_code,
        "signal": None if invented else exit_signal(exit_code),
        "reason": reason,
        "message": detail.get("message"),
        "started_at": epoch(detail.get("startedAt")),
        "finished_at": None if invented else epoch(detail.get("finishedAt")),
    }


def _container(spec: Json, kind: str, status: Json) -> Container:
    # A container without a state waits, says the API.
    state, detail = next(iter((status.get("state") or {}).items()), ("waiting", None))
    return {
        "kind": kind,
        "image": spec.get("image"),
        "image_pull_policy": spec.get("imagePullPolicy"),
        "image_digest": (status.get("imageID") or "").rpartition("@")[2] or None,
        "id": status.get("containerID"),
        "ready": bool(status.get("ready")),
        "started": bool(status.get("started")),
        "restarts": status.get("restartCount", 0),
        "state": state,
        **_ending(detail or {}),
    }


def _terminations(pod: Json) -> list[Termination]:
    """Each ending that the status still knows, the present one and the one before, once and by time."""
    known: dict[tuple[str, str | None], Termination] = {}
    for spec, _kind, status in _containers(pod):
        name = spec["name"]
        for part in ("lastState", "state"):
            ended = (status.get(part) or {}).get("terminated")
            if ended:
                # While a container waits for its restart, both parts may tell of the same ending.
                known[name, ended.get("containerID") or ended.get("finishedAt")] = {
                    "container": name,
                    "ran": ended.get("reason") not in START_ERRORS,
                    **_ending(ended),
                }
    return sorted(known.values(), key=lambda termination: termination["finished_at"] or 0.0)


def outcome(pod: Json) -> Outcome:
    """How a pod and its containers stand and ended, from the pod as the API gives it."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    scheduled = _condition(pod, "PodScheduled")
    terminations = _terminations(pod)
    return {
        "name": metadata["name"],
        "uid": metadata["uid"],
        "owners": [{"kind": owner["kind"], "name": owner["name"]} for owner in metadata.get("ownerReferences") or ()],
        "node": pod["spec"].get("nodeName"),
        "mirror": MIRROR in (metadata.get("annotations") or {}),
        "phase": status.get("phase"),
        "reason": status.get("reason"),
        "message": status.get("message"),
        "deletion_timestamp": epoch(metadata.get("deletionTimestamp")),
        "disruption": _condition(pod, "DisruptionTarget").get("reason"),
        "ready": _condition(pod, "Ready").get("status") == "True",
        "scheduled": {
            "status": scheduled.get("status", "Unknown"),
            "reason": scheduled.get("reason"),
            "message": scheduled.get("message"),
        },
        "containers": {spec["name"]: _container(spec, kind, status) for spec, kind, status in _containers(pod)},
        "terminations": terminations,
        "oom_killed": any(termination["reason"] == "OOMKilled" for termination in terminations),
    }


def endings(pod: Json) -> dict[str, Ending]:
    """How each container ended, by its name; null where it has not, or nobody saw it."""
    return {
        spec["name"]: _ending((status.get("state") or {}).get("terminated") or {})
        for spec, _kind, status in _containers(pod)
    }


def chosen_container(pod: Json, name: str | None) -> tuple[str, Container]:
    """The container of this name, or else the only one of the pod, with its name; a problem where there is none."""
    pod_name = pod["metadata"]["name"]
    containers = outcome(pod)["containers"]
    if name is None:
        names = [found for found, container in containers.items() if container["kind"] == "container"]
        if len(names) > 1:
            raise Problem(f"Pod {pod_name} has several containers: name one with container ({', '.join(names)}).")
        name = names[0]
    if name not in containers:
        raise Problem(f"Pod {pod_name} has no container {name}: it has {', '.join(containers)}.")
    return name, containers[name]


def uids(pod: Json) -> set[str]:
    """The identities that events may name: those of a static pod are about itself and not its mirror in the API."""
    metadata = pod["metadata"]
    return {metadata["uid"], (metadata.get("annotations") or {}).get(MIRROR, metadata["uid"])}


def event(raw: Json) -> Event:
    """An event as the API gives it, of whichever of its two generations."""
    series = raw.get("series") or {}
    first = raw.get("firstTimestamp") or raw.get("eventTime")
    return {
        "reason": raw.get("reason"),
        "type": raw.get("type"),
        "message": raw.get("message"),
        "count": raw.get("count") or series.get("count") or 1,
        "first_time": epoch(first),
        "last_time": epoch(raw.get("lastTimestamp") or series.get("lastObservedTime") or first),
    }


def by_time(events: list[Event]) -> list[Event]:
    """The events in the order in which they were last seen."""
    return sorted(events, key=lambda found: found["last_time"] or 0.0)


def _outcome(pod: Any) -> Json:
    if isinstance(pod, Mapping):
        if "terminations" in pod and "scheduled" in pod:
            return pod
        # Items of a list may have no kind; nothing but a pod has containers at this place.
        if pod.get("kind", "Pod") == "Pod" and "metadata" in pod and "containers" in (pod.get("spec") or ()):
            return outcome(pod)
    found = f"a {pod['kind']} and " if isinstance(pod, Mapping) and isinstance(pod.get("kind"), str) else ""
    raise ValueError(
        f"This is {found}no pod: give one of the pods that pod_outcome returns, or one of the resources that k8s_info "
        "returns for the kind Pod."
    )


def oom_killed(pod: Any) -> bool:
    """Whether the status knows of an ending with the reason OOMKilled; ValueError for what is no pod."""
    return any(termination["reason"] == "OOMKilled" for termination in _outcome(pod)["terminations"])


def pod_ready(pod: Any) -> bool:
    """Whether the condition Ready is True; ValueError for what is no pod."""
    return bool(_outcome(pod)["ready"])


def unschedulable(pod: Any) -> bool:
    """Whether the scheduler has found no node for it; ValueError for what is no pod."""
    scheduled = _outcome(pod)["scheduled"]
    return (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")


def killed_by(ended: Any, signal: str) -> bool:
    """Whether an exit code, or that of a result, stands for the signal; ValueError for what is neither."""
    if signal not in SIGNALS:
        raise ValueError(f"{signal!r} is no signal: name one as in SIGKILL or SIGTERM.")
    if isinstance(ended, Mapping):
        if "exit_code" not in ended:
            raise ValueError("This has no exit_code: give an exit code, or a result that has one.")
        ended = ended["exit_code"]
    return exit_signal(ended) == signal


PREDICATES: Final[dict[str, Callable[..., bool]]] = {
    "killed_by": killed_by,
    "oom_killed": oom_killed,
    "pod_ready": pod_ready,
    "unschedulable": unschedulable,
}
