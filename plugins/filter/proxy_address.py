# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that reads the address of a proxy."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

DOCUMENTATION = r"""
name: proxy_address
short_description: Host and port of a proxy
version_added: 1.0.0
description:
  - Reads the URL of a proxy as E(HTTP_PROXY) and E(HTTPS_PROXY) hold it, and leaves out user and password.
author:
  - The workshop.production_patterns authors (@workshop)
options:
  _input:
    description: The URL, with one of the schemes C(http), C(https), C(socks5) and C(socks5h).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See whether the proxy answers
  ansible.builtin.wait_for:
    host: "{{ proxy.host }}"
    port: "{{ proxy.port }}"
  vars:
    proxy: "{{ lookup('ansible.builtin.env', 'HTTP_PROXY') | workshop.production_patterns.proxy_address }}"
"""

RETURN = r"""
_value:
  description: Empty where the text is no URL of a proxy.
  type: dict
  contains:
    host:
      description: The name or address of the proxy.
      type: str
    port:
      description: The port, that of the scheme where the URL names none.
      type: int
"""

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


def proxy_address(url: str) -> dict[str, str | int]:
    """Return the host and the port of a proxy, or nothing where url is none of a proxy."""
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        return {}
    if address.scheme not in PORTS or not host or port == 0 or any(letter.isspace() for letter in url):
        return {}
    return {"host": host, "port": port or PORTS[address.scheme]}


class FilterModule:
    """Ansible's hook."""

    def filters(self) -> dict[str, Callable[..., dict[str, str | int]]]:
        return {"proxy_address": proxy_address}
