# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic
short_description: Read what became of the requests that clients in pods made
version_added: 1.0.0
description:
  - Counts the samples in the logs of traffic clients, which have one for each request. The workshop's client
    (C(files/traffic)) writes them, and any other may.
  - >-
    A sample is a line of JSON such as C({"number": 17, "at": 1769860800.25, "seconds": 0.004, "status": 200, "error":
    null}), written when the request ends. Requests are numbered from 0 in the order in which they begin;
    RV(clients.samples) says what else a line holds. Other lines are passed over.
  - With O(for) it looks until all conditions hold at one look, or until time is up, which is no failure but an answer,
    RV(met). A look that fails is tried again, and the task fails when the last one did.
  - A client that has not started yet has no samples.
  - A request is logged when it ends. To have all that began before O(until), read when the time-out of the last of
    them is over.
  - The task fails where failures could go unnoticed, since the log lacks requests of the time asked for. Such a log was
    rotated by the kubelet (at 10 MiB, some 60000 samples), or is of a client that was restarted, or has a gap that is
    over a minute old or in the log of a client that has ended, or two clients write to it. What was seen is returned
    even so.
options:
  namespace:
    description:
      - The namespace of the pods.
    type: str
    required: true
  pods:
    description:
      - The names of the pods that the clients run in.
      - One of this and O(pod) is needed.
    type: list
    elements: str
  pod:
    description:
      - The name of the pod of a single client, of which what RV(clients) says then stands at the top, too.
    type: str
  container:
    description:
      - The name of the container that the client runs in.
      - Can be left out when the pod has only one, init containers and ephemeral containers not counted.
    type: str
  since:
    description:
      - Leave out the requests that began before this time, in seconds of the epoch.
    type: float
  until:
    description:
      - Leave out the requests that began after this time, in seconds of the epoch.
    type: float
notes:
  - The conditions of O(for) can use each client by the name of its pod.
  - Needs the right to C(get) pods and C(pods/log).
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - kubernetes.core.k8s_auth_options
  - workshop.production_patterns.cluster
  - workshop.production_patterns.waiting
seealso:
  - module: workshop.production_patterns.watch
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Read what became of the requests of a roll-out
  workshop.production_patterns.traffic:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: readiness
    pod: client
  register: rolled_out
  failed_when: rolled_out is failed or rolled_out.failed_requests > 0

- name: Wait until the last twenty requests were answered alike
  workshop.production_patterns.traffic:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: readiness
    pods: [client]
    for: client.in_a_row.requests >= 20
    seconds: 60
  register: steady

- name: See what the roll-out cost
  workshop.production_patterns.traffic:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: readiness
    pods: [client]
    since: 1769860800.0
    until: 1769860860.0
  register: rollout

- name: No request failed, and none is unaccounted for
  ansible.builtin.assert:
    that:
      - rollout.clients.client.failed_requests == 0
      - rollout.clients.client.not_seen == []
"""

RETURN = r"""
clients:
  description: What became of the requests of each client, by the name of its pod.
  type: dict
  returned: success
  contains:
    samples:
      description: The requests, by the time at which they began.
      type: list
      elements: dict
      contains:
        number:
          description: The number of the request, counted from 0 in the order in which they begin.
          type: int
          sample: 17
        at:
          description: When it began, in seconds of the epoch.
          type: float
          sample: 1769860800.25
        seconds:
          description: How long it took, to the end of the answer or to its failure.
          type: float
          sample: 0.004
        status:
          description: The status of the answer, V(0) where none came whole.
          type: int
          sample: 200
        error:
          description: >-
            What went wrong: C(refused), C(reset), C(timeout), C(unreachable), C(unresolved), or another word; V(null)
            where an answer came.
          type: str
          sample: refused
        body:
          description: The beginning of the answer, when the client was started with C(--body), or V(null).
          type: str
          sample: Hello World
    requests:
      description: How many there are.
      type: int
      sample: 610
    failed_requests:
      description: How many of them failed, with an error or with a status other than 2xx and 3xx.
      type: int
      sample: 294
    failed_by:
      description: How many failed with which error or, where an answer came, with which status.
      type: dict
      sample: {"503": 2, "refused": 292}
    statuses:
      description: How many had which status.
      type: dict
      sample: {"0": 292, "200": 316, "503": 2}
    failures:
      description: Those that failed.
      type: dict
      contains: &group
        requests:
          description: How many there are.
          type: int
          sample: 292
        first_at:
          description: When the first of them began, in seconds of the epoch, or V(null).
          type: float
          sample: 1769860803.1
        last_at:
          description: When the last of them began, or V(null).
          type: float
          sample: 1769860832.85
        first_ended_at:
          description: When the first one had its answer or had failed, or V(null).
          type: float
          sample: 1769860803.11
        last_ended_at:
          description: When the last one had its answer or had failed, or V(null).
          type: float
          sample: 1769860833.1
        seconds:
          description: How long they took, as in RV(clients.seconds).
          type: dict
    outcomes:
      description: The requests by what became of them, the error or else the status; what came first is first.
      type: dict
      contains: *group
      sample: {"refused": {"requests": 292, "first_at": 1769860803.1, "last_at": 1769860832.85}}
    answers:
      description: Those that did not fail by their answer, without the spaces around it; what came first is first.
      type: dict
      contains: *group
      sample: {"Hello World": {"requests": 316, "first_at": 1769860800.25, "last_at": 1769860861.0}}
    in_a_row:
      description:
        - The last requests, as far as they were all answered like the very last and none is missing between them.
        - There are none where the last one failed.
      type: dict
      contains:
        requests:
          description: How many there are.
          type: int
          sample: 100
        first_at:
          description: When the first of them began, or V(null).
          type: float
          sample: 1769860833.0
        last_at:
          description: When the last of them began, or V(null).
          type: float
          sample: 1769860838.0
        first_ended_at:
          description: When the first one had its answer, or V(null).
          type: float
          sample: 1769860833.25
        last_ended_at:
          description: When the last one had its answer, or V(null).
          type: float
          sample: 1769860838.25
        seconds:
          description: How long they took, as in RV(clients.seconds).
          type: dict
        status:
          description: Their status, or V(null).
          type: int
          sample: 200
        body:
          description: Their answer without the spaces around it, or V(null).
          type: str
          sample: Hello World
    ended:
      description: Whether the client has ended, so that nothing more will come.
      type: bool
      sample: false
    longest_outage_seconds:
      description:
        - The longest time from the beginning of a failed request to that of the next successful one.
        - Where none succeeds after it, the outage lasts until the last failed request ended.
      type: float
      sample: 29.8
    seconds:
      description: >-
        How long the requests took, failed ones too, a refused one next to nothing and one without an answer its
        time-out; V(null) where there are none.
      type: dict
      contains: &percentiles
        min:
          description: The shortest.
          type: float
          sample: 0.001
        p50:
          description: What half of them did not exceed.
          type: float
          sample: 0.002
        p95:
          description: What 95 percent of them did not exceed.
          type: float
          sample: 0.004
        p99:
          description: What 99 percent of them did not exceed.
          type: float
          sample: 0.011
        max:
          description: The longest.
          type: float
          sample: 0.03
    successful_seconds:
      description: How long those took that did not fail; V(null) where there are none.
      type: dict
      contains: *percentiles
    missing_requests:
      description:
        - How many requests of this time have no line though later ones have. They are under way, or lost within the
          last minute.
        - Those that began after all others are not among them.
      type: int
      sample: 0
    cut_lines:
      description:
        - How many lines of the whole log were a sample and were cut, or mixed with another, as when the client was
          killed.
      type: int
      sample: 0
    not_seen:
      description: What could not be seen and why, in sentences; empty where all was.
      type: list
      elements: str
      sample: []
    began_within_seconds:
      description: How long it took from the beginning of the first to that of the last.
      type: float
      sample: 60.9
    requests_per_second:
      description: How many began in a second, from the first to the last; V(null) where there are fewer than two.
      type: float
      sample: 10.0
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
  returned: with O(for) and O(pods)
  sample: 14.204
"""

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    ApiException,
    Cluster,
    pod_path,
    run,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import (
    START_ERRORS,
    Json,
    chosen_container,
    epoch,
    statuses,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.traffic import (
    between,
    gaps,
    lost,
    parse,
    restarted,
    rotated,
    summary,
    two_clients,
)


def read_log(cluster: Cluster, pod: Json, container: str) -> str:
    """The log of the last start of a container, as far as the kubelet still has it; nothing before its first start."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        answer = cluster.request(f"{pod_path(name, namespace)}/log", {"container": container})
    except ApiException as error:
        # A pod without a node, or of which its node has not heard yet, is refused in one way or another.
        if error.status in (400, 404) and not _has_started(pod, container):
            return ""
        if error.status == 400 and "waiting to start" in str(error.body):
            return ""
        raise
    return bytes(answer.data).decode(errors="replace")


def _has_started(pod: Json, container: str) -> bool:
    status = statuses(pod).get(container, {})
    known = [*(status.get("state") or {}), *(status.get("lastState") or {})]
    return "running" in known or "terminated" in known


def _restarts(status: Json) -> int:
    """How often the client was started before, without a first time that failed and so made no request."""
    restarts: int = status.get("restartCount", 0)
    before = (status.get("lastState") or {}).get("terminated") or {}
    waits = "waiting" in (status.get("state") or {"waiting": {}})
    return 0 if restarts == 1 and before.get("reason") in START_ERRORS and not waits else restarts


def not_seen(missing_requests: int, cut_lines: int) -> list[str]:
    """What the log lacks, in sentences."""
    said = []
    if missing_requests:
        said.append(f"Requests without a line: {missing_requests}. They are under way, or were lost.")
    if cut_lines:
        said.append(f"Lines of the log that were cut: {cut_lines}. Nobody knows what became of those requests.")
    return said


def client(cluster: Cluster, name: str) -> dict[str, Any]:
    """What became of the requests of one client. Raises Problem, with what was seen, where failures may be missing."""
    namespace, since, until = (cluster.params[option] for option in ("namespace", "since", "until"))
    pod, _version = cluster.pod(name, namespace)
    container, _found = chosen_container(pod, cluster.params["container"])
    text = read_log(cluster, pod, container)
    # A restart before the log was read shows afterwards only.
    later, _version = cluster.pod(name, namespace)
    if later["metadata"]["uid"] != pod["metadata"]["uid"]:
        raise Problem(f"Pod {name} was replaced by another of its name while its log was read: look again.")

    log = parse(text)
    if text.strip() and not log.samples:
        first = text.strip().splitlines()[0][:200]
        raise Problem(f"The log of pod {name} has no samples but begins with {first!r}: is it a traffic client?")
    status = statuses(later).get(container, {})
    state, last_state = status.get("state") or {}, status.get("lastState") or {}
    # The log is that of the last start, which a container that waits for the next one has behind it.
    ended = state.get("terminated") or ({} if "running" in state else last_state.get("terminated"))
    started = state.get("running") or ended or {}
    found = gaps(log, since, until)
    missing_requests = sum(gap.requests for gap in found)
    seen = {
        **summary(between(log.samples, since, until)),
        "missing_requests": missing_requests,
        "cut_lines": log.cut_lines,
        "not_seen": not_seen(missing_requests, log.cut_lines),
        "ended": later["status"].get("phase") in ("Succeeded", "Failed"),
    }
    trouble = (
        restarted(_restarts(status), epoch(started.get("startedAt")), since)
        or two_clients(log)
        or rotated(log, since)
        or lost(found, log, bool(ended))
    )
    if trouble:
        raise Problem(f"The log of pod {name} {trouble}", **seen)
    return seen


def observe(cluster: Cluster) -> dict[str, Any]:
    since, until = cluster.params["since"], cluster.params["until"]
    if since is not None and until is not None and since > until:
        raise Problem(f"since ({since}) is later than until ({until}): exchange or correct them.")
    alone = cluster.params["pod"]
    names = cluster.params["pods"] if alone is None else [alone]
    if not names:
        raise Problem("pods is empty: name the pods of the clients.")
    clients: dict[str, Any] = {}
    problems: list[str] = []
    for name in names:
        try:
            clients[name] = client(cluster, name)
        except Problem as problem:
            clients[name] = problem.seen
            problems.append(str(problem))
    seen = {"clients": clients, **clients.get(alone, {})}
    if problems:
        raise Problem(" ".join(problems), **seen)
    return {"changed": False, **seen}


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pods": {"type": "list", "elements": "str"},
            "pod": {"type": "str"},
            "container": {"type": "str"},
            "since": {"type": "float"},
            "until": {"type": "float"},
            # The action of this name takes these two, and never hands them on.
            "for": {"type": "raw"},
            "seconds": {"type": "float"},
        },
        observe,
        required_one_of=[("pod", "pods")],
        mutually_exclusive=[("pod", "pods")],
    )


if __name__ == "__main__":
    main()
