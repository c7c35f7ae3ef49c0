# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the values of the workshop's variables must be like. Nothing here looks at the machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from os.path import normpath
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

Options = dict[str, dict[str, Any]]

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""A name as DNS has them, and with it Kubernetes."""

LONGEST_LABEL = 63

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?P<digest>@sha256:[a-f0-9]{64})?"
)
"""The name of an image, in the grammar of https://pkg.go.dev/github.com/distribution/reference."""

LONGEST_NAME = 255


def documented(roles: Path) -> Options:
    """Every option that an entry point of a role below the folder roles documents, by its name."""
    found: Options = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        for entry in yaml_load(path.read_text())["argument_specs"].values():
            found |= entry.get("options", {})
    return found


def made_by(roles: Path) -> set[str]:
    """The variables that roles make for themselves while they run: a later look at all variables meets them, too."""
    found: set[str] = set()
    for path in roles.glob("*/vars/main.yml"):
        found.update(yaml_load(path.read_text(encoding="utf-8")))
    for path in roles.glob("*/tasks/*.yml"):
        found.update(re.findall(r"^ *register: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    return found


def check_names(names: Iterable[str], options: Collection[str], roles: Collection[str]) -> None:
    """Raise Problem where a name begins like the workshop's own, or like that of a role, and is no option."""
    # A longer one comes before its own beginning.
    families = sorted({"workshop_", "lab_", *(f"{role}_" for role in roles)}, reverse=True)
    strange = sorted(name for name in names if name.startswith(tuple(families)) and name not in options)
    if not strange:
        return
    family = next(family for family in families if strange[0].startswith(family))
    known = ", ".join(sorted(name for name in options if name.startswith(family)))
    raise Problem(
        f"Nothing reads the variable {', '.join(strange)}: names that begin with {family} are {known or 'not in use'}."
    )


def check_types(values: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """The values as their options' types have them. Raise Problem where one is of another kind, or is none."""
    for name, value in values.items():
        if value is None:
            raise Problem(f"{name} is set to nothing: give it a value, or leave it out.")
    # What a role requires is another role's matter, so only what is set is looked at.
    checked = {name: options[name] for name in values}
    result = ArgumentSpecValidator(checked).validate(dict(values))
    if result.error_messages:
        raise Problem(f"A variable has a value of the wrong kind: {'; '.join(result.error_messages)}.")
    for name, value in values.items():
        # The workshop's own are made into what they should be where they are read; those of the roles are not.
        if isinstance(value, str) and not name.startswith("workshop_") and checked[name]["type"] not in _TEXTUAL:
            raise Problem(
                f"{name} came as text, which is what -e {name}={value} gives: write -e '{{\"{name}\": {value}}}'."
            )
    converted: dict[str, Any] = result.validated_parameters
    # A path stays as it is given, since not everything that reads it makes a home of ~.
    return {name: str(value) if checked[name]["type"] == "path" else converted[name] for name, value in values.items()}


_TEXTUAL = ("str", "path", "raw")


def check_all_are_set(values: Collection[str]) -> None:
    """Raise Problem where what is checked here is not set at all."""
    missing = [name for name in _READ if name not in values]
    if missing:
        raise Problem(
            f"{', '.join(missing)} is not set: take over what playbooks/group_vars/all.yml of this collection sets."
        )


_READ = (
    "workshop_taught",
    "workshop_lessons",
    "workshop_teach",
    "workshop_lab",
    "workshop_kubeconfig",
    "workshop_context",
    "workshop_registry",
    "workshop_namespace_prefix",
    "workshop_lab_name",
    "workshop_registry_port",
    "workshop_state_dir",
    "workshop_cache_dir",
    "workshop_debian_image",
    "workshop_busybox_image",
)


def lessons(asked: list[str], taught: list[str], *, none: bool = False) -> list[str]:
    """The lessons that were asked for, each once and in the order taught.

    Raise Problem where one of them is not taught, where a name is empty, and where there are none, unless none allows
    an empty list.
    """
    names = [name.strip() for name in asked]
    if not any(names) and not (none and not names):
        raise Problem(
            f"workshop_lessons names no lesson: leave it out to run all, or name some of {', '.join(taught)}."
        )
    if "" in names:
        raise Problem(
            f"workshop_lessons has an empty name beside {', '.join(filter(None, names))}: "
            "put one comma between two names, and none at an end."
        )
    strange = [name for name in names if name not in taught]
    if strange:
        raise Problem(f"There is no lesson {', '.join(strange)}: workshop_lessons takes {', '.join(taught)}.")
    return [name for name in taught if name in names]


def check_teaching(teach: bool, lessons: Collection[str]) -> None:
    """Raise Problem where several lessons would stop and ask at once."""
    if teach and len(lessons) != 1:
        raise Problem("workshop_teach shows one lesson step by step: name it, as in -e workshop_lessons=pod_quotas.")


def check_namespaces(prefix: str, names: Iterable[str]) -> None:
    """Raise Problem where prefix and a lesson's name do not make the name of a namespace."""
    namespaces = [prefix + name.replace("_", "-") for name in names]
    illegal = [name for name in namespaces if not LABEL.fullmatch(name)]
    if illegal:
        raise Problem(
            f"{', '.join(illegal)} can't be the name of a namespace: workshop_namespace_prefix may hold "
            "lower-case letters, digits and hyphens, and begins with a letter or digit."
        )
    long = [name for name in namespaces if len(name) > LONGEST_LABEL]
    if long:
        raise Problem(
            f"{', '.join(long)} is longer than the {LONGEST_LABEL} characters that a namespace's name may have: "
            "make workshop_namespace_prefix shorter."
        )


def check_lab_name(name: str) -> None:
    """Raise Problem where kind, Docker or DNS does not take name, or what the lab makes of it."""
    longest = LONGEST_LABEL - len("-control-plane")
    if not LABEL.fullmatch(name):
        raise Problem(
            f"workshop_lab_name can't be {name!r}: it may hold lower-case letters, digits and hyphens, "
            "and begins and ends with a letter or digit."
        )
    if len(name) > longest:
        raise Problem(
            f"workshop_lab_name has {len(name)} characters: make it {longest} at most, since the name of a node, "
            f"{name}-control-plane, may have no more than {LONGEST_LABEL}."
        )
    if name in _NETWORKS:
        raise Problem(f"workshop_lab_name can't be {name}, which is a network of Docker's own: choose another.")


_NETWORKS = ("bridge", "default", "host", "none")


def check_port(port: int) -> None:
    """Raise Problem where port is none of TCP's."""
    if not 1 <= port <= 65535:
        raise Problem(f"workshop_registry_port can't be {port}: name a port from 1 to 65535.")


def check_workers(workers: int) -> None:
    """Raise Problem where workers is less than none."""
    if workers < 0:
        raise Problem(f"lab_cluster_workers can't be {workers}: say how many nodes beside the control plane, or 0.")


def check_image(variable: str, image: str, *, digest: bool = False) -> None:
    """Raise Problem where image, the value of a variable, is no name of an image, or has a digest where none may be."""
    match = REFERENCE.fullmatch(image)
    if not match or len(match["name"]) > LONGEST_NAME:
        raise Problem(
            f"{variable} can't be {image!r}, which is no name of an image: "
            "write it like registry.example.org/folder/name:tag."
        )
    if match["digest"] and not digest:
        raise Problem(f"{variable} can't be {image}: the workshop makes this image, so give it a tag and no digest.")


def check_registry(registry: str) -> None:
    """Raise Problem where registry is not what the name of an image may begin with to name a registry."""
    host = registry.partition("/")[0]
    if not REFERENCE.fullmatch(f"{registry}/name") or not (host == "localhost" or "." in host or ":" in host):
        raise Problem(
            f"workshop_registry can't be {registry!r}: name a host with a dot or a port in it, and perhaps a folder, "
            "like registry.example.org/workshop."
        )


def check_folders(state: str, cache: str, home: str) -> None:
    """Raise Problem where the lab's folders are not absolute, or removing the lab would remove more than the lab."""
    for variable, folder in (("workshop_state_dir", state), ("workshop_cache_dir", cache)):
        if not Path(folder).is_absolute():
            raise Problem(f"{variable} can't be {folder!r}: name a folder from the root on, as in /var/lib/workshop.")
    for precious, what in ((home, "your home"), (cache, "workshop_cache_dir")):
        if Path(normpath(precious)).is_relative_to(normpath(state)):
            raise Problem(
                f"workshop_state_dir can't be {state}, for {what} lies in it and it is removed with the lab: "
                "name a folder of its own."
            )


def check_own_lab(values: Mapping[str, Any]) -> None:
    """Raise Problem where a cluster is named although the workshop is to bring its own."""
    own = {
        "workshop_kubeconfig": f"{values['workshop_state_dir']}/kubeconfig",
        "workshop_context": f"kind-{values['workshop_lab_name']}",
        "workshop_registry": f"localhost:{values['workshop_registry_port']}",
    }
    for variable, value in own.items():
        if values[variable] != value:
            raise Problem(
                f"{variable} is {values[variable]}, but the lab's own is {value}: leave it out, "
                "or set workshop_lab to false to use a cluster of yours."
            )


def check_named_cluster(values: Mapping[str, Any]) -> None:
    """Raise Problem where the cluster or the registry that should be used is not named."""
    for variable in ("workshop_kubeconfig", "workshop_context", "workshop_registry"):
        if not values[variable]:
            raise Problem(
                f"With workshop_lab=false you bring the cluster, and {variable} is not set: "
                "name workshop_kubeconfig, workshop_context and workshop_registry."
            )
    if not Path(values["workshop_kubeconfig"]).expanduser().is_absolute():
        raise Problem(
            f"workshop_kubeconfig can't be {values['workshop_kubeconfig']}: name the file from the root on, "
            "as in /home/me/.kube/config."
        )


def check_values(values: Mapping[str, Any], home: str) -> None:
    """Raise Problem where one of the values, of the right types already, can't be used or does not fit another."""
    check_lab_name(values["workshop_lab_name"])
    check_port(values["workshop_registry_port"])
    check_folders(values["workshop_state_dir"], values["workshop_cache_dir"], home)
    if "lab_cluster_workers" in values:
        check_workers(values["lab_cluster_workers"])
    if values["workshop_lab"]:
        check_own_lab(values)
    else:
        check_named_cluster(values)
    check_registry(values["workshop_registry"])
    for variable in ("workshop_debian_image", "workshop_busybox_image"):
        check_image(variable, values[variable])
    for variable in ("lab_base_images_debian_source", "lab_node_image_source"):
        if variable in values:
            check_image(variable, values[variable], digest=True)
