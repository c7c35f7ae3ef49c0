# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that names an image after what it is built from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: content_tag
short_description: A tag made from the content of a build context
version_added: 1.0.0
description:
  - Hashes the names and contents of all files below a folder, whether their owner may run them, and whatever else
    decides what is built from the folder.
  - The same content gives the same tag, so an image that has it need not be built again.
author:
  - The workshop.production_patterns authors (@workshop)
positional: _input, _extra
options:
  _input:
    description: The folder, as a path on the controller.
    type: path
    required: true
  _extra:
    description: Strings that count as content too, such as the names of base images.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Name an image after its sources
  ansible.builtin.set_fact:
    image: "localhost:5001/memhog:{{ 'files/memhog' | workshop.production_patterns.content_tag('debian:trixie') }}"
"""

RETURN = r"""
_value:
  description: Twelve hexadecimal digits.
  type: str
"""


def content_tag(folder: str, *extra: str) -> str:
    """Return twelve hexadecimal digits that stand for the files below folder and the strings in extra.

    Raises AnsibleFilterError where folder is no folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise AnsibleFilterError(f"There is no folder {folder} to make a tag from: name the folder of a build context.")
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_mode & 0o100:o}\0{len(content)}\0".encode())
        digest.update(content)
    for text in extra:
        digest.update(f"\0{text}".encode())
    return digest.hexdigest()[:12]


class FilterModule:
    """Ansible's hook."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"content_tag": content_tag}
