# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import exit_signal, signal_names


class FilterModule:
    """What signal masks and exit codes say, in the names of signals."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"exit_signal": exit_signal, "signal_names": signal_names}
