# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What all modules have in common that look once, or until conditions hold."""

    DOCUMENTATION = r"""
options:
  for:
    description:
      - One or more conditions to wait for, as expressions without braces.
      - They can use all that is returned by its name, and all other variables. One that can't be evaluated does not
        hold yet.
    type: raw
  seconds:
    description:
      - How many seconds to wait for O(for) at most. Needed with it.
    type: float
"""
