# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: report_pages
short_description: Write the pages of a report from its claims.json
version_added: 1.0.0
description:
  - Writes C(index.html), a page for each lesson and the manifests that it applied, from nothing but a C(claims.json)
    that the callback P(workshop.production_patterns.report#callback) has written, and from the lessons of this
    collection.
  - The pages open from a file, without a network. They load nothing from anywhere.
  - Texts whose names say that they are a password, a secret, a token or a credential are not shown.
options:
  claims:
    description: The C(claims.json) of the run.
    type: path
    required: true
  folder:
    description: The folder that the pages are written to, made where it is missing. It is that of O(claims) by itself.
    type: path
  earlier:
    description:
      - The C(claims.json) of an earlier run. With it there is a page C(changes.html), which shows what changed.
    type: path
attributes:
  check_mode:
    details: It says which pages would change, and writes none.
extends_documentation_fragment:
  - workshop.production_patterns.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
notes:
  - The lessons' texts are rendered where the Python package C(markdown-it-py) is installed, and code has colours where
    C(pygments) is. Without them the pages say so, and are otherwise whole.
seealso:
  - module: workshop.production_patterns.claim
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Write the pages again
  workshop.production_patterns.report_pages:
    claims: workshop-report/claims.json

- name: Show what changed since yesterday
  workshop.production_patterns.report_pages:
    claims: workshop-report/claims.json
    earlier: yesterday/claims.json
    folder: comparison
"""

RETURN = r"""
index:
  description: The path of the first page.
  type: str
  returned: success
  sample: workshop-report/index.html
files:
  description: The names of the files that changed.
  type: list
  elements: str
  returned: success
  sample:
    - index.html
    - failing_jobs.html
missing:
  description: What the pages lack because a Python package is not installed, in sentences.
  type: list
  elements: str
  returned: success
  sample:
    - Code has no colours, since pygments is not installed.
changes:
  description: What changed since the earlier run, in one sentence.
  type: str
  returned: when O(earlier) is given
  sample: "Since the earlier run: 1 fell, 1 lesson has another status."
"""
