# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.modules.pod_processes import running_container

PODS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "module_utils" / "pods.yml").read_text())


def several() -> dict[str, Any]:
    pod: dict[str, Any] = yaml.safe_load(yaml.safe_dump(PODS["ready"]))
    pod["spec"]["containers"].append({"name": "log"})
    return pod


def test_the_only_container_is_meant():
    assert running_container(PODS["ready"], None) == "web"


def test_a_sidecar_can_be_named():
    assert running_container(PODS["ready"], "proxy") == "proxy"


@pytest.mark.parametrize(
    ("pod", "name", "said"),
    [
        (several(), None, r"^Pod web has several containers: name one with container \(web, log\)\.$"),
        (PODS["ready"], "gone", "^Pod web has no container gone: it has fetch, proxy, web.$"),
        (PODS["ready"], "fetch", r"^Container fetch of pod web is not running but terminated \(Completed\)"),
        (PODS["empty_status"], None, "^Container new of pod new is not running but waiting: wait"),
    ],
)
def test_what_cannot_be_looked_at(pod, name, said):
    with pytest.raises(Problem, match=said):
        running_container(pod, name)
