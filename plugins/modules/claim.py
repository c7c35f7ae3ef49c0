# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: claim
short_description: State what must hold, with what was observed
version_added: 1.0.0
description:
  - A lesson proves itself with claims. A claim is a sentence that a person understands, the conditions that must
    hold for it to be true, and the values that were observed.
  - The sentence is the name of the task. The lesson is the role that the task is in; roles whose names start with
    an underscore are passed over for the role that included them. Outside of a role there is no lesson.
  - A claim can't be in a loop, since the name of the task is the same for all items. Put the claim into a file of
    tasks and loop over M(ansible.builtin.include_tasks).
  - When a condition is false, the task fails as that of M(ansible.builtin.assert) does, with the sentence, all false
    conditions and the values that the conditions read in its message. The option O(collect_in) has the play go on.
  - The callback P(workshop.production_patterns.report#callback) collects the claims of a run into its report.
options:
  shows:
    description:
      - Whether the claim makes an anti-pattern visible, or shows that a pattern works.
    type: str
    required: true
    choices:
      - antipattern
      - pattern
  observed:
    description:
      - What was observed, at least one value. Put units into the names, such as C(stop_seconds) or C(size_bytes).
      - Numbers stay numbers, and lists are kept whole, so that the report can draw them.
      - A name that is an option or a constant of the role, begins with C(workshop_) or is C(observed) is refused, since
        a condition could mean either.
    type: dict
    required: true
  that:
    description:
      - One or more conditions, as expressions without braces, like those of M(ansible.builtin.assert).
      - They read what was observed by its names, such as C(stop_seconds) or C(observed.stop_seconds), and beside it
        nothing but the variables in the role's C(defaults) and C(vars), and those that begin with C(workshop_).
      - All of them are evaluated. One that reads anything else, can't be evaluated, or gives neither C(true) nor
        C(false) is false, and RV(false_conditions) says why.
    type: raw
    required: true
  collect_in:
    description:
      - The name of a variable. With it a claim that does not hold still shows as failed, and the play goes on as with
        C(ignore_errors). The result is registered under this name, and its C(fallen) lists the sentences of all claims
        that fell so far. The variable stays undefined as long as none did.
      - Meant for C(module_defaults), so that it is said once for all claims. The lessons of this collection have it
        from the internal role that shows them, which ends a lesson as failed when claims fell.
      - Such a task can't have a C(register) of its own.
    type: str
  ask_first:
    description:
      - Whether to show the sentence and wait for Enter before what was measured is shown, so that a class can guess.
      - It needs a terminal, and fails the task where there is none.
    type: bool
    default: false
extends_documentation_fragment:
  - workshop.production_patterns.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
seealso:
  - plugin: workshop.production_patterns.report
    plugin_type: callback
  - module: ansible.builtin.assert
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: A process without a handler ignores SIGTERM as PID 1
  workshop.production_patterns.claim:
    shows: antipattern
    observed:
      caught_signals: "{{ signals.caught }}"
      stop_seconds: "{{ stop.seconds }}"
    that:
      - "'SIGTERM' not in caught_signals"
      - stop_seconds >= 5

- name: With dumb-init SIGTERM ends it at once
  workshop.production_patterns.claim:
    shows: pattern
    observed:
      exit_code: "{{ stop.exit_code }}"
    that: exit_code == 143

- name: Make several claims, whether or not those before hold
  module_defaults:
    workshop.production_patterns.claim:
      collect_in: fallen_claims
  block:
    - name: The container ends within its grace period
      workshop.production_patterns.claim:
        shows: pattern
        observed:
          stop_seconds: "{{ stop.seconds }}"
        that: stop_seconds < 10

    - name: It ends by SIGTERM
      workshop.production_patterns.claim:
        shows: pattern
        observed:
          exit_code: "{{ stop.exit_code }}"
        that: exit_code == 143

    - name: Fail when one of them fell
      ansible.builtin.fail:
        msg: "{{ fallen_claims.fallen | join(', ') }}"
      when: fallen_claims is defined
"""

RETURN = r"""
lesson:
  description: The lesson that makes the claim, which is the short name of its role. V(null) outside of a role.
  type: str
  returned: when the claim could be decided
  sample: zombies_and_orphans
claim:
  description: The sentence.
  type: str
  returned: when the claim could be decided
  sample: A process without a handler ignores SIGTERM as PID 1
shows:
  description: Whether it makes an anti-pattern visible, or shows that a pattern works.
  type: str
  returned: when the claim could be decided
  sample: antipattern
holds:
  description: Whether all conditions are true.
  type: bool
  returned: when the claim could be decided
  sample: true
false_conditions:
  description: The conditions that are not true.
  type: list
  elements: dict
  returned: when the claim could be decided
  contains:
    condition:
      description: The condition as it is written.
      type: str
    reason:
      description: Why it is not true. V(null) when it was evaluated to V(false).
      type: str
  sample: []
fallen:
  description: The sentences of the claims that fell so far, this one included.
  type: list
  elements: str
  returned: when the claim does not hold and O(collect_in) is set
  sample:
    - The container ends within its grace period
observed:
  description: What was observed.
  type: dict
  returned: when the claim could be decided
  sample:
    caught_signals: []
    stop_seconds: 5.31
evidence:
  description:
    - What of it the conditions read, by the words that they read it with, as in C(job.ended_at). All that was observed,
      where they read nothing of it.
  type: dict
  returned: when the claim could be decided
  sample:
    caught_signals: []
    stop_seconds: 5.31
at:
  description: When the claim was decided, UTC in ISO 8601.
  type: str
  returned: when the claim could be decided
  sample: "2026-01-31T12:00:00.123+00:00"
"""
