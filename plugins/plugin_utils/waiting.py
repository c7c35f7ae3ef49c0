# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Actions that run their module again and again, until conditions over what it returns hold or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.conditions import (
    LONG_SECONDS,
    answer,
    conditions,
    unmet,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.saying import say

PAUSE_SECONDS = 1.0
"""From the end of one look to the next."""


class WaitingAction(ActionBase):
    """Runs the module of its name once, or with the options for and seconds until the conditions hold.

    That time is up is an answer. A look that fails is tried again; only when the last one failed does the task.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        wanted, seconds = arguments.pop("for", None), arguments.pop("seconds", None)

        def look() -> dict[str, Any]:
            seen: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
            return seen

        try:
            seen = look() if wanted is None and seconds is None else self._wait(look, wanted, seconds)
        except Problem as problem:
            seen = {"failed": True, "msg": str(problem)}
        return {**result, **seen}

    def _wait(self, look: Callable[[], dict[str, Any]], given: object, seconds: object) -> dict[str, Any]:
        wanted, most = conditions(given), _positive(seconds)
        if wanted is None:
            raise Problem("for must be one or more conditions, as expressions without braces.")
        if most is None:
            raise Problem(f"seconds is {seconds}: say with more than 0 for how long to wait at most.")
        # A condition that is no expression never will be.
        unmet(self._templar, wanted, {})
        begun = time.monotonic()
        changed = said = False
        while True:
            seen = look()
            changed = changed or seen.get("changed", False)
            missed: dict[str, str | None] = dict.fromkeys(wanted, "The look failed.")
            if not seen.get("failed"):
                missed = unmet(self._templar, wanted, {**seen.get("clients", {}), **seen})
            took = time.monotonic() - begun
            if not missed or took + PAUSE_SECONDS >= most:
                return {**answer(missed, took), **seen, "changed": changed}
            if not said and most >= LONG_SECONDS:
                say(f"Waiting {most:g} seconds at most for: {'; '.join(missed)}")
                said = True
            time.sleep(PAUSE_SECONDS)


def _positive(given: object) -> float | None:
    """A number of seconds that is more than 0 and no more than there are."""
    try:
        seconds = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < float("inf") else None
