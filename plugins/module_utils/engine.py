# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.community.docker.plugins.module_utils.common import (
    AnsibleDockerClient,
    APIError,
    NotFound,
    RequestException,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


def connection_sentence(host: str, cause: str) -> str:
    if "Permission denied" in cause:
        return f"This user may not use the Docker engine at {host}: add the user to the group docker and log in again."
    return f"No Docker engine answers at {host}: start it, or name another with docker_host. ({cause})"


class Engine(AnsibleDockerClient):
    """The Docker engine that the options of community.docker name."""

    def fail(self, msg: str, **seen: Any) -> None:
        cause = msg.removeprefix("Error connecting: ")
        if cause != msg:
            # The options only; the client has not been made.
            msg = connection_sentence(self.module.params["docker_host"], cause)
        super().fail(msg, **seen)

    def container(self, name: str) -> dict[str, Any]:
        try:
            return self.inspect_container(name)  # type: ignore[no-any-return]
        except NotFound:
            raise Problem(
                f"There is no container {name} on this Docker engine: start it first, or correct the name."
            ) from None

    def running_container(self, name: str) -> dict[str, Any]:
        container = self.container(name)
        if not container["State"]["Running"]:
            raise Problem(f"Container {name} is not running but {container['State']['Status']}: start it first.")
        return container

    def image(self, name: str) -> dict[str, Any]:
        try:
            return self.inspect_image(name)  # type: ignore[no-any-return]
        except NotFound:
            raise Problem(
                f"There is no image {name} on this Docker engine: pull or build it first, or correct the name."
            ) from None


def run(options: dict[str, Any], observe: Callable[[Engine], dict[str, Any]]) -> None:
    """Run a module that observes something on the engine, and fail with a sentence where it can't."""
    engine = Engine(argument_spec=options, supports_check_mode=True)
    try:
        result = observe(engine)
    except Problem as problem:
        engine.fail(str(problem), **problem.seen)
    except APIError as error:
        engine.fail(f"The Docker engine refused: {error.explanation or error}")
    except RequestException as error:
        engine.fail(connection_sentence(engine.module.params["docker_host"], str(error)))
    else:
        engine.module.exit_json(**result)
