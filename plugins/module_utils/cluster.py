# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP, AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

try:
    import urllib3
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import unique_string
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config import load_kube_config, load_kube_config_from_dict
    from kubernetes.config.kube_config import ConfigNode, KubeConfigMerger
    from urllib3.exceptions import HTTPError
except ImportError:
    # AnsibleK8SModule says so; until then these stand for errors that nothing raises.
    class ApiException(Exception):  # type: ignore[no-redef]
        status = 0
        reason = ""
        body = ""

    class HTTPError(Exception):  # type: ignore[no-redef]
        pass


Json = Mapping[str, Any]

REQUEST_SECONDS: Final = 30
"""How long a request may take, unless its caller has less time."""

_NO_API_SERVER: Final = (
    "What answers is no API server of Kubernetes: see that the address is that of the cluster, and no proxy's."
)
_USER: Final = "Impersonate-User"
_GROUP: Final = "Impersonate-Group"
_IMPERSONATION: Final = ("impersonate_user", "impersonate_groups")
_CREDENTIALS: Final = (("api_key",), ("username", "password"), ("client_cert", "client_key"))


def kubeconfig_sentence(kubeconfig: str, context: str, error: str) -> str:
    """Why a kubeconfig can't be used, from what the client says."""
    if "Expected object with name" in error and "contexts" in error:
        return f"{kubeconfig} has no context {context}: `kubectl config get-contexts` lists those that it has."
    return f"{kubeconfig} can't be used: {error}"


def api_sentence(status: int | None, reason: str | None, body: str | bytes | None) -> str:
    """What the cluster said when it refused a request."""
    # A refused exec has its answer not in the body but at the end of the reason.
    answer = body or (reason or "").rpartition("-+-+- ")[2]
    try:
        told = json.loads(answer)
        status, reason = told["code"], told["message"]
    except (ValueError, TypeError, KeyError):
        pass
    return f"The cluster refused ({status or 'no status'}): {reason}"


def sentence(error: Exception) -> str:
    """Why a request failed, for a person."""
    if isinstance(error, ApiException):
        return api_sentence(error.status, error.reason, error.body)
    if isinstance(error, HTTPError):
        return f"The cluster does not answer: see that it runs and that the context is its own. ({error})"
    return str(error)


def connection(given: Json, environ: Mapping[str, str]) -> dict[str, Any]:
    """The connection options in force, from those given to the module and K8S_AUTH_* in the environment.

    What is named by options is not redirected by the environment: once kubeconfig, context or host is given, the
    environment adds no more than the other half of kubeconfig and context, and whom to impersonate. Raises Problem
    when that names no cluster, or two.
    """
    options = {name: given[name] for name in AUTH_ARG_SPEC if given.get(name) not in (None, "", [])}
    if options.get("host"):
        read = [*_IMPERSONATION]
    elif options.keys() & {"kubeconfig", "context"}:
        read = ["kubeconfig", "context", *_IMPERSONATION]
    else:
        read = [name for name in AUTH_ARG_SPEC if name != "proxy_headers"]
    # kubernetes.core knows some of them by the client's names too.
    client_names = {option: name for name, option in AUTH_ARG_MAP.items()}
    for name in read:
        names = name, client_names.get(name, name)
        value = next((environ[key] for one in names if environ.get(key := f"K8S_AUTH_{one.upper()}")), None)
        if name not in options and value:
            options[name] = _typed(value, AUTH_ARG_SPEC[name].get("type"))

    if options.get("host"):
        also = [name for name in ("kubeconfig", "context") if name in options]
        if also:
            raise Problem(f"host and {' and '.join(also)} name a cluster each: give one of them.")
        if not any(all(name in options for name in names) for names in _CREDENTIALS):
            raise Problem(
                "host is given without credentials: give api_key, client_cert with client_key, or username with "
                "password, or name a kubeconfig and its context; no credentials are taken from elsewhere."
            )
    elif not options.get("context"):
        raise Problem(
            "No cluster is named: give kubeconfig and context, or host with its credentials; the current context is "
            "never followed."
        )
    else:
        options.setdefault("kubeconfig", environ.get("KUBECONFIG") or "~/.kube/config")
    if "impersonate_groups" in options and "impersonate_user" not in options:
        raise Problem("impersonate_groups is given without impersonate_user: say who is in these groups.")
    return options


def _typed(value: str, kind: str | None) -> Any:
    if kind == "bool":
        return value.lower() not in ("0", "false", "no")
    return [part for part in value.split(",") if part] if kind == "list" else value


def _load_kubeconfig(options: Json, configuration: Any) -> None:
    """Take server and credentials of the named context into the configuration."""
    kubeconfig, context = options["kubeconfig"], options["context"]
    named = "The given kubeconfig"
    load: Callable[..., None] = load_kube_config_from_dict
    if not isinstance(kubeconfig, dict):
        paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep)]
        # Name and folder apart, since Ansible would take the option's very value out of the message.
        named = " and ".join(f"The kubeconfig {path.name} in {path.absolute().parent}" for path in paths)
        if not any(path.is_file() for path in paths):
            raise Problem(f"{named} does not exist: make the cluster first, or correct kubeconfig.")
        kubeconfig, load = os.pathsep.join(str(path) for path in paths), load_kube_config
    try:
        load(
            kubeconfig,
            context=context,
            client_configuration=configuration,
            persist_config=bool(options.get("persist_config")),
        )
        cluster, user = _parts(kubeconfig, context)
        impersonated, proxy = user.get("as"), cluster.get("proxy-url")
    except Exception as error:
        # A kubeconfig that is no YAML, or not of its form, fails in as many ways as there are.
        raise Problem(kubeconfig_sentence(named, str(context), str(error))) from error
    # The client does not read it, and without it the same address may be another cluster's.
    if proxy and not options.get("proxy"):
        if not str(proxy).startswith(("http://", "https://")):
            raise Problem(f"{named} has {context} use the proxy {proxy}, which the Python client cannot: give proxy.")
        configuration.proxy, configuration.no_proxy = proxy, None
    if impersonated and "impersonate_user" not in options:
        raise Problem(
            f"{named} has {context} impersonate {impersonated}, which the Python client would leave out: give "
            "impersonate_user, and impersonate_groups where there are any."
        )


def _parts(kubeconfig: Any, context: str) -> tuple[Json, Json]:
    """The cluster and the user of a context; of the user nothing, where there is none."""
    config = (
        ConfigNode("kubeconfig", kubeconfig) if isinstance(kubeconfig, dict) else KubeConfigMerger(kubeconfig).config
    )
    named = config["contexts"].get_with_name(context)["context"]
    cluster = config["clusters"].get_with_name(named["cluster"])["cluster"].value
    name = named.safe_get("user")
    user = config["users"].get_with_name(name, safe=True) if name else None
    return cluster, (user["user"].value or {}) if user else {}


def _client(options: Json) -> Any:
    """A client of the named cluster and no other, each of whose requests is bounded and sent once."""
    # Never the default configuration of the process, which may be another cluster's.
    configuration = Configuration()
    # Sending again is decided where it is known whether the request may be sent twice.
    configuration.retries = False
    if "host" in options:
        configuration.host = options["host"].rstrip("/")
    else:
        _load_kubeconfig(options, configuration)
    for name, option in AUTH_ARG_MAP.items():
        if option in options and name not in ("kubeconfig", "context", "host", "persist_config"):
            value = options[option]
            if name == "api_key":
                value = {"authorization": f"Bearer {value}"}
                # It would bring back the token of the kubeconfig.
                configuration.refresh_api_key_hook = None
            elif name == "proxy_headers":
                value = urllib3.util.make_headers(**value)
            setattr(configuration, name, value)
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    client = ApiClient(configuration)
    if "username" in options and "password" in options:
        client.set_default_header("authorization", configuration.get_basic_auth_token())
    if "impersonate_user" in options:
        client.set_default_header(_USER, options["impersonate_user"])
        for group in options.get("impersonate_groups", ()):
            # As kubernetes.core does, a name for each, since a header has only one value.
            client.set_default_header(unique_string(_GROUP), group)
    client.rest_client.request = _bounded(client.rest_client.request)
    return client


def _bounded(request: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(request)
    def bounded(*args: Any, **options: Any) -> Any:
        options["_request_timeout"] = options.get("_request_timeout") or (REQUEST_SECONDS, REQUEST_SECONDS)
        return request(*args, **options)

    return bounded


class Cluster:
    """The cluster that the options of kubernetes.core name, with its objects as the API gives them."""

    def __init__(self, params: Json, check_mode: bool = False) -> None:
        self.params = params
        self.check_mode = check_mode
        self.client = _client(connection(params, os.environ))

    def request(
        self, path: str, query: Json | None = None, *, method: str = "GET", body: Json | None = None, seconds: float = 0
    ) -> Any:
        """The answer to one request, not read yet. The seconds bound the wait for it and for each of its parts."""
        return self.client.call_api(
            path,
            method,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=(seconds, seconds) if seconds else None,
        )

    def ask(self, path: str, query: Json | None = None, **how: Any) -> dict[str, Any]:
        """The object that answers one request."""
        text = self.request(path, query, **how).data
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ValueError(_NO_API_SERVER)
        return answer

    def pod(self, name: str, namespace: str) -> tuple[dict[str, Any], str]:
        """A pod, and the version at which it was so. It needs the right to get it, and none to list."""
        try:
            pod = self.ask(pod_path(name, namespace))
        except ApiException as error:
            if error.status != 404:
                raise
            raise Problem(
                f"There is no pod {name} in namespace {namespace}: create it first, or correct the names."
            ) from error
        return pod, version(pod)


def version(found: Any) -> str:
    """The version of an object or a list; ValueError for what is neither."""
    metadata = found.get("metadata") if isinstance(found, dict) else None
    if not isinstance(metadata, dict) or "resourceVersion" not in metadata:
        raise ValueError(_NO_API_SERVER)
    named: str = metadata["resourceVersion"]
    return named


def in_namespace(namespace: str, api: str = "/api/v1") -> str:
    """The path in the API of what is in a namespace."""
    if not namespace or "/" in namespace:
        raise Problem(f"There can be no namespace {namespace!r}: correct the name.")
    return f"{api}/namespaces/{quote(namespace)}"


def pod_path(name: str, namespace: str) -> str:
    """The path of a pod in the API."""
    if not name or "/" in name:
        raise Problem(f"There can be no pod {name!r} in namespace {namespace!r}: correct the names.")
    return f"{in_namespace(namespace)}/pods/{quote(name)}"


def run(options: dict[str, Any], observe: Callable[[Cluster], dict[str, Any]], **rules: Any) -> None:
    """Run a module that observes something on the cluster, and fail with a sentence where it can't."""
    module = AnsibleK8SModule(
        argument_spec={**AUTH_ARG_SPEC, **options}, supports_check_mode=True, check_pyyaml=False, **rules
    )
    try:
        result = observe(Cluster(module.params, module.check_mode))
    except Problem as problem:
        module.fail_json(msg=str(problem), **problem.seen)
    except (ApiException, HTTPError, ValueError) as error:
        module.fail_json(msg=sentence(error))
    else:
        module.exit_json(**result)
