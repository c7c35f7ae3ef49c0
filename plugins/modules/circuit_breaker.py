# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: circuit_breaker
short_description: Look at a circuit breaker in a pod, and make its backend fail
version_added: 1.0.0
description:
  - Reads which states a breaker was in and for how long, and how many requests its backend, another container of the
    pod, has got. Those of the workshop (C(roles/circuit_breaker/files/mailsite)) tell it, and any others that answer
    in the same way.
  - >-
    The breaker answers C(GET /state) with C({"state": "open", "now": 1769860830.7, "passed_requests": 14,
    "rejected_requests": 38, "spells": [{"state": "closed", "at": 1769860780.5, "passed_requests": 14,
    "rejected_requests": 0}]}), and C(GET /) with what it guards.
  - >-
    The backend answers C(GET /status) with C({"requests": 14, "health_checks": 3, "started_at": 1769860780.5,
    "behaviour": "slow", "behaves_so_since": 1769860799.1}), and behaves otherwise from C(PUT /behaviour/healthy) on.
    It need not count health checks.
  - With O(behaviour) it tells the backend how to behave from now on.
  - With O(for) it looks until all conditions hold at one look, or until time is up, which is no failure but an answer,
    RV(met). A look that fails is tried again, and the task fails when the last one did.
  - All of it goes through the proxy of the API server, so nothing has to run in the cluster for it.
options:
  namespace:
    description:
      - The namespace of the pod.
    type: str
    required: true
  pod:
    description:
      - The name of the pod. Give this or O(label_selectors).
    type: str
  label_selectors:
    description:
      - Label selectors that one pod alone matches.
    type: list
    elements: str
  port:
    description:
      - The port of the breaker. C(/state) there has its states, and the time that it is there.
    type: int
    default: 6000
  backend_port:
    description:
      - The port of the backend. C(/status) there has the count of its requests.
    type: int
    default: 5000
  behaviour:
    description:
      - How the backend is to behave from now on.
    type: str
    choices: [healthy, crashing, slow]
  since:
    description:
      - Leave the spells and recoveries out that were over before this time, in seconds of the epoch.
      - With O(behaviour) it is by default the time since when the backend behaves so.
    type: float
notes:
  - Needs the rights to C(get) pods and C(pods/proxy), with O(label_selectors) to C(list) pods, and with O(behaviour) to
    C(update) C(pods/proxy).
attributes:
  check_mode:
    support: full
    details: In check mode the backend is told nothing; the rest is read.
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
- name: Let the backend be slow, and wait until the open breaker has answered ten requests itself
  workshop.production_patterns.circuit_breaker:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: mailsite
    label_selectors:
      - app = weather
    behaviour: slow
    for: states.open.rejected_requests >= 10
    seconds: 60
  register: breaker

- name: Show how many requests it let through while it was open
  ansible.builtin.debug:
    msg: "{{ breaker.states.open.passed_requests }}"
"""

RETURN = r"""
state:
  description: The state that the breaker is in at the end, C(closed), C(open) or C(half-open).
  type: str
  returned: success
  sample: open
passed_requests:
  description: How many requests it has ever let through.
  type: int
  returned: success
  sample: 14
rejected_requests:
  description: How many it has ever answered itself.
  type: int
  returned: success
  sample: 38
spells:
  description: The times that it spent in one state, by time; of the last hundred of them those since O(since).
  type: list
  elements: dict
  returned: success
  contains:
    state:
      description: The state.
      type: str
      sample: open
    at:
      description: When it came to be in it, in seconds of the epoch, by the clock of its node.
      type: float
      sample: 1769860800.25
    seconds:
      description: How long it was in it, until now when it still is.
      type: float
      sample: 30.412
    passed_requests:
      description: How many requests it let through meanwhile.
      type: int
      sample: 0
    rejected_requests:
      description: How many it answered itself meanwhile.
      type: int
      sample: 38
states:
  description: What these spells amount to, for each of the states C(closed), C(open) and C(half-open).
  type: dict
  returned: success
  contains:
    spells:
      description: How many there are.
      type: int
      sample: 2
    seconds:
      description: How long they lasted together.
      type: float
      sample: 42.718
    passed_requests:
      description: How many requests the breaker let through meanwhile.
      type: int
      sample: 0
    rejected_requests:
      description: How many it answered itself meanwhile.
      type: int
      sample: 41
recoveries:
  description: Each time among these spells that it was open, tried a request and closed, by time.
  type: list
  elements: dict
  returned: success
  contains:
    opened_at:
      description: When it had opened, in seconds of the epoch.
      type: float
      sample: 1769860800.25
    open_seconds:
      description: How long it was open.
      type: float
      sample: 30.412
    trial_at:
      description: When it let a request through on trial.
      type: float
      sample: 1769860830.662
    trial_requests:
      description: How many requests it let through before it decided.
      type: int
      sample: 1
    trial_seconds:
      description: How long it took until it decided.
      type: float
      sample: 0.012
    closed_at:
      description: When it closed.
      type: float
      sample: 1769860830.674
backend:
  description: How the backend behaves, and the requests that it has got.
  type: dict
  returned: success
  contains:
    before:
      description: Before the module told it anything.
      type: dict
      contains: &backend
        requests:
          description: How many, counted as they arrive.
          type: int
          sample: 14
        health_checks:
          description: How many health checks, where it counts them apart, or V(null).
          type: int
          sample: 3
        started_at:
          description: Since when it counts, in seconds of the epoch; another time after a restart.
          type: float
          sample: 1769860780.5
        behaviour:
          description: How it behaves, C(healthy), C(crashing) or C(slow).
          type: str
          sample: slow
        behaves_so_since:
          description: Since when, in seconds of the epoch, by the clock of its node.
          type: float
          sample: 1769860799.125
    after:
      description: After it.
      type: dict
      contains: *backend
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
  sample: 14.204
"""

from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.circuit_breaker import (
    backend,
    breaker,
    by_state,
    recoveries,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    ApiException,
    Cluster,
    in_namespace,
    pod_path,
    run,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


class Pod:
    """A pod, asked through the API server."""

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        cluster.pod(name, namespace)
        self.cluster = cluster
        self.name = name
        self.path = pod_path(name, namespace)

    def ask(self, port: int, path: str, method: str) -> tuple[int, str]:
        """The status and the text of an answer, whichever they are."""
        try:
            answer = self.cluster.request(f"{self.path}:{port}/proxy{path}", method=method)
        except ApiException as error:
            # These are the cluster's own and no answer of the pod.
            if error.status in (401, 403):
                raise
            return error.status, str(error.body)
        return answer.status, bytes(answer.data).decode(errors="replace")

    def read(self, port: int, path: str, method: str = "GET") -> tuple[str, str]:
        """The text of an answer, and where it is from."""
        where = f"{path} on port {port} of pod {self.name}"
        status, text = self.ask(port, path, method)
        if status != 200:
            raise Problem(
                f"{where} has no answer ({status}: {text.strip()[:200]}): wait until the pod is ready, or correct the "
                "pod or the port."
            )
        return text, where


def found_pod(cluster: Cluster, namespace: str, selectors: list[str]) -> str:
    """The name of the one pod that the selectors match and that is not on its way out."""
    pods = cluster.ask(f"{in_namespace(namespace)}/pods", {"labelSelector": ",".join(selectors)})["items"]
    names = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    if len(names) != 1:
        told = ", ".join(sorted(names)) or "none"
        raise Problem(f"label_selectors has to match one pod in namespace {namespace}, and matches {told}: correct it.")
    return str(names[0])


def observe(cluster: Cluster) -> dict[str, Any]:
    params = cluster.params
    namespace, behaviour, since = params["namespace"], params["behaviour"], params["since"]
    for option in ("port", "backend_port"):
        if not 0 < params[option] < 65536:
            raise Problem(f"{option} is {params[option]}: give 1 to 65535.")
    # Either may be given with null for its value, or empty.
    if not params["pod"] and not params["label_selectors"]:
        raise Problem("No pod is named: give pod or label_selectors.")
    name = params["pod"] or found_pod(cluster, namespace, params["label_selectors"])
    pod = Pod(cluster, name, namespace)

    before = backend(*pod.read(params["backend_port"], "/status"))
    if behaviour is not None and not cluster.check_mode:
        pod.read(params["backend_port"], f"/behaviour/{behaviour}", "PUT")
    after = backend(*pod.read(params["backend_port"], "/status"))
    if since is None and behaviour is not None:
        since = after["behaves_so_since"]
    seen = breaker(*pod.read(params["port"], "/state"))
    spells = [spell for spell in seen["spells"] if since is None or spell["at"] + spell["seconds"] >= since]
    return {
        "changed": behaviour not in (None, before["behaviour"]),
        **seen,
        "spells": spells,
        "states": by_state(spells),
        "recoveries": recoveries(spells),
        "backend": {"before": before, "after": after},
    }


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str"},
            "label_selectors": {"type": "list", "elements": "str"},
            "port": {"type": "int", "default": 6000},
            "backend_port": {"type": "int", "default": 5000},
            "behaviour": {"type": "str", "choices": ["healthy", "crashing", "slow"]},
            "since": {"type": "float"},
            # The action of this name takes these two, and never hands them on.
            "for": {"type": "raw"},
            "seconds": {"type": "float"},
        },
        observe,
        mutually_exclusive=[("pod", "label_selectors")],
    )


if __name__ == "__main__":
    main()
