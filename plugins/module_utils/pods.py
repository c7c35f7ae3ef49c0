# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import SIGNALS, exit_signal

Json = Mapping[str, Any]


class Scheduled(TypedDict):
    status: str
    reason: str | None
    message: str | None


class Container(TypedDict):
    kind: str
    ready: bool
    started: bool
    restarts: int
    state: str
    reason: str | None
    exit_code: int | None
    signal: str | None
    started_at: str | None
    finished_at: str | None


class Termination(TypedDict):
    container: str
    reason: str | None
    exit_code: int
    signal: str | None
    finished_at: str | None


class Event(TypedDict):
    reason: str | None
    type: str | None
    message: str | None
    count: int
    first_time: str | None
    last_time: str | None


class Outcome(TypedDict):
    name: str
    uid: str
    node: str | None
    phase: str | None
    ready: bool
    scheduled: Scheduled
    containers: dict[str, Container]
    terminations: list[Termination]
    oom_killed: bool


class Ending(TypedDict):
    exit_code: int | None
    signal: str | None
    reason: str | None
    finished_at: str | None


def _containers(pod: Json) -> Iterator[tuple[str, str, Json]]:
    """Name, kind and status of each container of the spec; the status is empty where there is none yet."""
    status = pod.get("status") or {}
    statuses = {
        found["name"]: found
        for part in ("initContainerStatuses", "containerStatuses")
        for found in status.get(part) or ()
    }
    for part, kind in (("initContainers", "init"), ("containers", "container")):
        for spec in pod["spec"].get(part) or ():
            native_sidecar = kind == "init" and spec.get("restartPolicy") == "Always"
            yield spec["name"], "sidecar" if native_sidecar else kind, statuses.get(spec["name"], {})


def _condition(pod: Json, kind: str) -> Json:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == kind), {})


def _container(kind: str, status: Json) -> Container:
    # A container without a state waits, says the API.
    state, detail = next(iter((status.get("state") or {}).items()), ("waiting", None))
    detail = detail or {}
    return {
        "kind": kind,
        "ready": bool(status.get("ready")),
        "started": bool(status.get("started")),
        "restarts": status.get("restartCount", 0),
        "state": state,
        "reason": detail.get("reason"),
        "exit_code": detail.get("exitCode"),
        "signal": exit_signal(detail.get("exitCode")),
        "started_at": detail.get("startedAt"),
        "finished_at": detail.get("finishedAt"),
    }


def _terminations(pod: Json) -> list[Termination]:
    """Each ending that the status still knows, the present one and the one before, once and by time."""
    known: dict[tuple[str, str], Termination] = {}
    for name, _kind, status in _containers(pod):
        for part in ("lastState", "state"):
            ended = (status.get(part) or {}).get("terminated")
            if ended:
                # While a container waits for its restart, both parts may tell of the same ending.
                known[name, ended.get("containerID") or ended.get("finishedAt")] = {
                    "container": name,
                    "reason": ended.get("reason"),
                    "exit_code": ended["exitCode"],
                    "signal": exit_signal(ended["exitCode"]),
                    "finished_at": ended.get("finishedAt"),
                }
    return sorted(known.values(), key=lambda termination: termination["finished_at"] or "")


def outcome(pod: Json) -> Outcome:
    """How a pod and its containers stand and ended, from the pod as the API gives it."""
    scheduled = _condition(pod, "PodScheduled")
    terminations = _terminations(pod)
    return {
        "name": pod["metadata"]["name"],
        "uid": pod["metadata"]["uid"],
        "node": pod["spec"].get("nodeName"),
        "phase": (pod.get("status") or {}).get("phase"),
        "ready": _condition(pod, "Ready").get("status") == "True",
        "scheduled": {
            "status": scheduled.get("status", "Unknown"),
            "reason": scheduled.get("reason"),
            "message": scheduled.get("message"),
        },
        "containers": {name: _container(kind, status) for name, kind, status in _containers(pod)},
        "terminations": terminations,
        "oom_killed": any(termination["reason"] == "OOMKilled" for termination in terminations),
    }


def endings(pod: Json) -> dict[str, Ending]:
    """How each container ended, by its name; null where it has not, or nobody saw it."""
    return {
        name: {
            "exit_code": container["exit_code"],
            "signal": container["signal"],
            "reason": container["reason"] if container["state"] == "terminated" else None,
            "finished_at": container["finished_at"],
        }
        for name, container in outcome(pod)["containers"].items()
    }


def event(raw: Json) -> Event:
    """An event as the API gives it, of whichever of its two generations."""
    series = raw.get("series") or {}
    first = raw.get("firstTimestamp") or raw.get("eventTime")
    return {
        "reason": raw.get("reason"),
        "type": raw.get("type"),
        "message": raw.get("message"),
        "count": raw.get("count") or series.get("count") or 1,
        "first_time": first,
        "last_time": raw.get("lastTimestamp") or series.get("lastObservedTime") or first,
    }


def by_time(events: list[Event]) -> list[Event]:
    # Without the Z, or a whole second would come after its own fractions.
    return sorted(events, key=lambda found: (found["last_time"] or "").rstrip("Z"))


def _outcome(pod: Any) -> Json:
    if isinstance(pod, Mapping):
        if "terminations" in pod and "scheduled" in pod:
            return pod
        if "metadata" in pod and "spec" in pod:
            return outcome(pod)
    raise ValueError(
        "This is no pod: give one of the pods that pod_outcome returns, or one of the resources that k8s_info "
        "returns for the kind Pod."
    )


def oom_killed(pod: Any) -> bool:
    return any(termination["reason"] == "OOMKilled" for termination in _outcome(pod)["terminations"])


def pod_ready(pod: Any) -> bool:
    return bool(_outcome(pod)["ready"])


def unschedulable(pod: Any) -> bool:
    scheduled = _outcome(pod)["scheduled"]
    return (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")


def killed_by(ended: Any, signal: str) -> bool:
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
