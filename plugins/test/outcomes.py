# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.workshop.production_patterns.plugins.module_utils.pods import PREDICATES


class TestModule:
    """What became of a pod or a process."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        return PREDICATES
