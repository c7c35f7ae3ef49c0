# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run finds around it: the environment, folders and limits of the machine, a cluster and a registry."""

from __future__ import annotations

import os
import socket
import threading
import urllib.error
import urllib.parse
from collections.abc import Callable, Mapping
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import yaml
from ansible.module_utils.urls import open_url
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

INOTIFY = {"max_user_instances": 32, "max_user_watches": 4096}
"""What a node takes of the kernel's limits: 26 and 1100 were measured."""


def check_environment(environ: Mapping[str, str], *, lab: bool) -> None:
    """Raise Problem where the environment would lead what is done to another cluster than the one that is named."""
    # An empty one counts as well: kubernetes.core then asks a host without a name.
    leading = sorted(name for name in environ if name.startswith("K8S_AUTH_"))
    if leading:
        raise Problem(
            f"{' and '.join(leading)} in the environment would lead this run to another cluster, or there as somebody "
            f"else: unset {' '.join(leading)}."
        )
    provider = environ.get("KIND_EXPERIMENTAL_PROVIDER", "")
    if lab and provider not in ("", "docker"):
        raise Problem(
            f"KIND_EXPERIMENTAL_PROVIDER in the environment would have kind use {provider}, and the lab is made with "
            "Docker: unset KIND_EXPERIMENTAL_PROVIDER."
        )


def check_folder(variable: str, folder: Path) -> None:
    """Raise Problem where nothing can be written to folder, or where it can't be made."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise Problem(f"{variable} can't be {folder}, for {there} is no folder: name another.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise Problem(f"{variable} can't be {folder}, for this user may not write to {there}: name another.")


def check_inotify(nodes: int, limits: Path = Path("/proc/sys/fs/inotify")) -> None:
    """Raise Problem where the kernel's limits are too low for so many nodes. Without those limits there is none."""
    for name, each in INOTIFY.items():
        limit = limits / name
        if limit.exists() and int(limit.read_text()) < nodes * each:
            raise Problem(
                f"fs.inotify.{name} is {int(limit.read_text())}, too low for {nodes} nodes: set it to "
                f"{nodes * each} or more with sysctl, or lower lab_cluster_workers."
            )


def check_kubeconfig(kubeconfig: str, context: str) -> None:
    """Raise Problem where kubeconfig is no file that can be read, or has no such context."""
    try:
        content = yaml.safe_load(Path(kubeconfig).expanduser().read_text())
    except OSError as error:
        raise Problem(
            f"workshop_kubeconfig names {kubeconfig}, which is no file that can be read: "
            "name the kubeconfig of your cluster."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"workshop_kubeconfig names {kubeconfig}, which is no YAML: name a kubeconfig.") from error
    contexts = (content.get("contexts") or []) if isinstance(content, dict) else []
    names = [entry["name"] for entry in contexts if isinstance(entry, dict) and "name" in entry]
    if context not in names:
        raise Problem(
            f"{kubeconfig} has no context {context}: "
            f"workshop_context can be {', '.join(names) or 'nothing, for there is none in it'}."
        )


def check_cluster(kubeconfig: str, context: str, seconds: float = 20) -> None:
    """Raise Problem where the cluster does not answer within so many seconds, or refuses to."""
    # Loaded only where somebody brings a cluster, since that takes a second.
    from kubernetes import client, config

    def ask() -> None:
        settings = client.Configuration()
        config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=settings)
        settings.retries = False
        with client.ApiClient(settings) as api:
            client.CoreV1Api(api).read_namespace("default", _request_timeout=seconds)

    try:
        _within(seconds, ask)
    except client.ApiException as error:
        raise Problem(
            f"The cluster of the context {context} refuses what is asked ({error.status} {error.reason}): "
            "renew the credentials in workshop_kubeconfig, or name another context with workshop_context."
        ) from error
    except Exception as error:
        # Certificates, plugins that log in and the network fail in as many ways as there are.
        raise Problem(
            f"The cluster of the context {context} does not answer: "
            f"start it, or name another with workshop_context. ({' '.join(str(error).split())})"
        ) from error


def _within(seconds: float, ask: Callable[[], None]) -> None:
    """Do ask, and raise what it raises, or TimeoutError when it takes longer."""
    raised: list[Exception] = []

    def attempt() -> None:
        try:
            ask()
        except Exception as error:
            raised.append(error)

    # A plugin of a kubeconfig that waits for somebody to log in can't be ended, only left behind.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds:g} s")
    if raised:
        raise raised[0]


def check_registry_answers(registry: str, seconds: float = 10) -> None:
    """Raise Problem where no registry answers within so many seconds, with or without TLS."""
    host = registry.partition("/")[0]
    if not any(_speaks(f"{scheme}://{host}/v2/", seconds) for scheme in ("http", "https")):
        raise Problem(f"No registry answers at {registry}: start it, or name another with workshop_registry.")


def _speaks(url: str, seconds: float) -> bool:
    """Whether a registry answers there. It may ask for a login; its certificate is the engine's matter."""
    try:
        with open_url(
            url, timeout=seconds, validate_certs=False, use_netrc=False, use_proxy=not _is_loopback(url)
        ) as answer:
            return int(answer.status) == 200
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (OSError, ValueError):
        return False


def _is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_port_is_free(port: int, registry: str, environ: Mapping[str, str]) -> None:
    """Raise Problem where somebody listens on a port of the loopback address who is not the container registry.

    environ names the Docker engine, as for Docker's client.
    """
    if _listens(port) and not _has_port(registry, port, environ):
        raise Problem(
            f"Port {port} is in use by something other than the lab's registry: "
            "free it, or name another with workshop_registry_port."
        )


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _has_port(container: str, port: int, environ: Mapping[str, str]) -> bool:
    # Loaded only where it is needed.
    import docker
    import requests

    try:
        with closing(docker.from_env(environment=environ, timeout=10)) as engine:
            published = engine.api.inspect_container(container)["NetworkSettings"]["Ports"].values()
    except (docker.errors.DockerException, requests.RequestException) as error:
        # To a user who may not ask the engine its own role says so, and that, not the port, is what is wrong.
        return "Permission denied" in str(error)
    return str(port) in [binding["HostPort"] for bindings in published for binding in bindings or []]
