# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import manifests

TEMPLATE = """\
kind: Pod
metadata:
  name: {{ name }}
spec:
  # A pod that nobody owns.
  restartPolicy: Never
  containers:
    - name: web
      image: {{ registry }}/web:{{ tag }}
{% for port in ports %}
      port: {{ port }}
{% endfor %}
"""
APPLIED = """\
kind: Pod
metadata:
  name: first
spec:
  # A pod that nobody owns.
  restartPolicy: Never
  containers:
    - name: web
      image: localhost/web:1
      port: 80
"""


def test_a_manifest_has_the_name_of_its_template_and_another_version_of_it_a_number():
    found: dict[str, str] = {}
    for text in ("one", "two", "one", "three"):
        manifests.keep(found, "parts/servers.yml.j2", text)
    assert found == {"servers.yml": "one", "servers-2.yml": "two", "servers-3.yml": "three"}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"template": "pod.yml.j2"}, ["pod.yml.j2"]),
        ({"template": ["a.yml.j2", {"path": "b.yml.j2"}, "{{ item }}"]}, ["a.yml.j2"]),
        ({"template": "pod.yml.j2", "state": "absent"}, []),
        ({"definition": {"kind": "Pod"}}, []),
    ],
)
def test_the_templates_that_a_task_applies(arguments, names):
    assert manifests.named_in(arguments) == names


@pytest.mark.parametrize("name", ["../claims.json", "a/b.yml", ".yml", "pod.yml\n", "pod.html", "", "-.yml"])
def test_what_is_no_name_of_a_manifest(name):
    assert not manifests.is_name(name)


def near_misses(*replaced: str, file: str = "templates/pod.yml.j2"):
    return [{"changes": [{"file": file, "replace": text, "with": "x"}]} for text in replaced]


@pytest.mark.parametrize(
    ("replaced", "lines"),
    [
        ("Never", [6]),
        ("name: {{ name }}", [3]),
        ("web:{{ tag }}", [9]),
        ("      port: {{ port }}\n", [10]),
        ("  restartPolicy: Never\n  containers:\n    - name: web", [6, 7, 8]),
        ("{% for port in ports %}", []),
        ("it is not there", []),
        ("kind: Pod", [1]),
        # It is all of the line, though only a part of it is named, or it is longer than what is named first.
        ("restart", [6]),
        ("image", [9]),
    ],
)
def test_the_lines_that_a_near_miss_changes(replaced, lines):
    assert manifests.deciding("templates/pod.yml.j2", APPLIED, TEMPLATE, near_misses(replaced)) == lines


def test_each_near_miss_marks_its_lines_once():
    changed = near_misses("gone", "Never", "kind: Pod", "kind: Pod")
    assert manifests.deciding("templates/pod.yml.j2", APPLIED, TEMPLATE, changed) == [1, 6]


@pytest.mark.parametrize("replaced", ["{{ a }} {{ b }}", "a: 1\n", "a: 1"])
def test_only_the_first_place_is_replaced_and_what_is_a_template_alone_is_no_line(replaced):
    written = "{{ a }} {{ b }}\na: 1\nb: 2\na: 11\n"
    lines = manifests.deciding("templates/pod.yml.j2", "x y\na: 1\nb: 2\na: 11\n", written, near_misses(replaced))
    assert lines == ([] if "{" in replaced else [2])


def test_a_near_miss_of_another_file_marks_nothing():
    other = near_misses("Never", file="templates/other.yml.j2")
    assert manifests.deciding("templates/pod.yml.j2", APPLIED, TEMPLATE, [*other, {"swap": {"a": 1}}]) == []


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("pod.yml", "templates/pod.yml.j2"),
        ("pod-2.yml", "templates/pod.yml.j2"),
        # It is its own, and not the eightieth of another.
        ("port-80.yml", "templates/port-80.yml.j2"),
        ("pod-2-3.yml", None),
        ("gone.yml", None),
    ],
)
def test_the_template_that_a_manifest_was_made_of(tmp_path, name, template):
    (tmp_path / "templates").mkdir()
    for there in ("pod.yml.j2", "port-80.yml.j2", "port.yml.j2"):
        (tmp_path / "templates" / there).touch()
    assert manifests.template_of(name, tmp_path) == template
