# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Whatever is wrong with what a module is given or meets, one sentence says what, and nothing was changed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import typing as t
from pathlib import Path

import pytest
from api_server import Answer, ApiServer, listing, status

ROOT = Path(__file__).parents[3]
PREFIX = "workshop.production_patterns."
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
POD = {"namespace": "shop", "pod": "web"}
CLIENT = {"namespace": "shop", "pods": ["web"]}
PODS = {"pods": {"namespace": "shop"}, "for": "pods", "seconds": 1}
TOOLCHAIN = {"version": "1.26.8", "checksums": {"amd64": "h1:x"}, "path": "/nowhere"}
RIGHT_OPTIONS: dict[str, dict[str, t.Any]] = {
    "circuit_breaker": POD,
    "claim": {"shows": "pattern", "observed": {"a": 1}, "that": "a == 1"},
    "container_processes": {"container": "web"},
    "container_stop": {"container": "web"},
    "go_toolchain": TOOLCHAIN,
    "image_contents": {"image": "web"},
    "pod_outcome": POD,
    "pod_processes": POD,
    "pod_stop": POD,
    "preflight": {},
    "report_pages": {"claims": "/nowhere/claims.json"},
    "traffic": CLIENT,
    "watch": PODS,
}

# Module, what is wrong with its options, and what the sentence says. The API server knows no pod, the engine nothing.
WRONG_OPTIONS: list[tuple[str, dict[str, t.Any], str]] = [
    ("circuit_breaker", {"pod": "web"}, "namespace"),
    ("circuit_breaker", {**POD, "behaviour": "sleepy"}, "healthy"),
    ("circuit_breaker", {"namespace": "shop"}, "label_selectors"),
    ("circuit_breaker", {**POD, "for": "state", "seconds": 0}, "seconds"),
    ("circuit_breaker", {**POD, "for": "state >", "seconds": 1}, "no expression"),
    ("circuit_breaker", {**POD, "port": 0}, "port"),
    ("claim", {"shows": "pattern", "observed": {"a": 1}}, "that"),
    ("claim", {"shows": "both", "observed": {"a": 1}, "that": "a == 1"}, "antipattern"),
    ("claim", {"shows": "pattern", "observed": {}, "that": "a == 1"}, "no evidence"),
    ("claim", {"shows": "pattern", "observed": {"a": 1}, "that": []}, "one or more conditions"),
    ("container_processes", {}, "container"),
    ("container_processes", {"container": ""}, "container"),
    ("container_stop", {"container": ""}, "container"),
    ("container_stop", {"container": "web", "grace_seconds": "soon"}, "grace_seconds"),
    ("go_toolchain", {"version": "1.26.8"}, "checksums"),
    ("go_toolchain", {**TOOLCHAIN, "version": "newest"}, "newest"),
    ("image_contents", {}, "image"),
    ("image_contents", {"image": ""}, "image"),
    ("image_contents", {"image": "web", "read": ["etc/passwd"]}, "etc/passwd"),
    ("image_contents", {"image": "web"}, "There is no image web"),
    ("container_stop", {"container": "web"}, "There is no container web"),
    ("container_processes", {"container": "web"}, "There is no container web"),
    ("pod_outcome", {}, "namespace"),
    ("pod_outcome", {"namespace": "a/b"}, "a/b"),
    ("pod_processes", {"namespace": "shop"}, "pod"),
    ("pod_stop", {**POD, "grace_seconds": -1}, "grace_seconds"),
    ("pod_stop", {**POD, "timeout": 0}, "timeout"),
    ("preflight", {"reach": "perhaps"}, "reach"),
    ("report_pages", {}, "claims"),
    ("report_pages", RIGHT_OPTIONS["report_pages"], "/nowhere/claims.json"),
    ("traffic", {"pods": ["web"]}, "namespace"),
    ("traffic", {**CLIENT, "pods": []}, "pods"),
    ("traffic", {**CLIENT, "since": 20.0, "until": 10.0}, "until"),
    ("traffic", {**CLIENT, "for": "pods", "seconds": 0}, "seconds"),
    ("watch", {"for": "pods", "seconds": 1}, "give jobs or pods"),
    ("watch", {**PODS, "jobs": {"namespace": "shop"}}, "mutually exclusive"),
    ("watch", {**PODS, "seconds": 0}, "seconds is 0"),
    ("watch", {**PODS, "for": "pods >"}, "no expression"),
    ("watch", {**PODS, "for": []}, "one or more conditions"),
    *((module, {**options, "colour": "red"}, "colour") for module, options in RIGHT_OPTIONS.items()),
]
OF_CLUSTER = [module for module in MODULES if RIGHT_OPTIONS[module] in (POD, PODS, CLIENT)]
OF_ENGINE = ["container_processes", "container_stop", "image_contents"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, t.Any]]:
    """What all the modules say in one play, by the names of the cases."""
    folder = tmp_path_factory.mktemp("bad-input")
    api = ApiServer()
    api.on("/api/v1/namespaces/shop/pods/web", status(404, 'pods "web" not found'))
    api.on("/api/v1/namespaces/shop/pods", status(403, "pods is forbidden"))
    api.on("/api/v1/namespaces/shop/events", listing())
    # An engine that knows no container and no image says so in the same way.
    api.on("/version", Answer({"ApiVersion": "1.41"}))
    engine = {"docker_host": api.url.replace("http", "tcp")}
    connections = {**dict.fromkeys(OF_CLUSTER, api.connection()), **dict.fromkeys(OF_ENGINE, engine)}
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        cases = {f"{number}": (module, options) for number, (module, options, _said) in enumerate(WRONG_OPTIONS)}
        for module in OF_CLUSTER:
            options = RIGHT_OPTIONS[module]
            cases[f"{module} not there"] = module, options
            cases[f"{module} unreachable"] = module, {**options, "host": f"http://127.0.0.1:{closed}"}
            cases[f"{module} ambiguous"] = module, {**options, "context": "kind-workshop"}
        for module in OF_ENGINE:
            options = RIGHT_OPTIONS[module]
            cases[f"{module} unreachable"] = module, {**options, "docker_host": f"tcp://127.0.0.1:{closed}"}
            cases[f"{module} no address"] = module, {**options, "docker_host": "nonsense"}
        tasks = [
            {
                "name": name,
                PREFIX + module: {**connections.get(module, {}), **options},
                "register": f"answer_{number}",
                "ignore_errors": True,
            }
            for number, (name, (module, options)) in enumerate(cases.items())
        ]
        result = folder / "answers.json"
        collect = ", ".join(f"{name!r}: answer_{number}" for number, name in enumerate(cases))
        content = "{{ {" + collect + "} | to_json }}"
        tasks.append({"name": "Keep", "ansible.builtin.copy": {"dest": str(result), "content": content}})
        playbook = folder / "play.yml"
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        subprocess.run(
            ["ansible-playbook", str(playbook)],
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "K8S_AUTH_HOST": "", "HOME": str(folder)},
            cwd=folder,
            check=True,
            timeout=300,
            capture_output=True,
        )
        api.close()
    return t.cast(dict[str, dict[str, t.Any]], json.loads(result.read_text()))


def sentence(answer: dict[str, t.Any]) -> str:
    """What a failed task says, which is to be one line that a person understands."""
    assert answer.get("failed") is True, answer
    assert not answer.get("changed"), answer
    said: str = answer["msg"]
    assert "Traceback" not in json.dumps(answer)
    assert "\n" not in said.strip(), said
    assert "<" not in said or "object at" not in said, said
    return said


@pytest.mark.parametrize("number", range(len(WRONG_OPTIONS)), ids=lambda number: f"{WRONG_OPTIONS[number][0]}-{number}")
def test_a_wrong_option(answers, number):
    assert WRONG_OPTIONS[number][2] in sentence(answers[str(number)])


@pytest.mark.parametrize("module", [module for module in OF_CLUSTER if module != "watch"])
def test_a_pod_that_is_not_there(answers, module):
    said = sentence(answers[f"{module} not there"])
    assert "web" in said and "shop" in said


def test_a_watch_that_is_forbidden(answers):
    assert "forbidden" in sentence(answers["watch not there"])


@pytest.mark.parametrize("module", OF_CLUSTER)
def test_an_api_that_cannot_be_reached(answers, module):
    assert "127.0.0.1" in sentence(answers[f"{module} unreachable"])


@pytest.mark.parametrize("module", OF_CLUSTER)
def test_two_clusters_at_once(answers, module):
    assert "context" in sentence(answers[f"{module} ambiguous"])


@pytest.mark.parametrize("module", OF_ENGINE)
def test_an_engine_that_cannot_be_reached(answers, module):
    assert "127.0.0.1" in sentence(answers[f"{module} unreachable"])


@pytest.mark.parametrize("module", OF_ENGINE)
def test_an_engine_that_has_no_address(answers, module):
    assert "nonsense" in sentence(answers[f"{module} no address"])


def test_every_module_is_in_the_table():
    assert {module for module, _options, _said in WRONG_OPTIONS} == set(MODULES)
