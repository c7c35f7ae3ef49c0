# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import os
import time
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.workshop.production_patterns.plugins.module_utils import cluster as module_utils_cluster
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    ApiException,
    Cluster,
    api_sentence,
    connection,
    kubeconfig_sentence,
    run,
    sentence,
    version,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from api_server import CUT, SILENCE, Answer, ApiServer, status
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config_from_dict
from urllib3.exceptions import HTTPError

POD = "/api/v1/namespaces/quotas/pods/web"


@pytest.fixture(autouse=True)
def a_place_of_its_own(monkeypatch, tmp_path):
    """No variable and no kubeconfig of whoever runs the tests."""
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "K8S_AUTH_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def elsewhere():
    """A server that must never be asked."""
    server = ApiServer()
    yield server
    assert server.requests == []
    server.close()


def kubeconfig(current: ApiServer, **others: ApiServer) -> dict[str, Any]:
    """A kubeconfig whose current context is that of the first, beside the contexts of others."""
    servers = {"current": current, **others}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "current",
        "clusters": [{"name": name, "cluster": {"server": server.url}} for name, server in servers.items()],
        "users": [{"name": name, "user": {"token": f"token-of-{name}"}} for name in servers],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in servers],
    }


@pytest.mark.parametrize(
    "options",
    [{}, {"kubeconfig": "/dev/null"}, {"kubeconfig": {"current-context": "mine"}}, {"api_key": "secret"}],
)
def test_the_current_context_is_never_followed(options):
    with pytest.raises(Problem, match="^No cluster is named"):
        Cluster(options)


@pytest.mark.parametrize("place", ["option", "KUBECONFIG", "K8S_AUTH_KUBECONFIG", "home"])
def test_a_host_beside_a_kubeconfig_sends_nothing_to_its_current_context(api, elsewhere, place, monkeypatch, tmp_path):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    path = tmp_path / ".kube" / "config"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(kubeconfig(elsewhere)))
    if place == "option":
        with pytest.raises(Problem, match="^host and kubeconfig name a cluster each: give one of them"):
            Cluster({**api.connection(), "kubeconfig": str(path)})
        return
    if place != "home":
        monkeypatch.setenv(place, str(path))
    with pytest.raises(Problem, match="^host is given without credentials"):
        Cluster({"host": api.url})
    Cluster(api.connection()).pod("web", "quotas")
    assert api.requests[0].headers["authorization"] == ["Bearer let-me-in"]


def test_a_named_context_is_not_redirected_by_the_environment(api, elsewhere, monkeypatch):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    monkeypatch.setenv("K8S_AUTH_HOST", elsewhere.url)
    monkeypatch.setenv("K8S_AUTH_API_KEY", "of another")
    monkeypatch.setenv("K8S_AUTH_CONTEXT", "current")
    Cluster({"kubeconfig": kubeconfig(elsewhere, lab=api), "context": "lab"}).pod("web", "quotas")
    assert api.requests[0].headers["authorization"] == ["Bearer token-of-lab"]


def test_a_cluster_of_an_earlier_client_is_not_that_of_the_next(api, elsewhere):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    Cluster({"kubeconfig": kubeconfig(elsewhere), "context": "current"})
    Cluster(api.connection()).pod("web", "quotas")
    assert api.requests[0].headers["authorization"] == ["Bearer let-me-in"]


def test_the_default_of_the_process_is_not_followed(api, elsewhere):
    """Other plugins of a process may have loaded a kubeconfig, whose hook brings back its server at each request."""
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    load_kube_config_from_dict(kubeconfig(elsewhere))
    try:
        Cluster({"host": api.url, "client_cert": __file__, "client_key": __file__}).pod("web", "quotas")
    finally:
        Configuration.set_default(None)
    assert "authorization" not in api.requests[0].headers


def test_a_token_of_ones_own_is_not_replaced_by_that_of_the_kubeconfig(api):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    Cluster({"kubeconfig": kubeconfig(api), "context": "current", "api_key": "mine"}).pod("web", "quotas")
    assert api.requests[0].headers["authorization"] == ["Bearer mine"]


def test_a_user_with_a_password(api):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    Cluster({"host": api.url, "username": "me", "password": "secret"}).pod("web", "quotas")
    assert api.requests[0].headers["authorization"] == ["Basic bWU6c2VjcmV0"]


HOME = "~/.kube/config"
HOST = {"host": "https://a", "api_key": "key"}
FROM_ENVIRONMENT = {"K8S_AUTH_HOST": "https://a", "K8S_AUTH_API_KEY": "key", "K8S_AUTH_VERIFY_SSL": "no"}


@pytest.mark.parametrize(
    ("options", "environ", "named"),
    [
        ({}, FROM_ENVIRONMENT, {"host": "https://a", "api_key": "key", "validate_certs": False}),
        ({"host": "https://b", "api_key": "mine"}, FROM_ENVIRONMENT, {"host": "https://b", "api_key": "mine"}),
        ({"context": "lab"}, FROM_ENVIRONMENT, {"context": "lab", "kubeconfig": "~/.kube/config"}),
        ({"context": "lab"}, {"KUBECONFIG": "/a"}, {"context": "lab", "kubeconfig": "/a"}),
        # What is empty is not given.
        ({"context": "lab", "kubeconfig": ""}, {"KUBECONFIG": "/a"}, {"context": "lab", "kubeconfig": "/a"}),
        # A dict can't be written there.
        ({}, {"K8S_AUTH_CONTEXT": "lab", "K8S_AUTH_PROXY_HEADERS": "x"}, {"context": "lab", "kubeconfig": HOME}),
        (
            {"context": "lab"},
            {"K8S_AUTH_KUBECONFIG": "/b", "KUBECONFIG": "/a"},
            {"context": "lab", "kubeconfig": "/b"},
        ),
        ({"kubeconfig": "/a"}, {"K8S_AUTH_CONTEXT": "lab"}, {"context": "lab", "kubeconfig": "/a"}),
        *(
            ({}, {**FROM_ENVIRONMENT, "K8S_AUTH_VERIFY_SSL": said}, {**HOST, "validate_certs": meant})
            for said, meant in {"0": False, "False": False, "No": False, "1": True, "true": True}.items()
        ),
        (
            {"context": "lab", "kubeconfig": "/a"},
            {"K8S_AUTH_IMPERSONATE_USER": "me", "K8S_AUTH_IMPERSONATE_GROUPS": "a,b"},
            {"context": "lab", "kubeconfig": "/a", "impersonate_user": "me", "impersonate_groups": ["a", "b"]},
        ),
    ],
)
def test_what_is_named_by_options_and_by_the_environment(options, environ, named):
    assert connection(options, environ) == named


@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        ({"host": "https://b"}, FROM_ENVIRONMENT, "^host is given without credentials"),
        ({"host": "https://b", "client_cert": "/c"}, {}, "^host is given without credentials"),
        ({"host": "https://b", "api_key": "k", "context": "lab"}, {}, "^host and context name"),
        ({"host": "https://b", "kubeconfig": "/a", "context": "lab"}, {}, "^host and kubeconfig and context name"),
        ({}, {**FROM_ENVIRONMENT, "K8S_AUTH_CONTEXT": "lab"}, "^host and context name"),
        ({"kubeconfig": "/a"}, FROM_ENVIRONMENT, "^No cluster is named"),
        ({"context": "lab", "impersonate_groups": ["a"]}, {}, "^impersonate_groups is given without"),
    ],
)
def test_what_names_no_cluster_or_two(options, environ, said):
    with pytest.raises(Problem, match=said):
        connection(options, environ)


def test_the_address_of_a_host_may_end_in_a_slash(api):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    cluster = Cluster({**api.connection(), "host": f"{api.url}/"})
    cluster.pod("web", "quotas")
    assert [request.path for request in api.requests] == [POD]
    assert cluster.check_mode is False


def test_a_user_without_a_password_leaves_the_credentials_of_the_context(api):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    Cluster({"kubeconfig": kubeconfig(api), "context": "current", "username": "me"}).pod("web", "quotas")
    assert api.requests[0].headers["authorization"] == ["Bearer token-of-current"]


def test_a_proxy_gets_its_own_headers(api):
    given = {"proxy": "http://proxy:3128", "proxy_headers": {"proxy_basic_auth": "me:secret"}}
    configuration = Cluster({**api.connection(), **given}).client.configuration
    assert configuration.proxy == "http://proxy:3128"
    assert configuration.proxy_headers == {"proxy-authorization": "Basic bWU6c2VjcmV0"}


def behind(proxy: str) -> dict[str, Any]:
    """A kubeconfig of a cluster whose address means something only behind a proxy."""
    there = mock.Mock(url="http://10.96.0.1:6443")
    config = kubeconfig(there)
    config["clusters"][0]["cluster"]["proxy-url"] = proxy
    return config


@pytest.mark.parametrize("kind", ["dict", "file"])
def test_the_proxy_of_a_kubeconfig_leads_to_its_cluster(api, kind, monkeypatch, tmp_path, elsewhere):
    monkeypatch.setenv("NO_PROXY", "10.96.0.1")
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    config: Any = behind(api.url)
    if kind == "file":
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        config = str(tmp_path / "config")
    Cluster({"kubeconfig": config, "context": "current"}).pod("web", "quotas")
    assert api.requests[0].headers["host"] == ["10.96.0.1:6443"]


def test_a_proxy_that_is_given_comes_before_that_of_the_kubeconfig(api, elsewhere):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    for of_kubeconfig in (elsewhere.url, "socks5://proxy:1080"):
        Cluster({"kubeconfig": behind(of_kubeconfig), "context": "current", "proxy": api.url}).pod("web", "quotas")
    assert len(api.requests) == 2


def test_a_proxy_that_the_client_cannot_use_is_not_left_out():
    with pytest.raises(Problem, match="has current use the proxy socks5://proxy:1080, which the Python client cannot"):
        Cluster({"kubeconfig": behind("socks5://proxy:1080"), "context": "current"})


@pytest.mark.parametrize("validate", [True, False])
def test_who_does_not_check_certificates_is_not_warned_at_each_request(api, monkeypatch, validate):
    quiet = mock.Mock()
    monkeypatch.setattr("urllib3.disable_warnings", quiet)
    assert Cluster({**api.connection(), "validate_certs": validate}).client.configuration.verify_ssl is validate
    assert quiet.called is not validate


def test_impersonation_is_sent_with_each_request(api):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    options = {"impersonate_user": "jane", "impersonate_groups": ["developers", "admins"]}
    Cluster({**api.connection(), **options}).pod("web", "quotas")
    assert api.requests[0].headers["impersonate-user"] == ["jane"]
    assert api.requests[0].headers["impersonate-group"] == ["developers", "admins"]


@pytest.mark.parametrize("kind", ["dict", "file"])
def test_impersonation_in_a_kubeconfig_is_not_dropped(api, kind, tmp_path):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    config: Any = kubeconfig(api)
    config["users"][0]["user"] |= {"as": "jane", "as-groups": ["developers"]}
    if kind == "file":
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        config = str(tmp_path / "config")
    with pytest.raises(Problem, match="has current impersonate jane.*: give impersonate_user"):
        Cluster({"kubeconfig": config, "context": "current"})
    assert api.requests == []
    Cluster({"kubeconfig": config, "context": "current", "impersonate_user": "jane"}).pod("web", "quotas")
    assert api.requests[0].headers["impersonate-user"] == ["jane"]


def test_one_pod_needs_no_right_to_list(api):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    api.on("/api/v1/namespaces/quotas/pods", status(403, "pods is forbidden"))
    assert Cluster(api.connection()).pod("web", "quotas") == ({"metadata": {"resourceVersion": "7"}}, "7")
    assert [request.path for request in api.requests] == [POD]


def test_a_pod_that_is_not_there(api):
    with pytest.raises(Problem, match="^There is no pod web in namespace quotas"):
        Cluster(api.connection()).pod("web", "quotas")


@pytest.mark.parametrize(("name", "namespace"), [("", "quotas"), ("a/b", "quotas"), ("web", ""), ("web", "a/b")])
def test_a_name_that_would_ask_for_something_else(api, name, namespace):
    with pytest.raises(Problem, match="^There can be no (pod|namespace)"):
        Cluster(api.connection()).pod(name, namespace)
    assert api.requests == []


@pytest.mark.parametrize("answer", [SILENCE, CUT])
def test_a_request_is_bounded_and_sent_once(api, answer, monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.workshop.production_patterns.plugins.module_utils.cluster.REQUEST_SECONDS", 0.3
    )
    api.on(POD, answer)
    begun = time.monotonic()
    with pytest.raises(HTTPError):
        Cluster(api.connection()).pod("web", "quotas")
    assert time.monotonic() - begun < 2
    assert len(api.requests) == 1


def test_a_redirection_is_not_followed(api, elsewhere):
    api.on(POD, Answer({}, code=302, headers={"Location": f"{elsewhere.url}{POD}"}))
    with pytest.raises(ApiException, match="302"):
        Cluster(api.connection()).pod("web", "quotas")


def test_a_question_may_be_any_request(api):
    api.on(POD, Answer({"kind": "Status"}), method="DELETE")
    body = {"gracePeriodSeconds": 5}
    answer = Cluster(api.connection()).ask(POD, {"dryRun": "All"}, method="DELETE", body=body)
    assert answer == {"kind": "Status"}
    (request,) = api.requests
    assert (request.method, request.query, request.body) == ("DELETE", {"dryRun": "All"}, body)
    assert (request.headers["accept"], request.headers["content-type"]) == (["application/json"], ["application/json"])


@pytest.mark.parametrize(("seconds", "bounds"), [({}, None), ({"seconds": 3.5}, (3.5, 3.5))])
def test_the_seconds_bound_the_wait_for_an_answer_and_for_its_parts(api, monkeypatch, seconds, bounds):
    cluster = Cluster(api.connection())
    ask = mock.Mock()
    monkeypatch.setattr(cluster.client, "call_api", ask)
    cluster.request(POD, **seconds)
    assert ask.call_args.kwargs["_request_timeout"] == bounds


@pytest.mark.parametrize("answer", ["[]", "null", "{}", '{"metadata": []}', '{"metadata": {"name": "web"}}'])
def test_an_answer_that_is_no_object_of_the_api(api, answer):
    api.on(POD, Answer(json.loads(answer)))
    with pytest.raises(ValueError, match="^What answers is no API server of Kubernetes"):
        Cluster(api.connection()).pod("web", "quotas")


def test_a_kubeconfig_that_is_missing(tmp_path):
    with pytest.raises(Problem, match=f"kubeconfig gone in {tmp_path} does not exist"):
        Cluster({"kubeconfig": str(tmp_path / "gone"), "context": "kind-workshop"})


def test_a_kubeconfig_without_the_context():
    said = "Invalid kube-config file. Expected object with name kind-x in /tmp/config/contexts list"
    assert kubeconfig_sentence("The kubeconfig", "kind-x", said).startswith("The kubeconfig has no context kind-x:")
    assert kubeconfig_sentence("The kubeconfig", "kind-x", "no YAML") == "The kubeconfig can't be used: no YAML"
    other = "Invalid kube-config file. Expected key contexts in /tmp/config"
    assert kubeconfig_sentence("The kubeconfig", "kind-x", other) == f"The kubeconfig can't be used: {other}"


def test_a_kubeconfig_that_cannot_be_used_is_told_by_name_and_place(api, tmp_path):
    path = tmp_path / "config"
    for content, said in (
        (yaml.safe_dump(kubeconfig(api)), f"config in {tmp_path} has no context lab: "),
        ("contexts: 5", f"config in {tmp_path} can't be used: 'int' object is not"),
    ):
        path.write_text(content)
        with pytest.raises(Problem, match=f"^The kubeconfig {said}"):
            Cluster({"kubeconfig": str(path), "context": "lab"})


def test_several_kubeconfigs_are_one(api, tmp_path):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    whole = kubeconfig(api)
    first = {"apiVersion": "v1", "kind": "Config", "clusters": whole["clusters"], "contexts": [], "users": []}
    parts = {"a config": first, "b config": {**whole, "clusters": []}}
    for name, part in parts.items():
        (tmp_path / name).write_text(yaml.safe_dump(part))
    paths = os.pathsep.join(str(tmp_path / name) for name in parts)
    Cluster({"kubeconfig": paths, "context": "current"}).pod("web", "quotas")
    assert len(api.requests) == 1
    gone = os.pathsep.join(str(tmp_path / name) for name in ("c", "d"))
    with pytest.raises(Problem, match=f"^The kubeconfig c in {tmp_path} and The kubeconfig d in {tmp_path} does not"):
        Cluster({"kubeconfig": gone, "context": "current"})


@pytest.mark.parametrize("users", [[], None], ids=["none of the name", "none at all"])
def test_a_context_may_have_no_user(api, users):
    api.on(POD, Answer({"metadata": {"resourceVersion": "7"}}))
    config = kubeconfig(api)
    if users is None:
        del config["users"], config["contexts"][0]["context"]["user"]
    else:
        config["users"] = users
    Cluster({"kubeconfig": config, "context": "current"}).pod("web", "quotas")
    assert "authorization" not in api.requests[0].headers


@pytest.mark.parametrize(("given", "kept"), [({}, False), ({"persist_config": True}, True)])
def test_a_kubeconfig_is_changed_only_where_that_is_asked_for(api, monkeypatch, given, kept):
    load = mock.Mock(side_effect=load_kube_config_from_dict)
    monkeypatch.setattr(module_utils_cluster, "load_kube_config_from_dict", load)
    Cluster({"kubeconfig": kubeconfig(api), "context": "current", **given})
    assert load.call_args.kwargs["persist_config"] is kept


FORBIDDEN = '{"kind": "Status", "message": "pods is forbidden", "code": 403}'


@pytest.mark.parametrize(
    ("status", "reason", "body", "said"),
    [
        (403, "Forbidden", FORBIDDEN, "The cluster refused (403): pods is forbidden"),
        (403, "Forbidden", b"<html>", "The cluster refused (403): Forbidden"),
        (403, "Forbidden", None, "The cluster refused (403): Forbidden"),
        (
            0,
            f"Handshake status 403 -+-+- {{'date': 'x'}} -+-+- {FORBIDDEN}",
            None,
            "The cluster refused (403): pods is forbidden",
        ),
        (0, "Connection refused", None, "The cluster refused (no status): Connection refused"),
    ],
)
def test_what_the_cluster_refuses(status, reason, body, said):
    assert api_sentence(status, reason, body) == said


@pytest.mark.parametrize("found", [[], None, "pod", {}])
def test_what_has_no_version_is_no_object(found):
    with pytest.raises(ValueError, match="^What answers is no API server of Kubernetes"):
        version(found)


def test_why_a_request_failed_is_told_to_a_person():
    refused = ApiException(status=403, reason="Forbidden")
    assert sentence(refused) == "The cluster refused (403): Forbidden"
    refused.body = FORBIDDEN
    assert sentence(refused) == "The cluster refused (403): pods is forbidden"
    assert sentence(HTTPError("timed out")).startswith("The cluster does not answer: ")
    assert sentence(HTTPError("timed out")).endswith("(timed out)")
    assert sentence(ValueError("It is no number.")) == "It is no number."


def said_by(capsys: pytest.CaptureFixture[str], observe: Any, rules: Any = None, **given: Any) -> dict[str, Any]:
    """What a module says that observes this, with the option pod."""
    with patch_module_args(given), pytest.raises(SystemExit):
        run({"pod": {"type": "str"}, "node": {"type": "str"}}, observe, **(rules or {}))
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_module_observes_the_cluster_that_is_named_in_check_mode_too(api, capsys, check_mode):
    def observe(cluster: Cluster) -> dict[str, Any]:
        return {"seen": [cluster.params["pod"], cluster.params["host"], cluster.check_mode]}

    said = said_by(capsys, observe, pod="web", _ansible_check_mode=check_mode, **api.connection())
    assert said["seen"] == ["web", api.url, check_mode]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Problem("It does not end.", exit_code=3), "It does not end."),
        (ApiException(status=403, reason="Forbidden"), "The cluster refused (403): Forbidden"),
        (HTTPError("timed out"), "The cluster does not answer: "),
        (ValueError("It is no number."), "It is no number."),
    ],
)
def test_a_module_fails_with_one_sentence(api, capsys, error, words):
    said = said_by(capsys, mock.Mock(side_effect=error), **api.connection())
    assert said["failed"] is True
    assert said["msg"].startswith(words)
    assert said.get("exit_code") == getattr(error, "seen", {}).get("exit_code")


def test_a_module_has_rules_for_its_options(api, capsys):
    rules = {"mutually_exclusive": [("pod", "node")]}
    said = said_by(capsys, lambda _cluster: {}, rules, pod="web", node="one", **api.connection())
    assert said["msg"].startswith("parameters are mutually exclusive: pod|node")
