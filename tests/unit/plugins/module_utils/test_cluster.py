# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    Cluster,
    api_sentence,
    kubeconfig_sentence,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem


def cluster(**options: Any) -> Cluster:
    unset = dict.fromkeys(("kubeconfig", "context", "host"))
    return Cluster(SimpleNamespace(params={**unset, **options}, check_mode=False))


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    for name in ("KUBECONFIG", "CONTEXT", "HOST"):
        monkeypatch.delenv(f"K8S_AUTH_{name}", raising=False)


@pytest.mark.parametrize("options", [{}, {"kubeconfig": "/dev/null"}, {"kubeconfig": {"current-context": "mine"}}])
def test_the_current_context_is_never_followed(options):
    with pytest.raises(Problem, match="^No cluster is named"):
        cluster(**options)


def test_a_kubeconfig_that_is_missing(tmp_path):
    with pytest.raises(Problem, match=f"kubeconfig gone in {tmp_path} does not exist"):
        cluster(kubeconfig=str(tmp_path / "gone"), context="kind-workshop")


def test_a_kubeconfig_without_the_context():
    said = "Invalid kube-config file. Expected object with name kind-x in /tmp/config/contexts list"
    assert kubeconfig_sentence("The kubeconfig", "kind-x", said).startswith("The kubeconfig has no context kind-x:")
    assert kubeconfig_sentence("The kubeconfig", "kind-x", "no YAML") == "The kubeconfig can't be used: no YAML"


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
