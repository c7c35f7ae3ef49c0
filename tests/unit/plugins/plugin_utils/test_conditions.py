# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.conditions import conditions, reason, unmet


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("a > 1", ["a > 1"]),
        (["a > 1", "b"], ["a > 1", "b"]),
        ([], None),
        ("", None),
        (["a", " "], None),
        (["a", True], None),
        (True, None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_conditions_are_one_or_more_expressions(given: object, found: list[str] | None):
    assert conditions(given) == found


def missed(*wanted: str, **names: Any) -> dict[str, str | None]:
    return unmet(Templar(DataLoader(), {"one": 1}), [trust_as_template(condition) for condition in wanted], names)


def test_what_does_not_hold_is_told_and_why_where_it_cannot_be_evaluated():
    assert missed("a == one", "a > 1", "b.c", a=1) == {"a > 1": None, "b.c": "'b' is undefined"}


def test_a_text_in_a_condition_is_read_as_it_is_written():
    assert missed(r"text == 'a\tb'", text="a\tb") == {}


def test_what_is_no_expression_never_will_be():
    with pytest.raises(Problem, match='^The condition "a ==" is no expression: '):
        missed("a ==", a=1)


def test_the_reason_is_at_the_bottom_and_on_one_line():
    error = ValueError("outside")
    error.__cause__ = KeyError()
    error.__cause__.__cause__ = OSError("the disk\n  is gone")
    assert reason(error) == "the disk is gone"
    assert reason(OSError()) == ""
