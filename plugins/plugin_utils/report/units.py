# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Observed values in the words and units that people use."""

from __future__ import annotations

import re
import typing as t
from datetime import UTC, datetime

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import is_number

_UNITS = re.compile(r"(?:^|[_.])(bytes|epoch_seconds|per_second|seconds|at|since)$")
_BEGINS = re.compile(r"^(bytes|seconds)_")
_INDEX = re.compile(r"\[(\d+)\]$")
_EPOCH = 1_000_000_000
"""Seconds from which a number under `at` is a moment."""
_BYTES = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_MOMENTS = ("at", "since", "epoch_seconds")
_FALLBACKS = {
    "bytes": "size",
    "seconds": "time",
    "at": "at",
    "epoch_seconds": "at",
    "per_second": "rate",
    "since": "since",
}


def words(name: str, *, dotted: bool = True) -> str:
    """The name of a value without its unit, as words; dotted when its dots lead from one name to another."""
    index = _INDEX.search(name)
    name = _INDEX.sub("", name)
    unit = unit_of(name)
    if unit is None:
        short = name
    elif name.endswith(unit):
        short = name[: -len(unit)].rstrip("_.") or _FALLBACKS[unit]
    else:
        short = name[len(unit) + 1 :]
    if unit in _MOMENTS and short not in ("at", "since"):
        short += "_since" if unit == "since" else "_at"
    return short.replace("_", " ").replace(".", " › " if dotted else ".").strip() + (
        f", the {_ordinal(int(index[1]) + 1)}" if index else ""
    )


def _ordinal(count: int) -> str:
    ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{ending}"


def unit_of(name: str) -> str | None:
    """The unit that the end of a name says, or its beginning, if one does."""
    found = _UNITS.search(_INDEX.sub("", name)) or _BEGINS.match(name)
    return found[1] if found else None


def kind_of(name: str) -> str | None:
    """What kind of value it is, in a word, where its name says its unit."""
    return _FALLBACKS.get(unit_of(name) or "")


def said(name: str, value: t.Any, began: float | None = None) -> str:
    """A simple value, with the unit of its name. With the moment the run began, moments are told from there on too."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not is_number(value):
        return str(value)
    unit = unit_of(name)
    if unit == "bytes":
        return size(value)
    if unit in _MOMENTS and value > _EPOCH:
        return moment(value, began)
    if unit in ("seconds", "epoch_seconds"):
        return duration(value)
    return number(value) + (" a second" if unit == "per_second" else "")


def number(value: float) -> str:
    """A number with three digits that count, and thousands apart."""
    if isinstance(value, int) or value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - _exponent(value))
    text = f"{value:.{digits}f}"
    return text.rstrip("0") if digits > 2 else text


def size(value: float) -> str:
    """A number of bytes."""
    if abs(value) < 1024:
        return f"{value:,.0f} {'byte' if value == 1 else 'bytes'}"
    power = 1
    while power < len(_BYTES) and abs(value) / 1024**power >= 1023.5:
        power += 1
    return f"{_short(value / 1024**power)} {_BYTES[power - 1]}"


def duration(value: float) -> str:
    """A number of seconds."""
    if 0 < abs(value) < 0.001:
        return f"{value * 1000:.2g} ms"
    if abs(value) < 120:
        return f"{_short(value)} s"
    minutes, seconds = divmod(round(abs(value)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    return ("−" if value < 0 else "") + " ".join(f"{count} {unit}" for count, unit in parts if count)


def moment(value: float, began: float | None = None) -> str:
    """A moment by the clock, and how long after the beginning of the run it was."""
    try:
        clock = datetime.fromtimestamp(value, UTC).strftime("%H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return number(value)
    return clock if began is None or value < began else f"{clock}, {duration(value - began)} into the run"


def date(value: float | None) -> str:
    """A moment with its day."""
    if value is None:
        return "unknown"
    try:
        at = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return "unknown"
    return f"{at.day} {at.strftime('%B %Y, %H:%M UTC')}"


def _short(value: float) -> str:
    """A number with three digits that count at most, and no more than three places."""
    places = min(3, max(0, 2 - _exponent(value)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])
