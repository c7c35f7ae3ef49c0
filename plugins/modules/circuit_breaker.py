# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: circuit_breaker
short_description: Look at a circuit breaker in a pod, ask it, and make its backend fail
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
    The backend answers C(GET /status) with C({"requests": 14, "started_at": 1769860780.5, "behaviour": "slow",
    "behaves_so_since": 1769860799.1}), and behaves otherwise from C(PUT /behaviour/healthy) on.
  - With O(behaviour) it tells the backend how to behave from now on.
  - With O(requests) it makes requests to the breaker, one after the other, and notes what became of each.
  - It does not wait for a state. Use C(until) with C(retries) and C(delay).
  - All of it goes through the proxy of the API server, so nothing has to run in the cluster for it.
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
      - How the backend is to behave from now on, before the first request is made.
    type: str
    choices: [healthy, crashing, slow]
  requests:
    description:
      - How many requests to make.
    type: int
    default: 0
  interval:
    description:
      - How many seconds after one request the next one is made, when it has been answered by then.
    type: float
    default: 0.0
notes:
  - The times of the requests that the module makes include the way through the API server.
  - Needs the rights to C(get) pods and C(pods/proxy), and with O(behaviour) to C(update) C(pods/proxy).
attributes:
  check_mode:
    support: full
    details: In check mode the backend is told nothing and no requests are made; the rest is read.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - kubernetes.core.k8s_auth_options
  - workshop.production_patterns.cluster
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Wait until the breaker is open
  workshop.production_patterns.circuit_breaker:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: mailsite
    pod: weather-6d5b0f2c11-x7k2p
  register: breaker
  until: breaker is not failed and breaker.state == 'open'
  retries: 30
  delay: 1

- name: Ask it once a second, ten times
  workshop.production_patterns.circuit_breaker:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: mailsite
    pod: weather-6d5b0f2c11-x7k2p
    requests: 10
    interval: 1
  register: watch

- name: Let the backend be healthy again
  workshop.production_patterns.circuit_breaker:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    namespace: mailsite
    pod: weather-6d5b0f2c11-x7k2p
    behaviour: healthy

- name: Show how many of them the backend got
  ansible.builtin.debug:
    msg: "{{ watch.backend.after.requests - watch.backend.before.requests }}"
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
  description: The times that it spent in one state, by time; the last hundred of them.
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
backend:
  description: How the backend behaves, and the requests that it has got.
  type: dict
  returned: success
  contains:
    before:
      description: Before the module told it anything or made any request.
      type: dict
      contains: &backend
        requests:
          description: How many, counted as they arrive.
          type: int
          sample: 14
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
      description: After the last of them.
      type: dict
      contains: *backend
asked:
  description: The requests that the module made, in this order.
  type: list
  elements: dict
  returned: success
  contains:
    at:
      description: When, in seconds of the epoch, by the clock of the machine that the module runs on.
      type: float
      sample: 1769860802.5
    seconds:
      description: How long it took, the way through the API server included.
      type: float
      sample: 0.009
    status:
      description: The status of the answer.
      type: int
      sample: 200
    body:
      description: The beginning of the answer.
      type: str
      sample: weather unavailable (tripped)
    state:
      description: The state of the breaker after it.
      type: str
      sample: open
seconds:
  description: How long it took to make them all.
  type: float
  returned: success
  sample: 9.087
"""

import time
from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.circuit_breaker import backend, breaker
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import ApiException, Cluster, run
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

_BODY_CHARACTERS = 200
_TIMEOUT_SECONDS = 60


class Pod:
    """A pod, asked through the API server."""

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        cluster.pod(name, namespace)
        self.client = cluster.dynamic
        self.name = name
        self.path = f"/api/v1/namespaces/{namespace}/pods/{name}"

    def ask(self, port: int, path: str, method: str = "GET") -> tuple[int, str]:
        """The status and the text of an answer, whichever they are."""
        try:
            answer = self.client.request(
                method, f"{self.path}:{port}/proxy{path}", serialize=False, _request_timeout=_TIMEOUT_SECONDS
            )
        except ApiException as error:
            # These are the cluster's own and no answer of the pod.
            if error.status in (401, 403):
                raise
            body = error.body
            return error.status, body.decode(errors="replace") if isinstance(body, bytes) else str(body)
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


def observe(cluster: Cluster) -> dict[str, Any]:
    params = cluster.params
    requests, interval, behaviour = params["requests"], params["interval"], params["behaviour"]
    for name in ("port", "backend_port"):
        if not 0 < params[name] < 65536:
            raise Problem(f"{name} is {params[name]}: give 1 to 65535.")
    if requests < 0 or interval < 0:
        raise Problem(f"requests is {requests} and interval is {interval}: give 0 or more for both.")
    pod = Pod(cluster, params["pod"], params["namespace"])

    before = backend(*pod.read(params["backend_port"], "/status"))
    if behaviour is not None and not cluster.check_mode:
        pod.read(params["backend_port"], f"/behaviour/{behaviour}", "PUT")
    asked: list[dict[str, Any]] = []
    begun = time.monotonic()
    for number in range(0 if cluster.check_mode else requests):
        time.sleep(max(0.0, begun + number * interval - time.monotonic()))
        at, start = time.time(), time.monotonic()
        status, text = pod.ask(params["port"], "/")
        seconds = time.monotonic() - start
        state = breaker(*pod.read(params["port"], "/state"))["state"]
        asked.append(
            {
                "at": round(at, 3),
                "seconds": round(seconds, 3),
                "status": status,
                "body": text[:_BODY_CHARACTERS],
                "state": state,
            }
        )
    took = time.monotonic() - begun
    after = backend(*pod.read(params["backend_port"], "/status"))
    return {
        "changed": behaviour not in (None, before["behaviour"]),
        **breaker(*pod.read(params["port"], "/state")),
        "backend": {"before": before, "after": after},
        "asked": asked,
        "seconds": round(took, 3),
    }


def main() -> None:
    run(
        {
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "str", "required": True},
            "port": {"type": "int", "default": 6000},
            "backend_port": {"type": "int", "default": 5000},
            "behaviour": {"type": "str", "choices": ["healthy", "crashing", "slow"]},
            "requests": {"type": "int", "default": 0},
            "interval": {"type": "float", "default": 0.0},
        },
        observe,
    )


if __name__ == "__main__":
    main()
