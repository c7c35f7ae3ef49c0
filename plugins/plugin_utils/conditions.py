# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Conditions as tasks give them, and why one can't be evaluated."""

from __future__ import annotations

import typing as t


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
    return " ".join(str(error).split())
