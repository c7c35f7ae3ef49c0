# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.saying import keep_off_the_screen, say


@pytest.mark.parametrize("quiet", [False, True])
def test_what_an_action_says_can_be_kept_off_the_screen(capsys, quiet) -> None:
    try:
        keep_off_the_screen(quiet)
        say("Waiting")
    finally:
        keep_off_the_screen(False)
    assert capsys.readouterr().out == ("" if quiet else "Waiting\n")
