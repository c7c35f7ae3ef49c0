# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


def test_a_problem_is_its_sentence_and_what_was_seen_before_it():
    problem = Problem("It does not end.", exit_code=None, pods=["web"])
    assert str(problem) == "It does not end."
    assert problem.seen == {"exit_code": None, "pods": ["web"]}
