# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What all modules have in common that look at a Docker engine."""

    DOCUMENTATION = r"""
options: {}
notes:
  - O(timeout) is how long the engine may be silent, not how long the module may take.
attributes:
  action_group:
    description: The group of modules whose defaults can be set at once in C(module_defaults).
    support: full
    membership:
      - workshop.production_patterns.engine
  diff_mode:
    support: none
  platform:
    platforms: posix
"""
