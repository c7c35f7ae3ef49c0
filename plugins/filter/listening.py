# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that reads the kernel's tables of sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable

DOCUMENTATION = r"""
name: listening
short_description: The addresses and ports that somebody listens on
version_added: 1.0.0
description:
  - Reads what C(/proc/net/tcp) and C(/proc/net/tcp6) hold, one or both, one after the other.
  - The tables are of the reader's network, which all containers of a pod share. They are read as those of a machine
    with little-endian numbers.
author:
  - The workshop.production_patterns authors (@workshop)
options:
  _input:
    description: The text of the tables.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Ask the kernel for its sockets
  kubernetes.core.k8s_exec:
    namespace: shop
    pod: basket
    command: cat /proc/net/tcp /proc/net/tcp6
  register: sockets

- name: Nobody listens but on the loopback interface
  ansible.builtin.assert:
    that: sockets.stdout | workshop.production_patterns.listening | reject('match', '127[.]') == []
"""

RETURN = r"""
_value:
  description: Addresses with their ports, each once, in order.
  type: list
  elements: str
  sample: ["0.0.0.0:8080", "127.0.0.1:5000", "[::]:22"]
"""

_LISTEN = "0A"


def _address(numbers: str) -> str:
    """An address as the kernel writes it: words of 32 bits in the order of the machine, in hexadecimal digits."""
    raw = bytes.fromhex(numbers)
    packed = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]"


def listening(tables: str) -> list[str]:
    """Return the addresses and ports of the sockets that listen."""
    found: set[str] = set()
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 3 and words[0].endswith(":") and words[3] == _LISTEN:
            address, _colon, port = words[1].partition(":")
            found.add(f"{_address(address)}:{int(port, 16)}")
    return sorted(found)


class FilterModule:
    """Ansible's hook."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"listening": listening}
