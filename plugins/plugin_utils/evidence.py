# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Observed values as text and as JSON."""

from __future__ import annotations

import json
import math
import typing as t

_LONGEST = 80
"""Characters up to which an observed value is shown whole."""


def plain(value: t.Any) -> t.Any:
    """The value as JSON can hold it: what is no number, and infinity, are words, and so is what JSON does not know."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return str(value)


def evidence(observed: dict[str, t.Any]) -> str:
    """Observed values on one line; long ones are abbreviated."""
    return ", ".join(f"{name}={brief(value)}" for name, value in observed.items())


def brief(value: t.Any) -> str:
    """A value on one line, as JSON, abbreviated when it is long. Numbers have three places, small ones three digits."""
    text = json.dumps(_rounded(plain(value)), ensure_ascii=False)
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, list):
        return f"[… {len(value)} values]"
    if isinstance(value, dict):
        return f"{{… {len(value)} values}}"
    return f'{text[: _LONGEST - 2]}…"'


def _rounded(value: t.Any) -> t.Any:
    if isinstance(value, float):
        return round(value, 3) if abs(value) >= 1 else float(f"{value:.3g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value
