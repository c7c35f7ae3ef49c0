# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import time

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.units import (
    date,
    duration,
    kind_of,
    moment,
    number,
    said,
    size,
    unit_of,
    words,
)


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


NOON = 1795953600.0


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("requests", "requests"),
        ("ready_since", "ready since"),
        ("since", "since"),
        ("at", "at"),
        ("epoch_seconds", "at"),
        ("seconds", "time"),
        ("per_second", "rate"),
        ("bytes_read", "read"),
        ("pod.created_at", "pod › created at"),
        ("waits[0]", "waits, the 1st"),
    ],
)
def test_a_name_is_said_without_its_unit(name, spoken) -> None:
    assert words(name) == spoken


def test_dots_may_be_kept() -> None:
    assert words("app.kubernetes.io_bytes", dotted=False) == "app.kubernetes.io"


@pytest.mark.parametrize(
    ("index", "ordinal"),
    [(2, "3rd"), (3, "4th"), (8, "9th"), (9, "10th"), (10, "11th"), (11, "12th"), (12, "13th"), (19, "20th")]
    + [(20, "21st"), (21, "22nd"), (22, "23rd"), (100, "101st"), (110, "111th"), (210, "211th")],
)
def test_the_place_in_a_list(index, ordinal) -> None:
    assert words(f"waits[{index}]") == f"waits, the {ordinal}"


@pytest.mark.parametrize(
    ("name", "unit", "kind"),
    [
        ("size_bytes", "bytes", "size"),
        ("bytes_read", "bytes", "size"),
        ("waits_seconds[3]", "seconds", "time"),
        ("job.ended_at", "at", "at"),
        ("requests_per_second", "per_second", "rate"),
        ("format", None, None),
        ("megabytes", None, None),
        ("bytesize", None, None),
    ],
)
def test_what_a_name_says_of_its_unit(name, unit, kind) -> None:
    assert (unit_of(name), kind_of(name)) == (unit, kind)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("ready", False, "no"),
        ("pods", ["a"], "['a']"),
        # Of a clock that does not begin in 1970.
        ("started_at", 30.0, "30"),
        ("started_at", 1e9, "1,000,000,000"),
        ("started_at", 1e9 + 1, "01:46:41 UTC"),
        ("ready_epoch_seconds", 30.0, "30 s"),
    ],
)
def test_a_value_is_said_by_its_kind(name, value, shown) -> None:
    assert said(name, value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (2.0, "2"),
        (0.5, "0.5"),
        (1.5, "1.50"),
        (12.25, "12.2"),
        (123.4, "123"),
        (1000.5, "1,000"),
        (-1234.5, "-1,234"),
        (0.00012345, "0.000123"),
        (0.1, "0.1"),
    ],
)
def test_a_number_has_three_digits_that_count(value, shown) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 bytes"),
        (1024, "1 KiB"),
        (-2048, "-2 KiB"),
        (1536, "1.5 KiB"),
        (1023.4 * 1024, "1,023 KiB"),
        (1023.5 * 1024, "1 MiB"),
        (2**30, "1 GiB"),
        (2**40, "1 TiB"),
        (2**60, "1 EiB"),
        (2**70, "1,024 EiB"),
    ],
)
def test_a_size_is_told_in_the_largest_unit(value, shown) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (0.0005, "0.5 ms"),
        (-0.0005, "-0.5 ms"),
        (0.0009945, "0.99 ms"),
        (0.001, "0.001 s"),
        (1.0, "1 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (3599.6, "1 h"),
        (3661, "1 h 1 min 1 s"),
        (-130, "−2 min 10 s"),
        (100_000, "27 h 46 min 40 s"),
    ],
)
def test_a_duration_is_told_in_hours_minutes_and_seconds(value, shown) -> None:
    assert duration(value) == shown


@pytest.mark.parametrize(
    ("value", "began", "shown"),
    [
        (NOON, None, "12:00:00 UTC"),
        (NOON, NOON + 1, "12:00:00 UTC"),
        (NOON, NOON, "12:00:00 UTC, 0 s into the run"),
        (1e20, None, "100,000,000,000,000,000,000"),
    ],
)
def test_a_moment_is_told_by_the_clock(value, began, shown) -> None:
    assert moment(value, began) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(NOON, "29 November 2026, 12:00 UTC"), (None, "unknown"), (1e20, "unknown")]
)
def test_a_date(value, shown) -> None:
    assert date(value) == shown


def test_moments_are_those_of_utc_wherever_the_pages_are_written(monkeypatch) -> None:
    with monkeypatch.context() as place:
        place.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert moment(NOON) == "12:00:00 UTC"
        assert date(NOON) == "29 November 2026, 12:00 UTC"
    time.tzset()
