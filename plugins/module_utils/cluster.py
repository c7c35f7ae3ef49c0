# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

try:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError
except ImportError:
    # AnsibleK8SModule says so; until then these stand for errors that nothing raises.
    class ApiException(Exception):  # type: ignore[no-redef]
        status = 0
        reason = ""
        body = ""

    class HTTPError(Exception):  # type: ignore[no-redef]
        pass


def kubeconfig_sentence(kubeconfig: str, context: str, error: str) -> str:
    if "Expected object with name" in error and "contexts" in error:
        return f"{kubeconfig} has no context {context}: `kubectl config get-contexts` lists those that it has."
    return f"{kubeconfig} can't be used: {error}"


def api_sentence(status: int | None, reason: str | None, body: str | bytes | None) -> str:
    # A refused exec has its answer not in the body but at the end of the reason.
    answer = body or (reason or "").rpartition("-+-+- ")[2]
    try:
        told = json.loads(answer)
        status, reason = told["code"], told["message"]
    except (ValueError, TypeError, KeyError):
        pass
    return f"The cluster refused ({status or 'no status'}): {reason}"


class Cluster:
    """The cluster that the options of kubernetes.core name, with its pods as the API gives them."""

    def __init__(self, module: AnsibleK8SModule) -> None:
        self.params = module.params
        self.check_mode = module.check_mode
        kubeconfig = self._option("kubeconfig")
        context = self._option("context")
        if not context and not self._option("host"):
            raise Problem(
                "No cluster is named: give kubeconfig and context (or host); the current context is never followed."
            )
        named = "The given kubeconfig"
        if not isinstance(kubeconfig, dict):
            kubeconfig = kubeconfig or os.environ.get("KUBECONFIG", "~/.kube/config")
            paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep)]
            # Name and folder apart, since Ansible would take the option's very value out of the message.
            named = " and ".join(f"The kubeconfig {path.name} in {path.absolute().parent}" for path in paths)
            if context and not any(path.is_file() for path in paths):
                raise Problem(f"{named} does not exist: make the cluster first, or correct kubeconfig.")
        try:
            self.dynamic = get_api_client(module).client
        except (ApiException, HTTPError):
            raise
        except Exception as error:
            # A kubeconfig that is no YAML, or not of its form, fails in as many ways as there are.
            raise Problem(kubeconfig_sentence(named, str(context), str(error))) from error

    def _option(self, name: str) -> Any:
        return self.params[name] or os.environ.get(f"K8S_AUTH_{name.upper()}")

    def resource(self, kind: str) -> Any:
        return self.dynamic.resources.get(api_version="v1", kind=kind)

    def pod(self, name: str, namespace: str) -> tuple[dict[str, Any], str]:
        """A pod, and the version of the cluster at which it was so."""
        found = self.resource("Pod").get(namespace=namespace, field_selector=f"metadata.name={name}").to_dict()
        if not found["items"]:
            raise Problem(f"There is no pod {name} in namespace {namespace}: create it first, or correct the names.")
        return found["items"][0], found["metadata"]["resourceVersion"]


def run(options: dict[str, Any], observe: Callable[[Cluster], dict[str, Any]], **rules: Any) -> None:
    """Run a module that observes something on the cluster, and fail with a sentence where it can't."""
    module = AnsibleK8SModule(
        argument_spec={**AUTH_ARG_SPEC, **options}, supports_check_mode=True, check_pyyaml=False, **rules
    )
    try:
        result = observe(Cluster(module))
    except Problem as problem:
        module.fail_json(msg=str(problem), **problem.seen)
    except ApiException as error:
        module.fail_json(msg=api_sentence(error.status, error.reason, error.body))
    except HTTPError as error:
        module.fail_json(
            msg=f"The cluster does not answer: see that it runs and that the context is its own. ({error})"
        )
    except CoreException as error:
        module.fail_json(msg=str(error))
    else:
        module.exit_json(**result)
