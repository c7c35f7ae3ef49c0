# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic
short_description: Read what became of the requests that a client in a pod made
version_added: 1.0.0
description:
  - Reads the samples that the workshop's traffic client (C(roles/_lesson/files/traffic)) logs, one for each request,
    and counts them.
  - It does not wait. A client that has not started yet has no samples. Use C(until) with C(retries) and C(delay).
  - A request is logged when it ends. To have all that began before O(until), read when the time-out of the last of
    them is over.
options:
  namespace:
    description:
      - The namespace of the pod.
    type: str
    required: true
  pod:
    description:
      - The name of the pod that the client runs in. It has to have one container.
    type: str
    required: true
  since:
    description:
      - Leave out the requests that began before this time, in seconds of the epoch.
    type: float
  until:
    description:
      - Leave out the requests that began after this time, in seconds of the epoch.
    type: float
notes:
  - The kubelet rotates a log at 10 MiB, which is some 60000 samples, and hands out the latest part only. The task fails
    when samples that were asked for are lost by that.
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
- name: Wait until twenty requests in a row were served
  workshop.production_patterns.traffic:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: readiness
    pod: client
  register: client
  until: client.requests >= 20 and client.samples[-20:] | map(attribute='status') | unique == [200]
  retries: 60
  delay: 1

- name: See what the roll-out cost
  workshop.production_patterns.traffic:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: readiness
    pod: client
    since: 1769860800.0
    until: 1769860860.0
  register: rollout
"""

RETURN = r"""
samples:
  description: The requests, by the time at which they began.
  type: list
  elements: dict
  returned: success
  contains:
    number:
      description: The how manieth request of the client it is, from 0.
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
        What went wrong: C(refused), C(reset), C(timeout), C(unreachable), C(unresolved), or another word; V(null) where
        an answer came.
      type: str
      sample: refused
    body:
      description: The beginning of the answer, when the client was started with C(--body), or V(null).
      type: str
      sample: Hello World
requests:
  description: How many there are.
  type: int
  returned: success
  sample: 610
failed_requests:
  description: How many of them failed, with an error or with a status other than 2xx and 3xx.
  type: int
  returned: success
  sample: 294
failed_by:
  description: How many failed with which error or, where an answer came, with which status.
  type: dict
  returned: success
  sample: {"503": 2, "refused": 292}
statuses:
  description: How many had which status.
  type: dict
  returned: success
  sample: {"0": 292, "200": 316, "503": 2}
longest_outage_seconds:
  description:
    - The longest time from the beginning of a failed request to that of the next successful one.
    - Where none succeeds after it, the outage lasts until the last failed request ended.
  type: float
  returned: success
  sample: 29.8
seconds:
  description: >-
    What so many percent of the requests, failed ones too, did not exceed; V(null) where there are no requests.
  type: dict
  returned: success
  contains:
    p50:
      description: Half of them.
      type: float
      sample: 0.002
    p95:
      description: 95 percent.
      type: float
      sample: 0.004
    p99:
      description: 99 percent.
      type: float
      sample: 0.011
    max:
      description: All of them.
      type: float
      sample: 0.03
requests_per_second:
  description: How many began in a second, from the first to the last; V(null) where there are fewer than two.
  type: float
  returned: success
  sample: 10.0
"""

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import ApiException, Cluster, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.traffic import between, parse, summary, whole


def read_log(cluster: Cluster, pod: str, namespace: str) -> str:
    cluster.pod(pod, namespace)
    try:
        answer = cluster.resource("Pod").log.get(name=pod, namespace=namespace, serialize=False)
    except ApiException as error:
        # There is no log before the container has started.
        if error.status == 400 and "waiting to start" in str(error.body):
            return ""
        raise
    return bytes(answer.data).decode(errors="replace")


def observe(cluster: Cluster) -> dict[str, Any]:
    pod, since, until = (cluster.params[name] for name in ("pod", "since", "until"))
    if since is not None and until is not None and since > until:
        raise Problem(f"since ({since}) is later than until ({until}): exchange or correct them.")
    log = read_log(cluster, pod, cluster.params["namespace"])
    samples = parse(log)
    if log.strip() and not samples:
        first = log.strip().splitlines()[0][:200]
        raise Problem(f"The log of pod {pod} has no samples but begins with {first!r}: is it a traffic client?")
    whole(samples, since, f"pod {pod}")
    return {"changed": False, **summary(between(samples, since, until))}


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str", "required": True},
            "since": {"type": "float"},
            "until": {"type": "float"},
        },
        observe,
    )


if __name__ == "__main__":
    main()
