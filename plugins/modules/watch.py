# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: watch
short_description: Watch Jobs or pods until conditions hold
version_added: 1.0.0
description:
  - Watches Jobs with their pods, or pods, until all conditions hold at one look, or until time is up.
  - That time is up is no failure but an answer, RV(met). The task fails when the cluster refuses, or when it does not
    answer until time is up; RV(ignore:msg) is the cluster's own sentence then, and the rest is returned as far as it
    was seen.
  - What was seen on the way is kept. Pods and Jobs that are gone by now, and every ending of a container, are part of
    the outcomes.
  - A watch that is closed, cut, silent or too old is opened again, and a question that fails is asked again until time
    is up.
  - Everything happens on the controller, which needs the Python client. A wait that may last 10 seconds or more says
    what it waits for.
  - It needs the rights to C(list) and C(watch) C(pods), and C(jobs.batch) for O(jobs). Without the right to C(watch)
    it looks once a second, and says so with RV(gaps).
options:
  jobs:
    description:
      - The Jobs to watch, with the pods of their own. Give this or O(pods).
    type: dict
    suboptions: &where
      namespace:
        description:
          - Their namespace.
        type: str
        required: true
      label_selectors:
        description:
          - Label selectors that they match, all of them. Without any, all of the namespace are meant.
        type: list
        elements: str
        default: []
  pods:
    description:
      - The pods to watch. Give this or O(jobs).
    type: dict
    suboptions: *where
  for:
    description:
      - One or more conditions, as expressions without braces. They hold when they are true or not empty.
      - They can use each outcome by the name of its Job or pod, all outcomes as C(jobs) or C(pods), and all other
        variables. Names that are no identifiers are found in the latter, as in C(pods['web-0'].ready).
      - A condition that can't be evaluated, such as one about a pod that is not there yet, does not hold yet.
    type: raw
    required: true
  seconds:
    description:
      - How many seconds to watch at most.
    type: float
    required: true
extends_documentation_fragment:
  - workshop.production_patterns.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
  - kubernetes.core.k8s_auth_options
  - workshop.production_patterns.cluster
seealso:
  - module: workshop.production_patterns.pod_outcome
  - module: workshop.production_patterns.claim
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Watch until the Job with a bound is over, and the other has made three pods
  workshop.production_patterns.watch:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    jobs:
      namespace: failing-jobs
    for:
      - bounded.ended
      - unbounded.ended or unbounded.pods > 2
    seconds: 120
  register: seen

- name: Show how long the controller waited between the pods
  ansible.builtin.debug:
    msg: "{{ seen.jobs.unbounded.waits_seconds }}"

- name: Watch for ten seconds whether another pod comes
  workshop.production_patterns.watch:
    kubeconfig: ~/.kube/workshop
    context: kind-workshop
    pods:
      namespace: direct-pods
      label_selectors:
        - app = naked
    for: pods | length > 0
    seconds: 10
  register: afterwards

- name: Say that none came
  ansible.builtin.assert:
    that: not afterwards.met
"""

RETURN = r"""
met:
  description: Whether all conditions held at one look.
  type: bool
  returned: always
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
  returned: always
  sample: []
why:
  description: Of the unmet conditions that could not be evaluated, why.
  type: dict
  returned: always
  sample: {}
seconds:
  description: How long it watched.
  type: float
  returned: always
  sample: 34.204
seen_at:
  description: When its last look was, in seconds since the epoch, by the controller's clock.
  type: float
  returned: always
  sample: 1769860834.204
gaps:
  description:
    - How often there was a new look instead of the changes, because the cluster had forgotten them, or because the role
      may not watch. What was there only in between is missing.
  type: int
  returned: always
  sample: 0
jobs:
  description: The Jobs that were seen, by name. All times are seconds since the epoch, and those of the cluster whole.
  type: dict
  returned: with O(jobs)
  contains:
    name:
      description: The name of the Job.
      type: str
      sample: migrate
    uid:
      description: The identity of the Job.
      type: str
      sample: 0f3c0a1e-6a8b-4f6e-9a1c-0d6d5b0f2c11
    spec:
      description: Its C(spec) as the cluster has it, with what it has by default, without C(selector) and C(template).
      type: dict
      sample: {backoffLimit: 6, completions: 1, parallelism: 1}
    failures:
      description: How many of its pods have failed, by its status.
      type: int
      sample: 3
    exit_codes:
      description:
        - The exit codes of its containers, each once, by size. Endings that nobody saw, and containers that failed to
          start, have none.
      type: list
      elements: int
      sample: [1]
    endings:
      description: How many endings of its containers were seen.
      type: int
      sample: 3
    start_errors:
      description: How many of its containers failed to start, so that their program never ran.
      type: int
      sample: 0
    pods:
      description: How many pods of it were seen.
      type: int
      sample: 3
    pods_of_index:
      description: Of an Indexed Job, how many pods of each index were seen.
      type: dict
      sample: {"0": 2, "1": 1}
    pods_left:
      description: How many of them are still there.
      type: int
      sample: 3
    pods_after_end:
      description: How many of them were made after it had been given up or had ended.
      type: int
      sample: 0
    created_at:
      description: When its pods were made, in this order.
      type: list
      elements: float
      sample: [1769860800.0, 1769860812.0, 1769860834.0]
    waits_seconds:
      description:
        - From the end of each pod until the next one was made; V(null) where the end was not seen.
        - Where several run at once it is below 0.
      type: list
      elements: float
      sample: [10.0, 20.0]
    ended:
      description: C(Complete) or C(Failed), or V(null) while it goes on.
      type: str
      sample: Failed
    reason:
      description: Why it ended.
      type: str
      sample: DeadlineExceeded
    given_up_at:
      description: When the controller gave it up, or V(null). Its last pods may take a while to end after that.
      type: float
      sample: 1769860838.0
    given_up_after_seconds:
      description: How long that was after it had started.
      type: float
      sample: 38.0
    ended_at:
      description: When it had ended, which is after its last pod has.
      type: float
      sample: 1769860840.0
    ended_after_seconds:
      description: How long that was after it had started.
      type: float
      sample: 40.0
    removed_at:
      description: When it was seen to be removed, by the controller's clock.
      type: float
      sample: 1769860850.31
    removed_after_seconds:
      description: How long that was after its end.
      type: float
      sample: 10.31
    earlier:
      description: The outcomes of those that bore the name before it and were seen, the first first.
      type: list
      elements: dict
      sample: []
pods:
  description:
    - The pods that were seen, by name, each with all that M(workshop.production_patterns.pod_outcome) returns but its
      events, and with what follows. Those that are gone are as they were last.
  type: dict
  returned: with O(pods)
  contains:
    terminations:
      description: Every ending of its containers that was seen, by time, as in
        M(workshop.production_patterns.pod_outcome), and with what follows.
      type: list
      elements: dict
      sample: []
      contains:
        seen_after_seconds:
          description:
            - How long after its end the pod's status was seen to say so. The cluster has the end in whole seconds.
            - V(null) for one that a look found, as that with which the watch begins, and so may have come long before.
          type: float
          sample: 0.62
    oom_killed:
      description: Whether the reason of any of them is C(OOMKilled).
      type: bool
      sample: false
    ready_since:
      description: Since when it is ready, or V(null) while it is not.
      type: float
      sample: 1769860803.0
    created_at:
      description: When it was made.
      type: float
      sample: 1769860800.0
    deleted_at:
      description: When its deletion was asked for, or V(null).
      type: float
      sample: 1769860830.0
    gone_at:
      description: When it was seen to be gone, by the controller's clock, or V(null).
      type: float
      sample: 1769860860.52
    earlier:
      description: The outcomes of those that bore the name before it and were seen, the first first.
      type: list
      elements: dict
      sample: []
"""
