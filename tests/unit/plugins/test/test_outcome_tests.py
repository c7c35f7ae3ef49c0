# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from ansible_collections.workshop.production_patterns.plugins.test.outcomes import TestModule as Outcomes


def test_tests():
    tests = Outcomes().tests()
    assert set(tests) == {"killed_by", "oom_killed", "pod_ready", "unschedulable"}
    assert tests["killed_by"](137, "SIGKILL")
