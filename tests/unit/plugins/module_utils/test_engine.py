# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from ansible_collections.workshop.production_patterns.plugins.module_utils.engine import connection_sentence


def test_an_engine_that_is_not_there():
    said = connection_sentence("unix:///var/run/docker.sock", "FileNotFoundError(2, 'No such file or directory')")
    assert said.startswith("No Docker engine answers at unix:///var/run/docker.sock: start it")


def test_an_engine_that_may_not_be_used():
    said = connection_sentence("unix:///var/run/docker.sock", "PermissionError(13, 'Permission denied')")
    assert "group docker" in said
