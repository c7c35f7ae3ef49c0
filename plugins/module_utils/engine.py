# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ansible_collections.community.docker.plugins.module_utils.common import (
    AnsibleDockerClient,
    APIError,
    NotFound,
    RequestException,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

# How long the engine may take to learn of the end of a command.
_END_SECONDS: Final = 5
_UNREACHABLE: Final = "No Docker engine answers at {host}: start it, or name another with docker_host."
_NO_LOGIN: Final = "{host} refused the login: see that ssh gets there with this user and this key."
# What to say of a failed connection, by what is in the client's words about the cause; the first that fits counts.
_SENTENCES: Final = (
    (r"ConnectTimeoutError|connect timeout", _UNREACHABLE),
    (
        r"Read timed out|^timed out$|TimeoutError",
        "The Docker engine at {host} did not answer in time: see whether it hangs, or give a larger timeout.",
    ),
    (
        r"SSLError|\bSSL\b|\bTLS\b|CERTIFICATE_|HTTP request to an HTTPS server|tlsv1",
        "The Docker engine at {host} and this client do not agree on TLS: correct tls, validate_certs, ca_path, "
        "client_cert or client_key.",
    ),
    (
        r"NameResolutionError|Name or service not known|nodename nor servname|name resolution|Could not resolve",
        "The name in {host} is not known: correct docker_host.",
    ),
    (
        r"[45]\d\d (Server|Client) Error",
        "What answers at {host} refused to say which Docker engine it is: see its log, or correct docker_host.",
    ),
    (
        r"JSONDecodeError|Expecting value|BadStatusLine",
        "What answers at {host} is no Docker engine: correct docker_host.",
    ),
    (
        r"IncompleteRead|Connection broken|InvalidChunk|RemoteDisconnected|ConnectionResetError|BrokenPipeError",
        "The Docker engine at {host} broke off its answer: see its log, and look again.",
    ),
)
# What ssh, or paramiko in its stead, says.
_REFUSED_LOGINS: Final = r"(?i)permission denied|authentication|publickey|private key|host key|not found in known_hosts"


def connection_sentence(host: str, cause: str) -> str:
    """What to do where the engine at host cannot be talked to, by the client's words about the cause."""
    if host.startswith("ssh://") and re.search(_REFUSED_LOGINS, cause):
        sentence = _NO_LOGIN
    elif "Permission denied" in cause and host.startswith(("unix://", "/")):
        sentence = (
            "This user may not use the Docker engine at {host}: add the user to the group docker and log in again."
        )
    else:
        sentence = next((sentence for words, sentence in _SENTENCES if re.search(words, cause)), _UNREACHABLE)
    return f"{sentence.format(host=host)} ({cause})"


def engine_words(error: APIError) -> str:
    """What the engine said, in one line."""
    words = error.explanation or str(error)
    return " ".join((words.decode(errors="replace") if isinstance(words, bytes) else str(words)).split())


class Ran(NamedTuple):
    """What a command in a container printed, its exit code, and what it or the runtime said besides."""

    output: bytes
    exit_code: int
    errors: str


class Engine(AnsibleDockerClient):
    """The Docker engine that the options of community.docker name."""

    def fail(self, msg: str, **seen: Any) -> None:
        msg = msg.replace("Docker API error: ", "The Docker engine refused: ")
        cause = msg.removeprefix("Error connecting: ")
        if cause != msg:
            # The options only; the client has not been made.
            msg = connection_sentence(self.module.params["docker_host"], cause)
        super().fail(msg, **seen)

    def container(self, name: str) -> dict[str, Any]:
        """What the engine knows of a container; a problem where there is none of the name."""
        if not name:
            raise Problem("The name of the container is empty: give one.")
        try:
            return self.inspect_container(name)  # type: ignore[no-any-return]
        except NotFound:
            raise Problem(
                f"There is no container {name} on this Docker engine: start it first, or correct the name."
            ) from None

    def running_container(self, name: str) -> dict[str, Any]:
        """What the engine knows of a container in which processes run; a problem where none do."""
        container = self.container(name)
        status = container["State"]["Status"]
        if status == "paused":
            raise Problem(f"Container {name} is paused, so nothing in it can run: unpause it first.")
        if status == "restarting":
            raise Problem(
                f"Container {name} is restarting, its last exit code was {container['State']['ExitCode']}: see its log "
                "for why it ends."
            )
        if not container["State"]["Running"]:
            error = " ".join((container["State"].get("Error") or "").split())
            why = f"the engine could not start it ({error})" if error else "start it first"
            raise Problem(f"Container {name} is not running but {status}: {why}.")
        return container

    def image(self, name: str) -> dict[str, Any]:
        """What the engine knows of an image; a problem where there is none of the name."""
        if not name:
            raise Problem("The name of the image is empty: give one.")
        try:
            return self.inspect_image(name)  # type: ignore[no-any-return]
        except NotFound:
            raise Problem(
                f"There is no image {name} on this Docker engine: pull or build it first, or correct the name."
            ) from None

    def execute(self, container_id: str, command: list[str], environment: dict[str, str], where: str) -> Ran:
        """Run a command in a container; a problem in the engine's words where that can't be, or was cut short."""
        try:
            # The folder that the container works in may be gone.
            started = self.exec_create(container_id, command, environment=environment, workdir="/")["Id"]
            output, errors = self.exec_start(started, demux=True)
            ended = self._ended(started)
        except APIError as error:
            raise Problem(f"{where} could not be looked into: {engine_words(error)}") from None
        if ended["Running"]:
            raise Problem(f"What was read in {where} was cut short: see whether the engine hangs, and look again.")
        return Ran(output or b"", ended["ExitCode"], (errors or b"").decode(errors="replace"))

    def _ended(self, started: str) -> dict[str, Any]:
        """What the engine knows of a command when that has ended, which it learns a little after the last output."""
        until = time.monotonic() + _END_SECONDS
        while True:
            known: dict[str, Any] = self.exec_inspect(started)
            if not known["Running"] or time.monotonic() >= until:
                return known
            time.sleep(0.1)


def run(options: dict[str, Any], observe: Callable[[Engine], dict[str, Any]]) -> None:
    """Run a module that observes something on the engine, and fail with a sentence where it can't."""
    engine = Engine(argument_spec=options, supports_check_mode=True)
    try:
        result = observe(engine)
    except Problem as problem:
        engine.fail(str(problem), **problem.seen)
    except APIError as error:
        engine.fail(f"The Docker engine refused: {engine_words(error)}")
    except (RequestException, OSError) as error:
        engine.fail(connection_sentence(engine.module.params["docker_host"], str(error) or type(error).__name__))
    else:
        engine.module.exit_json(**result)
