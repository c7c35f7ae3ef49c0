# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Every template of the YAML files can be parsed, those too that only an unusual machine ever evaluates."""

from __future__ import annotations

import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("roles", "playbooks", "molecule", ".config/molecule")
    for path in (ROOT / folder).rglob("*.yml")
    if "templates" not in path.parts
)
# Where Ansible evaluates what is written without braces.
CONDITIONS = {"when", "that", "until", "changed_when", "failed_when"}
JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def templates(content: t.Any, condition: bool = False) -> t.Iterator[str]:
    """What of a file's content is a template, conditions with the braces that Ansible thinks of."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from templates(value, condition=key in CONDITIONS)
    elif isinstance(content, list):
        for value in content:
            yield from templates(value, condition)
    elif isinstance(content, str) and (condition or "{{" in content or "{%" in content):
        yield "{{ " + content + " }}" if condition and "{{" not in content else content


def broken(content: t.Any) -> list[str]:
    """The templates of a file's content that can't be parsed, and why."""
    found = []
    for template in templates(content):
        try:
            JINJA.parse(template)
        except jinja2.TemplateSyntaxError as error:
            found.append(f"{template}: {error}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_template_can_be_parsed(path):
    assert broken(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize(
    "content",
    [
        # `is undefined if …` reads on as a test with an argument.
        {"startable": "{{ a.msg is undefined if b == 'systemd' else c }}"},
        [{"name": "Ask", "when": ["a is defined", "a is"]}],
        {"block": [{"assert": {"that": "a ="}}]},
    ],
)
def test_a_broken_template_is_found(content):
    assert len(broken(content)) == 1
