# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""How Jobs and pods went, from all that was seen of them. All times are seconds since the epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Json
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import Termination, epoch, outcome
from ansible_collections.workshop.production_patterns.plugins.module_utils.watching import Seen, ended_containers


class Job(TypedDict):
    name: str
    uid: str
    spec: dict[str, Any]
    failures: int
    exit_codes: list[int]
    endings: int
    start_errors: int
    pods: int
    pods_of_index: dict[str, int]
    pods_left: int
    pods_after_end: int
    created_at: list[float]
    waits_seconds: list[float | None]
    ended: str | None
    reason: str | None
    given_up_at: float | None
    given_up_after_seconds: float | None
    ended_at: float | None
    ended_after_seconds: float | None
    removed_at: float | None
    removed_after_seconds: float | None


class SeenTermination(Termination):
    seen_after_seconds: float | None


def _condition(found: Json, *kinds: str) -> Json:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] in kinds and one["status"] == "True"), {})


def _index(pod: Json) -> str | None:
    """The index of an Indexed Job that a pod works on."""
    index: str | None = (pod["metadata"].get("annotations") or {}).get("batch.kubernetes.io/job-completion-index")
    return index


def _created_at(found: Json) -> float:
    return epoch(found["metadata"]["creationTimestamp"]) or 0.0


def terminations(uid: str, seen: Seen) -> list[SeenTermination]:
    """Every ending of a pod's containers that was seen, once and by time."""
    known: dict[tuple[str, str], tuple[float, list[SeenTermination]]] = {}
    for pod in seen.endings.get(uid, ()):
        for name, ident, part, status in ended_containers(pod):
            finished_at = epoch(status["state"]["terminated"].get("finishedAt")) or 0.0
            seen_at = seen.ended_seen_at[uid, name, ident]
            known[name, ident] = (
                finished_at,
                [
                    {**one, "seen_after_seconds": _between(one["finished_at"], seen_at)}
                    for one in outcome({**pod, "status": {part: [status]}})["terminations"]
                ],
            )
    return [one for _finished_at, found in sorted(known.values(), key=lambda one: one[0]) for one in found]


def pod_outcome(uid: str, seen: Seen) -> dict[str, Any]:
    """How a pod stands, as pod_outcome gives it, with all that was seen on the way."""
    pod = seen.objects[uid]
    metadata = pod["metadata"]
    ended = terminations(uid, seen)
    deleting = seen.deleting.get(uid, {"metadata": {}})["metadata"]
    deadline = epoch(deleting.get("deletionTimestamp"))
    return {
        **outcome(pod),
        "terminations": ended,
        "oom_killed": any(termination["reason"] == "OOMKilled" for termination in ended),
        "ready_since": epoch(_condition(pod, "Ready").get("lastTransitionTime")),
        "created_at": epoch(metadata["creationTimestamp"]),
        # The API says until when it may take.
        "deleted_at": None if deadline is None else deadline - (deleting.get("deletionGracePeriodSeconds") or 0),
        "gone_at": seen.gone_at.get(uid),
    }


def job_outcome(uid: str, jobs: Seen, pods: Seen) -> Job:
    """How a Job went, with the pods of its own that were seen."""
    job = jobs.objects[uid]
    status = job.get("status") or {}
    own = [
        pod_uid
        for pod_uid, pod in pods.objects.items()
        if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or ())
    ]
    own.sort(key=lambda pod_uid: _created_at(pods.objects[pod_uid]))
    created_at = [_created_at(pods.objects[pod_uid]) for pod_uid in own]
    ends = [_end(pods.endings.get(pod_uid, ())) for pod_uid in own]
    ended = [one for pod_uid in own for one in terminations(pod_uid, pods)]
    over = _condition(job, "Complete", "Failed")
    ended_at, started_at = epoch(over.get("lastTransitionTime")), epoch(status.get("startTime"))
    # Clusters before 1.31 say it only when the last pod has ended.
    given_up_at = epoch(_condition(job, "FailureTarget", "Failed").get("lastTransitionTime"))
    no_more_at = ended_at if given_up_at is None else given_up_at
    removed_at = jobs.gone_at.get(uid)
    return {
        "name": job["metadata"]["name"],
        "uid": uid,
        "spec": {name: value for name, value in job["spec"].items() if name not in ("selector", "template")},
        "failures": status.get("failed") or 0,
        "exit_codes": sorted({one["exit_code"] for one in ended if one["ran"] and one["exit_code"] is not None}),
        "endings": len(ended),
        "start_errors": sum(not one["ran"] for one in ended),
        "pods": len(own),
        "pods_of_index": dict(
            Counter(index for pod_uid in own if (index := _index(pods.objects[pod_uid])) is not None)
        ),
        "pods_left": sum(pod_uid not in pods.gone_at for pod_uid in own),
        "pods_after_end": 0 if no_more_at is None else sum(created > no_more_at for created in created_at),
        "created_at": created_at,
        "waits_seconds": [
            None if end is None else created - end for end, created in zip(ends[:-1], created_at[1:], strict=True)
        ],
        "ended": over.get("type"),
        "reason": over.get("reason"),
        "given_up_at": given_up_at,
        "given_up_after_seconds": _between(started_at, given_up_at),
        "ended_at": ended_at,
        "ended_after_seconds": _between(started_at, ended_at),
        "removed_at": removed_at,
        "removed_after_seconds": _between(ended_at, removed_at),
    }


def _end(versions: Iterable[Json]) -> float | None:
    """When the last container of a pod ended, as far as the versions tell."""
    times = (
        epoch(status["state"]["terminated"].get("finishedAt"))
        for pod in versions
        for _name, _ident, _part, status in ended_containers(pod)
    )
    return max((time for time in times if time is not None), default=None)


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round(end - begin, 3)


def by_name(seen: Seen, outcomes: dict[str, Any]) -> dict[str, Any]:
    """The outcomes by name instead of uid. Where several bore a name, it is the last one's, with those before it."""
    named: dict[str, Any] = {}
    for uid in sorted(outcomes, key=lambda one: _created_at(seen.objects[one])):
        name = seen.objects[uid]["metadata"]["name"]
        before = named.get(name)
        earlier = [] if before is None else [*before.pop("earlier"), before]
        named[name] = {**outcomes[uid], "earlier": earlier}
    return named


def pod_outcomes(pods: Seen) -> dict[str, Any]:
    """All pods that were seen, by name."""
    return by_name(pods, {uid: pod_outcome(uid, pods) for uid in pods.objects})


def job_outcomes(jobs: Seen, pods: Seen) -> dict[str, Any]:
    """All Jobs that were seen, by name."""
    return by_name(jobs, {uid: job_outcome(uid, jobs, pods) for uid in jobs.objects})
