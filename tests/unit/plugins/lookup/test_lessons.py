# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.lookup.lessons import LookupModule, lessons


def test_lessons_come_in_the_order_taught_and_other_roles_are_none(tmp_path: Path) -> None:
    for name, order in {"logging": 2, "sidecar": 10, "direct_pods": 1}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "lesson.yml").write_text(f"order: {order}\ntitle: About {name}\n")
    (tmp_path / "lab_cluster").mkdir()
    assert lessons(tmp_path) == {
        "direct_pods": {"order": 1, "title": "About direct_pods"},
        "logging": {"order": 2, "title": "About logging"},
        "sidecar": {"order": 10, "title": "About sidecar"},
    }
    assert list(lessons(tmp_path)) == ["direct_pods", "logging", "sidecar"]


def test_the_lookup_finds_those_of_the_collection_it_is_in() -> None:
    found = LookupModule().run([])
    assert found[:2] == ["build_and_runtime", "zombies_and_orphans"]
