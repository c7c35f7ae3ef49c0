# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: lessons
short_description: The lessons of this collection, in the order taught
version_added: 1.0.0
description:
  - A lesson is a role with a file C(lesson.yml), which says its place in the order taught (C(order)) and what it is
    about (C(title)).
seealso:
  - module: workshop.production_patterns.claim
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Say what is taught
  ansible.builtin.debug:
    msg: "{{ query('workshop.production_patterns.lessons') }}"
"""

RETURN = r"""
_raw:
  description: The names of the lessons, which are those of their roles.
  type: list
  elements: str
  sample:
    - build_and_runtime
    - zombies_and_orphans
"""

import typing as t
from pathlib import Path

import yaml
from ansible.plugins.lookup import LookupBase


class About(t.TypedDict):
    """What the rest of the collection knows of a lesson."""

    order: int
    title: str


def lessons(roles: Path) -> dict[str, About]:
    """The lessons in a folder of roles by their names, in the order taught."""
    found: dict[str, About] = {
        path.parent.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in roles.glob("*/lesson.yml")
    }
    return dict(sorted(found.items(), key=lambda lesson: lesson[1]["order"]))


class LookupModule(LookupBase):
    """The lessons of this collection."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        return list(lessons(Path(__file__).parents[2] / "roles"))
