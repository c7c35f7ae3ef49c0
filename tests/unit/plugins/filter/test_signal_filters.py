# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from ansible_collections.workshop.production_patterns.plugins.filter.signals import FilterModule


def test_filters():
    filters = FilterModule().filters()
    assert set(filters) == {"exit_signal", "signal_names"}
    assert filters["exit_signal"](137) == "SIGKILL"
    assert filters["signal_names"]("0000000000004000") == ["SIGTERM"]
