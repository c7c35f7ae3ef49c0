# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: build_context
short_description: A folder of this collection that images are built from
version_added: 1.0.0
description:
  - Build contexts that several roles use are in the folder C(files) of this collection.
options:
  _terms:
    description: The names of the folders.
    type: list
    elements: str
    required: true
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Build the registry's image
  community.docker.docker_image_build:
    path: "{{ lookup('workshop.production_patterns.build_context', 'registry') }}"
    name: workshop/registry:trixie
"""

RETURN = r"""
_raw:
  description: The absolute paths of the folders.
  type: list
  elements: path
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

FILES = Path(__file__).resolve().parents[2] / "files"


class LookupModule(LookupBase):
    """The build contexts of this collection."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        for name in terms:
            if not (FILES / name).is_dir():
                known = ", ".join(sorted(path.name for path in FILES.iterdir()))
                raise AnsibleLookupError(f"There is no build context {name}: name one of {known}.")
        return [str(FILES / name) for name in terms]
