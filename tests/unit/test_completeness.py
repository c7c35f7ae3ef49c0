# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Every role has what its kind of role has, and what its pages say about variables is true."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.lookup.lessons import lessons

ROOT = Path(__file__).parents[2]


def read(path: Path) -> dict[str, t.Any]:
    return yaml.safe_load(path.read_text()) or {}


SHARED = read(ROOT / "playbooks/group_vars/all.yml")
TAUGHT = lessons(ROOT / "roles")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
LESSONS = [name for name in ROLES if not name.startswith(("_", "lab_"))]
PUBLIC = [name for name in ROLES if not name.startswith("_")]

every_role = pytest.mark.parametrize("role", ROLES)
every_public_role = pytest.mark.parametrize("role", PUBLIC)
every_lesson = pytest.mark.parametrize("role", LESSONS)


def variables(role: str, folder: str) -> dict[str, t.Any]:
    path = ROOT / "roles" / role / folder / "main.yml"
    return read(path) if path.exists() else {}


def specs(role: str) -> dict[str, t.Any]:
    return read(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]


def options(role: str) -> dict[str, t.Any]:
    """The options of all entry points of a role."""
    return {name: option for entry in specs(role).values() for name, option in entry.get("options", {}).items()}


def entry_points(role: str) -> set[str]:
    """The task files of a role that no other task file of it includes."""
    folder = ROOT / "roles" / role / "tasks"
    text = "\n".join(path.read_text() for path in folder.glob("*.yml"))
    included = re.findall(r'(?:include|import)_tasks: *(?:file: *)?["\']?([\w-]+)\.yml', text)
    return {path.stem for path in folder.glob("*.yml")} - set(included)


def documented(options: dict[str, t.Any], where: str) -> list[str]:
    """What options lack, in sentences, those of dictionaries within them included."""
    lacks = []
    for name, option in options.items():
        lacks += [f"{where}.{name} has no {key}" for key in ("type", "description") if not option.get(key)]
        if option.get("type") == "list" and "elements" not in option:
            lacks.append(f"{where}.{name} does not say what its elements are")
        lacks += documented(option.get("options", {}), f"{where}.{name}")
    return lacks


def test_every_lesson_says_its_place_and_what_it_is_about():
    assert sorted(TAUGHT) == LESSONS
    assert [about["order"] for about in TAUGHT.values()] == list(range(1, len(LESSONS) + 1))


@every_public_role
def test_a_role_has_a_scenario(role):
    assert (ROOT / "molecule" / role / "molecule.yml").is_file()


def test_a_scenario_has_a_role():
    scenarios = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    assert scenarios == sorted([*PUBLIC, "default"])


@every_role
def test_a_role_has_a_page(role):
    assert (ROOT / "roles" / role / "README.md").read_text().startswith("<!--")


def test_the_page_of_the_collection_lists_the_lessons_as_they_call_themselves_in_the_order_taught():
    rows = re.findall(r"^\| \[(\w+)\]\(roles/(\w+)/README\.md\) \| (.*) \|$", (ROOT / "README.md").read_text(), re.M)
    assert rows == [(name, name, about["title"]) for name, about in TAUGHT.items()]


@every_lesson
def test_a_lesson_says_its_figure_with_what_its_claims_observe(role):
    about = read(ROOT / "roles" / role / "lesson.yml")
    paths = [*re.findall(r"\{([^{}]+)\}", about["figure"])]
    paths += [path for values in about.get("bars", {}).values() for path in values.values()]
    assert paths
    # Names come from the tasks, or from what a module or the lesson's own program returns.
    folders = [ROOT / "roles" / role / "tasks", ROOT / "roles" / role / "files", ROOT / "plugins"]
    text = "\n".join(
        path.read_text() for folder in folders for path in folder.rglob("*") if path.suffix in (".yml", ".py")
    )
    for path in paths:
        beginning, colon, name = path.rpartition(": ")
        assert re.search(rf"\b{re.escape(name.rsplit('.', 1)[-1])}\b", text), f"nothing observes {path}"
        named = rf'- name: (>- )?"?{re.escape(beginning)}'
        assert not colon or re.search(named, " ".join(text.split())), f"no claim begins with {beginning}"


@every_role
def test_a_role_is_described_to_galaxy_as_it_describes_itself(role):
    about = read(ROOT / "roles" / role / "meta/main.yml")["galaxy_info"]
    assert about["description"] == specs(role)["main"]["short_description"]


@every_lesson
def test_a_lesson_has_the_three_entry_points(role):
    assert {"main", "verify", "clean"} <= set(specs(role))


@every_lesson
def test_a_lesson_does_not_take_a_start_that_failed_for_an_ending(role):
    """A busy runtime fails to start a container now and then, and its program never ran."""
    tasks = (ROOT / "roles" / role / "tasks/verify.yml").read_text()
    taken = re.findall(r"terminations(?:'\) \| flatten)?( \| \w+\('?\w*|\[)", tasks)
    assert set(taken) <= {" | selectattr('ran", " | rejectattr('ran"}


@every_role
def test_every_entry_point_is_specified(role):
    assert set(specs(role)) >= entry_points(role)
    assert all((ROOT / "roles" / role / "tasks" / f"{name}.yml").is_file() for name in specs(role))


@every_role
def test_every_entry_point_and_option_is_described(role):
    for name, entry in specs(role).items():
        assert entry.get("short_description"), f"{name} has no short description"
        assert not documented(entry.get("options", {}), name)


@every_role
def test_every_default_is_documented(role):
    assert set(variables(role, "defaults")) <= set(options(role))


@every_role
def test_every_option_of_a_role_has_a_default_or_is_required(role):
    own = {name for name, option in options(role).items() if name.startswith(f"{role}_") and not option.get("required")}
    assert own <= set(variables(role, "defaults"))


@every_role
def test_the_documented_defaults_are_the_real_ones(role):
    real = variables(role, "defaults")
    literal = {name: value for name, value in real.items() if "{{" not in str(value)}
    for entry in specs(role).values():
        told = {name: option.get("default") for name, option in entry.get("options", {}).items() if name in literal}
        assert told == {name: literal[name] for name in told}


@every_role
def test_what_is_not_a_roles_own_is_shared_by_all(role):
    foreign = {name for name in options(role) if not name.startswith(f"{role}_")}
    assert foreign <= set(options("_preflight"))


def test_what_all_share_is_documented():
    shared = {name for name in SHARED if name.startswith("workshop_")}
    assert shared <= set(options("_preflight"))


@every_role
def test_a_variable_begins_with_its_roles_name(role):
    names = [*variables(role, "defaults"), *variables(role, "vars")]
    assert not [name for name in names if not name.startswith(f"{role}_")]


@every_role
def test_a_page_names_only_variables_that_there_are(role):
    page = (ROOT / "roles" / role / "README.md").read_text()
    named = set(re.findall(rf"\b(?:{role}|workshop)_\w+\b", page))
    known = {*options(role), *options("_preflight"), *variables(role, "vars")}
    assert not {name for name in named if name not in known and name not in ROLES}


@every_role
def test_a_page_links_only_to_files_that_there_are(role):
    folder = ROOT / "roles" / role
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (folder / "README.md").read_text())
    assert not [link for link in links if not (folder / link).exists()]
