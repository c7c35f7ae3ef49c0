# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""kind is in the cache under its version, and nowhere on PATH."""

from pathlib import Path

BIN = Path.home() / '.cache/workshop.production_patterns/bin'


def test_kind_has_the_version_it_is_named_after(host):
    programs = sorted(BIN.glob('kind-v*/kind'))
    assert programs
    for program in programs:
        version = program.parent.name.removeprefix('kind-')
        assert version in host.check_output('%s version', str(program))
