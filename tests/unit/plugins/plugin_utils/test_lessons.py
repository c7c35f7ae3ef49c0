# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.template import Templar
from ansible.vars.manager import VariableManager
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import lessons


@pytest.fixture(autouse=True)
def any_action(monkeypatch):
    """An action of Ansible's own stands for the claim, and its loader of collections is not needed."""
    monkeypatch.setattr(lessons, "CLAIM", "ansible.builtin.debug")
    for name in ("ansible_collections.ansible", "ansible_collections.ansible.builtin"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))


class Found:
    """A role with these files of tasks, and the claims in it."""

    def __init__(self, folder: Path, **files: str) -> None:
        tasks = folder / "roles" / "shop" / "tasks"
        tasks.mkdir(parents=True)
        for name, text in {"main_yml": "[]", **files}.items():
            (tasks / name.replace("_", ".")).write_text(text)
        self.loader = DataLoader()
        self.loader.set_basedir(str(folder))
        self.variables = VariableManager(self.loader, InventoryManager(self.loader, sources=["localhost,"]))
        play = {"name": "A play", "hosts": "localhost", "gather_facts": False, "roles": ["shop"]}
        self.play = Play.load(play, self.variables, self.loader)
        self.role = self.play.roles[0]
        self.claims = lessons.claims_in(self.role, self.loader, self.variables)

    @property
    def names(self) -> list[str]:
        return [claim.name for claim in self.claims]


def claim(name: str) -> str:
    return f"- name: {name}\n  debug:\n    msg: '{{{{ x }}}}'\n"


VERIFY = f"""
{claim("One")}
- name: No claim
  command: 'true'
- name: A block
  block: [{{name: Two, debug: }}]
  rescue: [{{name: Three, debug: }}]
  always: [{{name: Four, debug: }}]
- name: Another file
  include_tasks: more.yml
- name: A file that has a name only in a run
  include_tasks: '{{{{ x }}}}.yml'
- name: One more
  include_tasks: {{file: again.yml}}
{claim("Last")}
"""
MORE = claim("Five") + "- name: Round and round\n  include_tasks: verify.yml\n"


def test_the_claims_of_a_role_and_of_the_files_that_it_includes_in_the_order_written(tmp_path):
    found = Found(tmp_path, verify_yml=VERIFY, more_yml=MORE, again_yml=claim("Six"))
    assert found.names == ["One", "Two", "Three", "Four", "Five", "Six", "Last"]


def test_a_file_may_be_included_twice(tmp_path):
    twice = "- include_tasks: again.yml\n" * 2
    assert Found(tmp_path, verify_yml=twice, again_yml=claim("Six")).names == ["Six", "Six"]


def test_a_claim_knows_its_role_and_its_play_and_is_a_template(tmp_path):
    found = Found(tmp_path, verify_yml="- include_tasks: more.yml\n", more_yml=claim("One"))
    (one,) = found.claims
    assert one._role is found.role
    assert one._parent._play is found.play
    assert one.get_variable_manager() is found.variables
    assert one.get_loader() is found.loader
    assert Templar(found.loader, {"x": "seen"}).template(one.args["msg"]) == "seen"


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({}, []),
        ({"verify_yaml": claim("Long")}, ["Long"]),
        ({"verify_yml": claim("Short"), "verify_yaml": claim("Long")}, ["Short"]),
        # Ansible says so itself when it gets there.
        ({"verify_yml": "- {copy: {}, command: {}}"}, []),
    ],
    ids=["no file", "long suffix", "both suffixes", "no tasks"],
)
def test_where_the_claims_of_a_role_are_looked_for(tmp_path, files, names):
    assert Found(tmp_path, **files).names == names


def role(name: str) -> Any:
    return SimpleNamespace(get_name=lambda: name)


@pytest.mark.parametrize("name", ["pod_quotas", "workshop.production_patterns.pod_quotas"])
def test_the_name_of_a_role_is_that_without_its_collection(name):
    assert lessons.name_of(role(name)) == "pod_quotas"


def test_the_role_of_a_task_is_the_nearest_that_is_not_internal():
    outer = SimpleNamespace(_role=role("c.d.pod_quotas"), _parent=None)
    between = SimpleNamespace(_role=None, _parent=outer)
    task: Any = SimpleNamespace(_role=role("c.d._lesson"), _parent=between)
    assert lessons.role_of(task) is outer._role
    outer._role = None
    assert lessons.role_of(task) is None
