# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup that says how this machine's proxy is to be used, and for which hosts it is not."""

from __future__ import annotations

DOCUMENTATION = r"""
name: proxy_environment
short_description: The proxy of this machine, as environment variables
version_added: 1.0.0
description:
  - Reads E(HTTP_PROXY), E(HTTPS_PROXY) and E(NO_PROXY) in both cases, and gives each in both, because programs
    differ in which they read. Where the two differ, the lower case counts.
  - Without a proxy the dictionary is empty.
author:
  - The workshop.production_patterns authors (@workshop)
options:
  _terms:
    description: Hosts, addresses and ranges that are never asked through a proxy.
    type: list
    elements: str
  for_containers:
    description: Leave out a proxy on the loopback address, which in a container is the container's own.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Ask a registry on this machine
  ansible.builtin.uri:
    url: http://localhost:5001/v2/
  environment: "{{ lookup('workshop.production_patterns.proxy_environment', 'localhost', '127.0.0.1') }}"
"""

RETURN = r"""
_raw:
  description: The environment variables, as a list of one dictionary.
  type: list
  elements: dict
"""

import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ansible.plugins.lookup import LookupBase


def is_loopback(url: str) -> bool:
    """Return whether the host of a URL is this machine by its loopback address."""
    try:
        name = urlsplit(url if "://" in url else f"//{url}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def both_cases(name: str, value: str) -> dict[str, str]:
    """Return a variable under its name in lower and in upper case."""
    return {name: value, name.upper(): value}


def proxy_environment(
    environment: Mapping[str, str], direct: Sequence[str], for_containers: bool = False
) -> dict[str, str]:
    """Return the variables that name the proxies, and in no_proxy the hosts in direct after the user's own."""
    proxies: dict[str, str] = {}
    for name in ("http_proxy", "https_proxy"):
        proxy = environment.get(name) or environment.get(name.upper())
        if proxy and not (for_containers and is_loopback(proxy)):
            proxies |= both_cases(name, proxy)
    if not proxies:
        return {}
    own = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [host.strip() for host in own.split(",") if host.strip()]
    # Alone it is understood as every host; in a list it is not.
    if hosts != ["*"]:
        hosts += [host for host in direct if host not in hosts]
    return proxies | both_cases("no_proxy", ",".join(hosts))


class LookupModule(LookupBase):  # type: ignore[misc]
    """Ansible's hook."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        """Return the variables as a list of one."""
        self.set_options(var_options=variables, direct=kwargs)
        return [proxy_environment(os.environ, terms, self.get_option("for_containers"))]
