# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """What stands in the way of an observation: one sentence for a person, and what was seen until then."""

    def __init__(self, sentence: str, **seen: Any) -> None:
        super().__init__(sentence)
        self.seen = seen
