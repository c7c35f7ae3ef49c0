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
    an underscore are passed over for the role that included them.
  - A claim can't be in a loop, since the name of the task is the same for all items. Put the claim into a file of
    tasks and loop over M(ansible.builtin.include_tasks).
  - When a condition is false, the task fails with the sentence, the condition and the observed values in its message.
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
    type: dict
    required: true
  that:
    description:
      - One or more conditions, as expressions without braces, like those of M(ansible.builtin.assert).
      - They can use C(observed) beside all other variables.
      - Each must give C(true) or C(false). Anything else, such as a non-empty string, is refused.
    type: raw
    required: true
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
    description: Nothing is changed in either mode.
  connection:
    support: none
  delegation:
    support: none
    details: Everything happens on the controller.
  diff_mode:
    support: none
  platform:
    platforms: all
extends_documentation_fragment:
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
      - "'SIGTERM' not in observed.caught_signals"
      - observed.stop_seconds >= 5

- name: With dumb-init SIGTERM ends it at once
  workshop.production_patterns.claim:
    shows: pattern
    observed:
      exit_code: "{{ stop.exit_code }}"
    that: observed.exit_code == 143
"""

RETURN = r"""
lesson:
  description: The lesson that makes the claim, which is the short name of its role.
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
observed:
  description: What was observed.
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
