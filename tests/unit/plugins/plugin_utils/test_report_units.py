# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.svg import (
    Axis,
    columns,
    tag,
    ticks_path,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import said, words


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("size_bytes", 104857600, "size: 100 MiB"),
        ("size_bytes", 79061788, "size: 75.4 MiB"),
        ("bytes", 1, "size: 1 byte"),
        ("added_bytes", 1023, "added: 1,023 bytes"),
        ("added_bytes", 1048575, "added: 1 MiB"),
        ("stop_seconds", 30.249, "stop: 30.2 s"),
        ("fastest_seconds", 0.006344, "fastest: 0.006 s"),
        ("seconds_until_file_changed", 264.363, "until file changed: 4 min 24 s"),
        ("wait_seconds", 3600, "wait: 1 h"),
        ("requests_per_second", 20.008, "requests: 20.0 a second"),
        ("ready_epoch_seconds", 1795931209.0, "ready at: 05:46:49 UTC"),
        ("created_at", 1795931209.0, "created at: 05:46:49 UTC"),
        ("waits_seconds[1]", 20.0, "waits, the 2nd: 20 s"),
        ("unset.ended_after_seconds", 10.0, "unset › ended after: 10 s"),
        ("requests", 1900, "requests: 1,900"),
        ("times_larger", 6.638983676918615, "times larger: 6.64"),
        ("ready", True, "ready: yes"),
        ("reason", None, "reason: none"),
        ("share_seconds", "NaN", "share: NaN"),
    ],
)
def test_values_are_said_as_people_say_them(name, value, shown) -> None:
    assert f"{words(name)}: {said(name, value)}" == shown


def test_a_moment_is_told_from_the_beginning_of_the_run() -> None:
    assert said("ended_at", 1795931209.0, 1795931119.0) == "05:46:49 UTC, 90 s into the run"


def test_texts_and_values_are_escaped() -> None:
    assert tag("text", "<&>", tag("b"), class_='"x"', x=1.25) == (
        '<text class="&#34;x&#34;" x="1.2">&lt;&amp;&gt;<b></b></text>'
    )


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0, 45, 0, 300), [0, 10, 20, 30, 40]),
        (Axis(0, 300, 0, 300, clock=True), [0, 60, 120, 180, 240, 300]),
        (Axis(0.006, 30.1, 0, 300, log=True), [0.001, 0.01, 0.1, 1, 10, 100]),
        (Axis(5, 5, 0, 60), [5, 6]),
    ],
)
def test_an_axis_has_round_values(axis, ticks) -> None:
    assert axis.ticks() == pytest.approx(ticks)
    assert all(0 <= axis.at(value) <= 300 for value in (-1, 0, 1e9))


def test_any_number_of_values_becomes_as_many_columns_as_there_are_pixels() -> None:
    axis = Axis(0, 100_000, 0, 300)
    filled = columns(range(100_000), axis)
    assert len(filled) == 300
    assert sum(filled.values()) == 100_000
    assert ticks_path(filled, 2, 10) == "M0 2h300v10H0z"
    assert ticks_path([1, 2, 5], 2, 10) == "M1 2h2v10H1zM5 2h1v10H5z"
