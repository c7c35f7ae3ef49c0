# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup that finds the Docker engine of this user, as Docker's own client finds it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_endpoint
short_description: The Docker engine that Docker's own client would talk to
version_added: 1.0.0
description:
  - Follows the rules of Docker's client. E(DOCKER_HOST) comes first, then the context that E(DOCKER_CONTEXT) names,
    then the current context of C(config.json) in E(DOCKER_CONFIG) or C(~/.docker), then the default socket.
  - Where there is no default socket, but one of a rootless engine in E(XDG_RUNTIME_DIR), it is that one.
  - Whether an engine answers there is not asked.
  - An endpoint that can't serve the lab does not fail the lookup; RV(_raw[].refused) says why.
author:
  - The workshop.production_patterns authors (@workshop)
options: {}
"""

EXAMPLES = r"""
- name: Say which engine is used
  ansible.builtin.debug:
    msg: "{{ lookup('workshop.production_patterns.docker_endpoint').host }}"
"""

RETURN = r"""
_raw:
  description: The endpoint, as a list of one dictionary.
  type: list
  elements: dict
  contains:
    host:
      description: The endpoint in the form of E(DOCKER_HOST). Empty where the context that is named has none.
      type: str
    named_by:
      description: What names the endpoint, for a sentence.
      type: str
    refused:
      description: A sentence that says why the lab can't use this endpoint and what to do. Empty where it can.
      type: str
"""

import hashlib
import json
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.plugins.lookup import LookupBase

SYSTEM_SOCKET = Path("/var/run/docker.sock")
ON_ANOTHER_MACHINE = (
    "The Docker engine at {host}, which {named_by} names, is not reached through a socket or the loopback address "
    "of this machine, where the lab's ports are: run the workshop on the engine's own machine, or name an engine of "
    "this one with DOCKER_HOST."
)


class ContextProblem(Exception):
    """A sentence about a Docker context that names no endpoint."""


def is_local(host: str) -> bool:
    """Return whether an endpoint in the form of DOCKER_HOST is a socket or a loopback address of this machine."""
    try:
        address = urlsplit(host)
        name = address.hostname or ""
    except ValueError:
        return False
    if address.scheme == "unix":
        return True
    if address.scheme not in ("tcp", "http", "https"):
        return False
    try:
        # Docker takes a port without a host for one of this machine.
        return name in ("", "localhost") or ip_address(name).is_loopback
    except ValueError:
        return False


def read(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of Docker's. Raises ContextProblem where it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContextProblem(f"{path} can't be read ({error}): mend it, or name an engine with DOCKER_HOST.") from None
    if not isinstance(content, dict):
        raise ContextProblem(f"{path} holds no JSON object: mend it, or name an engine with DOCKER_HOST.")
    return content


def host_of_context(folder: Path, name: str) -> str:
    """Return the endpoint of a context in Docker's folder. Raises ContextProblem where there is none to be used."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key / "meta.json"
    if not meta.is_file():
        raise ContextProblem(
            f"There is no Docker context {name}: "
            "choose another with docker context use, or name an engine with DOCKER_HOST."
        )
    if (folder / "contexts" / "tls" / key / "docker").is_dir():
        raise ContextProblem(
            f"The Docker context {name} has certificates, which only Docker's client finds there: "
            "name the engine and them with DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
        )
    endpoints = read(meta).get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not host:
        raise ContextProblem(f"The Docker context {name} names no engine: choose another with docker context use.")
    return str(host)


def default_host(environment: Mapping[str, str], system_socket: Path) -> str:
    """Return the endpoint where nothing names one: the system's socket, or that of a rootless engine alone."""
    rootless = Path(environment.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock"
    return f"unix://{rootless if rootless.is_socket() and not system_socket.exists() else system_socket}"


def docker_endpoint(environment: Mapping[str, str], system_socket: Path = SYSTEM_SOCKET) -> dict[str, str]:
    """Return the host that Docker's client would talk to, what names it, and why the lab can't use it, if it can't."""
    # docker.context of docker-py takes a broken config.json for an empty one, finds no context where there is no
    # config.json, and takes longer to import than many a task runs.
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or "/") / ".docker")
    host, named_by = environment.get("DOCKER_HOST") or "", "DOCKER_HOST"
    try:
        if not host:
            context = environment.get("DOCKER_CONTEXT") or ""
            if not context and (folder / "config.json").exists():
                context = read(folder / "config.json").get("currentContext") or ""
            if context and context != "default":
                named_by = f"the Docker context {context}"
                host = host_of_context(folder, context)
            else:
                named_by = "Docker's default"
                host = default_host(environment, system_socket)
    except ContextProblem as problem:
        return {"host": "", "named_by": named_by, "refused": str(problem)}
    if "://" not in host:
        host = f"tcp://{host}"
    refused = "" if is_local(host) else ON_ANOTHER_MACHINE.format(host=host, named_by=named_by)
    return {"host": host, "named_by": named_by, "refused": refused}


class LookupModule(LookupBase):  # type: ignore[misc]
    """Ansible's hook."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        """Return the endpoint as a list of one."""
        return [docker_endpoint(os.environ)]
