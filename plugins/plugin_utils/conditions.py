# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Conditions as tasks give them, and why one can't be evaluated."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleError, AnsibleTemplateSyntaxError
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

if t.TYPE_CHECKING:
    from ansible.template import Templar

LONG_SECONDS = 10
"""A wait that may take so long says what it waits for."""


def conditions(given: object) -> list[str] | None:
    """One or more conditions as a list, None when they are anything but expressions."""
    found: list[t.Any] = given if isinstance(given, list) else [given]
    if found and all(isinstance(condition, str) and condition.strip() for condition in found):
        return found
    return None


def reason(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of template errors, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    # Ansible names dictionaries as Python does, and lists by a class of its own.
    return re.sub(r"ansible\._internal\.\S+List object", "the list", " ".join(str(error).split()))


def unmet(templar: Templar, wanted: list[str], names: dict[str, t.Any]) -> dict[str, str | None]:
    """The conditions that do not hold, each with the reason why it can't be evaluated, if it can't.

    Raises Problem for one that is no expression, since it never will hold.
    """
    found: dict[str, str | None] = {}
    for condition in wanted:
        try:
            if not templar.evaluate_expression(condition, local_variables=names, escape_backslashes=False):
                found[condition] = None
        except AnsibleTemplateSyntaxError as error:
            raise Problem(f'The condition "{condition}" is no expression: {reason(error)}') from error
        except AnsibleError as error:
            found[condition] = reason(error)
    return found


def answer(missed: dict[str, str | None], seconds: float) -> dict[str, t.Any]:
    """Whether conditions came to hold, as every wait returns it, from those that did not, after so many seconds."""
    found: dict[str, t.Any] = {
        "met": not missed,
        "unmet": list(missed),
        "why": {condition: why for condition, why in missed.items() if why},
        "seconds": round(seconds, 3),
    }
    if missed:
        # What a task says that takes it for a failure after all.
        found["msg"] = f"After {seconds:.0f} seconds this did not hold yet: {'; '.join(missed)}"
    return found
