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
  - The cluster has to be named with O(context) (or O(host)). The current context of a kubeconfig is never followed.
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
