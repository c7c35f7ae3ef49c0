# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.live.drawing import lines
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.live.model import Row, Scene


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.begin_lessons(["sidecar", "logging", "direct_pods", "pod_quotas"])
    made.starts("sidecar", "", "Wait until it serves", 100)
    made.starts("logging", "", "Deploy", 30)
    made.lessons["logging"].expected = 5
    made.claimed("logging", "A line is lost", '"A line is lost" does not hold.')
    return made


def drawn(scene: Scene, width: int = 100, height: int = 24) -> list[str]:
    return [line.text for line in lines(scene, 105.9, width, height)]


def test_each_lesson_has_a_line_and_each_claim_that_fell(scene) -> None:
    assert drawn(scene) == [
        "▸ sidecar       0:05                 Wait until it serves",
        "▸ logging       1:15  1 of 5 claims  Deploy",
        "  ✗ A line is lost",
        "· direct_pods",
        "· pod_quotas",
    ]


def test_where_it_is_narrow_the_sentence_has_a_line_of_its_own(scene) -> None:
    assert drawn(scene, width=68)[:3] == [
        "▸ sidecar       0:05",
        "  Wait until it serves",
        "▸ logging       1:15  1 of 5 claims",
    ]


def test_where_it_is_low_it_says_what_it_leaves_out(scene) -> None:
    assert drawn(scene, height=4)[-1] == "  2 to come"
    assert len(drawn(scene, height=4)) == 4
    assert "· direct_pods" in drawn(scene, height=5)


def test_before_the_lessons_there_is_the_stage() -> None:
    scene = Scene(Row("Have a cluster", "going", "Make it (less than a minute)", 100))
    assert drawn(scene) == ["▸ Have a cluster   0:05    Make it (less than a minute)"]
    assert drawn(scene, width=59) == drawn(scene)
    assert drawn(scene, width=58) == ["▸ Have a cluster   0:05", "  Make it (less than a minute)"]
    assert drawn(Scene()) == []
