# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import settings

TAUGHT = ["direct_pods", "logging", "pod_quotas"]
OPTIONS: settings.Options = {
    "workshop_lab": {"type": "bool", "required": True},
    "workshop_lessons": {"type": "list", "elements": "str"},
    "workshop_registry_port": {"type": "int"},
    "pod_quotas_quota": {"type": "str"},
    "pod_quotas_watch_seconds": {"type": "int", "default": 5},
    "_lesson_name": {"type": "str", "required": True},
}
LAB = {
    "workshop_lab": True,
    "workshop_lab_name": "workshop",
    "workshop_registry_port": 5001,
    "workshop_kubeconfig": "/home/me/state/workshop/kubeconfig",
    "workshop_context": "kind-workshop",
    "workshop_registry": "localhost:5001",
    "workshop_state_dir": "/home/me/state/workshop",
    "workshop_cache_dir": "/home/me/cache",
    "workshop_debian_image": "localhost:5001/workshop/debian:trixie",
    "workshop_busybox_image": "localhost:5001/workshop/busybox:trixie",
}
BROUGHT = {
    **LAB,
    "workshop_lab": False,
    "workshop_kubeconfig": "~/.kube/config",
    "workshop_context": "staging",
    "workshop_registry": "registry.example.org/workshop",
}


def test_the_specifications_of_all_entry_points_are_one(tmp_path: Path):
    for role, spec in {
        "a": "{argument_specs: {main: {options: {a_size: {type: int}}}, clean: {options: {a_force: {type: bool}}}}}",
        "b": "{argument_specs: {main: {short_description: No options}}}",
    }.items():
        (tmp_path / role / "meta").mkdir(parents=True)
        (tmp_path / role / "meta/argument_specs.yml").write_text(spec)
    assert settings.documented(tmp_path) == {"a_size": {"type": "int"}, "a_force": {"type": "bool"}}


@pytest.mark.parametrize(
    ("name", "family", "sibling"),
    [
        ("workshop_lesson", "workshop_", "workshop_lessons"),
        ("pod_quotas_seconds", "pod_quotas_", "pod_quotas_quota, pod_quotas_watch_seconds"),
        ("lab_size", "lab_", "not in use"),
        ("logging_level", "logging_", "not in use"),
    ],
)
def test_an_unknown_name_is_told_its_family(name: str, family: str, sibling: str):
    with pytest.raises(Problem) as problem:
        settings.check_names([name, "workshop_lab"], OPTIONS, ["_lesson", *TAUGHT])
    assert str(problem.value).startswith(f"Nothing reads the variable {name}: names that begin with {family} are ")
    assert sibling in str(problem.value)


@pytest.mark.parametrize("roles", [["pod", "pod_quotas"], ["pod_quotas", "pod"]])
def test_of_two_families_it_is_the_nearer(roles: list[str]):
    with pytest.raises(Problem, match="names that begin with pod_quotas_ are"):
        settings.check_names(["pod_quotas_seconds"], OPTIONS, roles)


def test_names_of_others_are_left_alone():
    settings.check_names(["ansible_connection", "labels", "workshop", "pod_quota", "my_workshop_lab"], OPTIONS, TAUGHT)


def test_values_come_with_their_types():
    values = {"workshop_lab": "no", "workshop_registry_port": "5002", "pod_quotas_watch_seconds": 7}
    assert settings.check_types(values, OPTIONS) == {
        "workshop_lab": False,
        "workshop_registry_port": 5002,
        "pod_quotas_watch_seconds": 7,
    }


def test_a_path_stays_as_it_is_read():
    options: settings.Options = {"workshop_state_dir": {"type": "path"}}
    assert settings.check_types({"workshop_state_dir": "~/$X"}, options) == {"workshop_state_dir": "~/$X"}


def test_what_is_not_set_is_named():
    settings.check_all_are_set(
        [*LAB, "workshop_taught", "workshop_lessons", "workshop_teach", "workshop_namespace_prefix"]
    )
    missing = "^workshop_taught, workshop_lessons, workshop_teach, workshop_namespace_prefix is not set"
    with pytest.raises(Problem, match=missing):
        settings.check_all_are_set(LAB)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"workshop_registry_port": "many"}, "workshop_registry_port"),
        ({"workshop_lab": "perhaps"}, "perhaps"),
        ({"pod_quotas_watch_seconds": [7]}, "pod_quotas_watch_seconds"),
        ({"workshop_lab": None}, "workshop_lab is set to nothing"),
        ({"pod_quotas_watch_seconds": "7"}, """write -e '{"pod_quotas_watch_seconds": 7}'."""),
    ],
)
def test_a_wrong_type_is_refused(values: dict[str, Any], said: str):
    with pytest.raises(Problem) as problem:
        settings.check_types(values, OPTIONS)
    assert said in str(problem.value)


def asked(value: Any) -> list[str]:
    """What Ansible makes of a value of workshop_lessons."""
    return settings.check_types({"workshop_lessons": value}, OPTIONS)["workshop_lessons"]


@pytest.mark.parametrize(
    "value",
    [
        "pod_quotas,direct_pods",
        " pod_quotas , direct_pods",
        ["pod_quotas", "direct_pods"],
        "pod_quotas,pod_quotas,direct_pods",
    ],
)
def test_lessons_come_once_and_as_taught(value: str | list[str]):
    assert settings.lessons(asked(value), TAUGHT) == ["direct_pods", "pod_quotas"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("pod_quotas,", "has an empty name beside pod_quotas"),
        (",pod_quotas", "has an empty name beside pod_quotas"),
        ("logging, ,pod_quotas", "has an empty name beside logging, pod_quotas"),
        (["pod_quotas", ""], "has an empty name beside pod_quotas"),
        (",", "names no lesson"),
        (" ", "names no lesson"),
        ("", "names no lesson"),
        ([], "names no lesson"),
        ([" "], "names no lesson"),
        ("pod_quota", "There is no lesson pod_quota: workshop_lessons takes direct_pods"),
        (["sidecars"], "There is no lesson sidecars"),
        (5, "There is no lesson 5"),
        ([5], "There is no lesson 5"),
    ],
)
def test_lessons_that_can_not_be_chosen(value: Any, said: str):
    with pytest.raises(Problem) as problem:
        settings.lessons(asked(value), TAUGHT)
    assert said in str(problem.value)


def test_only_an_empty_list_may_mean_no_lesson():
    assert settings.lessons([], TAUGHT, none=True) == []
    for value in ("", ",", [""]):
        with pytest.raises(Problem):
            settings.lessons(asked(value), TAUGHT, none=True)


@pytest.mark.parametrize("chosen", [[], TAUGHT[:2], TAUGHT])
def test_one_lesson_at_a_time_is_taught(chosen: list[str]):
    settings.check_teaching(False, chosen)
    settings.check_teaching(True, TAUGHT[:1])
    with pytest.raises(Problem, match="^workshop_teach shows one lesson"):
        settings.check_teaching(True, chosen)


@pytest.mark.parametrize("prefix", ["Workshop-", "work_shop-", "-workshop-", "work.shop-"])
def test_a_prefix_that_makes_no_legal_name(prefix: str):
    with pytest.raises(Problem, match=f"{prefix}pod-quotas can't be the name of a namespace"):
        settings.check_namespaces(prefix, ["pod_quotas"])


def test_a_namespace_has_63_characters_at_most():
    settings.check_namespaces("w" * 53, ["pod_quotas"])
    with pytest.raises(Problem, match="longer than the 63 characters"):
        settings.check_namespaces("w" * 54, ["pod_quotas"])


@pytest.mark.parametrize("name", ["w", "5", "work-shop", "w" * 49])
def test_a_name_of_a_lab(name: str):
    settings.check_lab_name(name)


@pytest.mark.parametrize(
    "name", ["", "Workshop", "work_shop", "work.shop", "-w", "w-", "two words", "w" * 50, "w\n", "host", "bridge"]
)
def test_a_name_that_no_lab_can_have(name: str):
    with pytest.raises(Problem, match="^workshop_lab_name "):
        settings.check_lab_name(name)


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999])
def test_no_port(port: int):
    with pytest.raises(Problem, match=f"^workshop_registry_port can't be {port}"):
        settings.check_port(port)


def test_ports():
    settings.check_port(1)
    settings.check_port(65535)


def test_workers():
    settings.check_workers(0)
    with pytest.raises(Problem, match="^lab_cluster_workers can't be -1"):
        settings.check_workers(-1)


@pytest.mark.parametrize(
    "image",
    [
        "debian",
        "debian:trixie-slim",
        "docker.io/library/debian:trixie-slim",
        "localhost:5001/workshop/debian:trixie",
        "[::1]:5001/a/b_c/d--e/f__g:T_a.g-1",
        "Registry.Example.org/name",
        f"kindest/node:v1.37.0@sha256:{'a' * 64}",
        f"name@sha256:{'0' * 64}",
        "a" * 255,
    ],
)
def test_a_name_of_an_image(image: str):
    settings.check_image("lab_node_image_source", image, digest=True)


@pytest.mark.parametrize(
    "image",
    [
        "",
        " ",
        "Debian",
        "two words",
        "https://registry.example.org/name",
        "name:",
        "name:tag:tag",
        ":tag",
        "a//b",
        "/name",
        "name/",
        "a/-b",
        "a___b",
        "name:" + "t" * 129,
        "name\n",
        "name@sha256:abc",
        f"name@sha256:{'A' * 64}",
        f"name@{'a' * 64}",
        "a" * 256,
    ],
)
def test_no_name_of_an_image(image: str):
    with pytest.raises(Problem, match="^lab_node_image_source can't be .* no name of an image"):
        settings.check_image("lab_node_image_source", image, digest=True)


def test_an_image_that_the_workshop_makes_has_no_digest():
    with pytest.raises(Problem, match="^workshop_debian_image .* no digest"):
        settings.check_image("workshop_debian_image", f"name@sha256:{'a' * 64}")


@pytest.mark.parametrize("registry", ["localhost", "localhost:5001", "registry.example.org/workshop", "nexus:8082"])
def test_a_registry(registry: str):
    settings.check_registry(registry)


@pytest.mark.parametrize(
    "registry", ["", "nexus", "nexus/work.shop", "https://nexus:8082", "nexus:8082/", "nexus:port"]
)
def test_no_registry(registry: str):
    with pytest.raises(Problem, match="^workshop_registry can't be"):
        settings.check_registry(registry)


@pytest.mark.parametrize(
    ("state", "cache", "said"),
    [
        ("state", "/cache", "workshop_state_dir can't be 'state'"),
        ("~/state", "/cache", "workshop_state_dir can't be '~/state'"),
        ("/state", "", "workshop_cache_dir can't be ''"),
        ("/home/me", "/cache", "for your home lies in it"),
        ("/", "/cache", "for your home lies in it"),
        ("/state", "/state", "for workshop_cache_dir lies in it"),
        ("/state", "/state/cache", "for workshop_cache_dir lies in it"),
        ("/home/../home/me", "/cache", "for your home lies in it"),
    ],
)
def test_folders_that_can_not_be_the_labs(state: str, cache: str, said: str):
    with pytest.raises(Problem) as problem:
        settings.check_folders(state, cache, home="/home/me")
    assert said in str(problem.value)


def test_the_labs_folders_may_have_spaces():
    settings.check_folders("/home/a person/state", "/home/a person/cache", home="/home/a person")


PINNED = f"registry.example.org/name:tag@sha256:{'a' * 64}"
SOURCES = {"lab_base_images_debian_source": PINNED, "lab_node_image_source": PINNED, "lab_cluster_workers": 2}


@pytest.mark.parametrize("values", [LAB, BROUGHT, {**LAB, **SOURCES}], ids=["lab", "brought", "sources"])
def test_values_that_fit(values: dict[str, Any]):
    settings.check_values(values, home="/home/me")


@pytest.mark.parametrize(
    ("values", "changed", "said"),
    [
        (
            LAB,
            {"workshop_kubeconfig": "/home/me/.kube/config"},
            "but the lab's own is /home/me/state/workshop/kubeconfig",
        ),
        (LAB, {"workshop_context": "staging"}, "workshop_context is staging, but the lab's own is kind-workshop"),
        (LAB, {"workshop_registry": "registry.example.org"}, "workshop_registry is registry.example.org"),
        (LAB, {"workshop_lab_name": "Workshop"}, "workshop_lab_name can't be"),
        (LAB, {"workshop_registry_port": 70000}, "workshop_registry_port can't be 70000"),
        (LAB, {"workshop_state_dir": "state"}, "workshop_state_dir can't be"),
        (LAB, {"lab_cluster_workers": -1}, "lab_cluster_workers can't be -1"),
        (LAB, {"workshop_debian_image": "De bian"}, "workshop_debian_image can't be"),
        (LAB, {"workshop_busybox_image": "Busybox"}, "workshop_busybox_image can't be"),
        (LAB, {"lab_node_image_source": "no image"}, "lab_node_image_source can't be"),
        (LAB, {"lab_base_images_debian_source": "no image"}, "lab_base_images_debian_source can't be"),
        (BROUGHT, {"workshop_kubeconfig": ""}, "workshop_kubeconfig is not set"),
        (BROUGHT, {"workshop_context": ""}, "workshop_context is not set"),
        (BROUGHT, {"workshop_registry": ""}, "workshop_registry is not set"),
        (BROUGHT, {"workshop_registry": "nexus"}, "workshop_registry can't be 'nexus'"),
        (BROUGHT, {"workshop_kubeconfig": "config"}, "workshop_kubeconfig can't be config"),
    ],
)
def test_values_that_do_not(values: dict[str, Any], changed: dict[str, Any], said: str):
    with pytest.raises(Problem) as problem:
        settings.check_values({**values, **changed}, home="/home/me")
    assert said in str(problem.value)


def test_what_roles_make_for_themselves_is_nobodys_variable(tmp_path: Path) -> None:
    """A look at all variables in a later play meets what the roles of an earlier one noted."""
    (tmp_path / "lab_engine/tasks").mkdir(parents=True)
    (tmp_path / "lab_engine/vars").mkdir()
    (tmp_path / "lab_engine/tasks/main.yml").write_text("- name: Ask\n  register: lab_engine_info\n")
    (tmp_path / "lab_engine/vars/main.yml").write_text("lab_engine_packages: []\n")
    assert settings.made_by(tmp_path) == {"lab_engine_info", "lab_engine_packages"}
