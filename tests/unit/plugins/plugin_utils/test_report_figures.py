# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.figures import figure, find
from report_data import claim_of, lesson_with


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("{stop_seconds} or {pattern.stop_seconds}", "30 s or 0.006 s"),
        ("{Behind a breaker: stop_seconds}", "0.006 s"),
        ("{storm.pods} pods", "30 pods"),
        ("{antipattern.storm.pods} pods", "30 pods"),
        ("{pattern.storm.pods} pods", None),
        ("{gone}", None),
        ("{storm}", None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_the_figure_of_a_lesson(asked, said) -> None:
    lesson = lesson_with(
        claim_of("sidecar", "Alone", shows="antipattern", observed={"stop_seconds": 30.0, "storm": {"pods": 30}}),
        claim_of("sidecar", "Behind a breaker it is fast", observed={"stop_seconds": 0.006}),
    )
    assert figure(lesson, asked) == said


NAMED = lesson_with(
    claim_of("sidecar", "It is first", observed={"pods": None, "others": [{"name": "a"}, {"name": "b"}], "0": "zero"}),
    claim_of("sidecar", "It lists: all", observed={"pods": 2, "others": [{"name": "c"}], "pattern": {"pods": 7}}),
    claim_of("sidecar", "It is last", shows="antipattern", observed={"pods": 3, "last": 0}),
)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        # A claim that has nothing there is passed over.
        ("pods", "pods", 2),
        ("last", "last", 0),
        ("others.0.name", "name", "a"),
        ("others.1.name", "name", "b"),
        ("0", "0", "zero"),
        ("antipattern.pods", "pods", 3),
        ("pattern.pods", "pods", 2),
        ("It is last: pods", "pods", 3),
        ("It lists: others.0.name", "name", "c"),
        ("It lists: pattern.pods", "pods", 2),
        # The last colon ends the beginning of the sentence.
        ("It lists: all: pods", "pods", 2),
    ],
)
def test_a_value_is_found_by_its_path(path, name, value) -> None:
    found = find(NAMED, path)
    assert found is not None
    assert (found.name, found.value) == (name, value)


@pytest.mark.parametrize(
    "path", ["others.2.name", "others.-1.name", "others.name", "others", "It is first: last", "x.y"]
)
def test_where_nothing_stands_nothing_is_found(path) -> None:
    assert find(NAMED, path) is None


def test_a_figure_without_a_value_is_a_sentence() -> None:
    assert figure(NAMED, "as it is") == "as it is"
