# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check what was asked of the workshop, before anything is changed
version_added: 1.0.0
description:
  - Looks at the variables of the play by what the roles of this collection document. It fails with one sentence where
    a name is unknown, where a value has the wrong type or can't be used, and where one does not fit another.
  - It fails as well where the environment would lead the tasks that follow to another cluster, with C(K8S_AUTH_HOST)
    and whatever else begins with C(K8S_AUTH_), or with C(KIND_EXPERIMENTAL_PROVIDER).
  - It changes nothing.
options:
  reach:
    description:
      - Whether to look too for what a run relies on.
      - Those are folders that can be written to, and for the lab a port that is free or its own and the kernel's limits
        for the nodes; for a cluster that somebody brings it is that cluster and its registry, which have to answer.
      - With C(workshop_teach) it waits last for Enter, so that what needs a terminal does not begin without one.
    type: bool
    default: false
  allow_no_lesson:
    description: Whether C(workshop_lessons) may be an empty list.
    type: bool
    default: false
extends_documentation_fragment:
  - workshop.production_patterns.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Check what was asked for
  workshop.production_patterns.preflight:
    reach: true
  register: asked

- name: Show which lessons will run
  ansible.builtin.debug:
    var: asked.lessons
"""

RETURN = r"""
lessons:
  description: The lessons that C(workshop_lessons) names, each once and in the order taught.
  type: list
  elements: str
  returned: success
  sample:
    - direct_pods
    - pod_quotas
"""
