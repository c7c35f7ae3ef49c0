# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What all modules have in common that look at a cluster."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - kubernetes (the Python client)
notes:
  - The cluster has to be named with O(context), in O(kubeconfig) or else the file that E(K8S_AUTH_KUBECONFIG) or
    E(KUBECONFIG) names, or with O(host) and its credentials (O(api_key), O(client_cert) with O(client_key), or
    O(username) with O(password)). The two together are refused, and the current context of a kubeconfig is never
    followed.
  - Once one of O(kubeconfig), O(context) and O(host) is given, the environment does not redirect it. Of the variables
    E(K8S_AUTH_*) only the other half of O(kubeconfig) and O(context) is read then, and whom to impersonate.
  - Impersonation is honoured. Where it stands in the kubeconfig it has to be given with O(impersonate_user) too, since
    the Python client does not read it there.
  - A proxy that the kubeconfig names (C(proxy-url)) is used, unless O(proxy) is given; one of SOCKS is refused.
  - A request that is not answered within 30 seconds fails, as does one that is redirected to another address.
attributes:
  action_group:
    description: The group of modules whose defaults can be set at once in C(module_defaults).
    support: full
    membership:
      - workshop.production_patterns.cluster
  diff_mode:
    support: none
  platform:
    platforms: posix
"""
