# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from ansible_collections.workshop.production_patterns.plugins.filter.listening import FilterModule, listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = f"""{HEAD}   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534
   1: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534
   2: 1400F40A:1F90 0100F40A:BD5E 06 00000000:00000000 03:00000A6C 00000000
"""
TCP6 = f"""{HEAD}   0: 00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000
"""


def test_sockets_that_listen_and_no_others():
    assert listening(TCP) == ["0.0.0.0:8080", "127.0.0.1:5000"]


def test_sockets_of_ipv6():
    assert listening(TCP + TCP6) == ["0.0.0.0:8080", "127.0.0.1:5000", "[::1]:22", "[::]:5000"]


def test_nobody_listens():
    assert listening(HEAD) == listening("") == []


def test_a_line_that_was_cut_short_is_none():
    assert listening("   0: 0100007F:1388 00000000:0000") == []
    assert listening("   0: 0100007F:1388 00000000:0000 0A") == ["127.0.0.1:5000"]


def test_the_filter_has_its_name():
    assert FilterModule().filters() == {"listening": listening}
