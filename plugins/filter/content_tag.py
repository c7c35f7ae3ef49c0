# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that names an image after what it is built from."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: content_tag
short_description: A tag made from the content of a build context
version_added: 1.0.0
description:
  - Hashes all that a build sees below a folder (the names, modes and contents of files, folders, empty ones too, and
    where links lead), and whatever else decides what is built from it. Links are not followed.
  - Times and owners do not count, as no build keeps them.
  - The same content gives the same tag, so an image that has it need not be built again.
author:
  - The workshop.production_patterns authors (@workshop)
positional: _input, _extra
options:
  _input:
    description:
      - The folder, as a path on the controller. What can't be read, and sockets, pipes and devices, are refused.
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


def _entries(folder: Path) -> Iterator[tuple[bytes, Path]]:
    """All that is below a folder, with the path from there in bytes."""
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        for name in (*folders, *files):
            path = Path(parent, name)
            yield os.fsencode(path.relative_to(folder)), path


def _refuse(error: OSError) -> None:
    raise error


def _described(path: Path) -> tuple[str, bytes]:
    """What a build sees of a path besides its name: its type with its mode, and its content."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link", os.fsencode(path.readlink())
    if stat.S_ISDIR(mode):
        return f"folder {stat.S_IMODE(mode):o}", b""
    if stat.S_ISREG(mode):
        return f"file {stat.S_IMODE(mode):o}", path.read_bytes()
    raise AnsibleFilterError(
        f"{path} is no file, folder or link, and no build can copy it: remove it from the build context."
    )


def content_tag(folder: str, *extra: str) -> str:
    """Return twelve hexadecimal digits that stand for all that is below folder, and for the strings in extra.

    Raises AnsibleFilterError where folder is no folder, or something in it cannot be read or is nothing to build from.
    """
    root = Path(folder)
    if not root.exists():
        raise AnsibleFilterError(f"There is no folder {folder} to make a tag from: name the folder of a build context.")
    if not root.is_dir():
        raise AnsibleFilterError(f"{folder} is no folder, so no tag is made from it: name the one that it is in.")
    digest = hashlib.sha256()
    try:
        for name, path in sorted(_entries(root)):
            described, content = _described(path)
            digest.update(b"%s\0%s\0%d\0" % (name, described.encode(), len(content)))
            digest.update(content)
    except OSError as error:
        raise AnsibleFilterError(
            f"{error.filename} cannot be read to make a tag from it ({error.strerror}): mend that, or move it out of "
            "the build context."
        ) from error
    for text in extra:
        digest.update(f"\0{text}".encode())
    return digest.hexdigest()[:12]


class FilterModule:
    """Ansible's hook."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"content_tag": content_tag}
