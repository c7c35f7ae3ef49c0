# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from ansible.errors import AnsiblePromptNoninteractive
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display
from ansible_collections.workshop.production_patterns.plugins.action.preflight import ROLES, ActionModule
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import settings, surroundings

ROOT = Path(__file__).parents[4]
SHARED = {
    "workshop_taught": ["direct_pods", "logging", "pod_quotas"],
    "workshop_lessons": trust_as_template("{{ workshop_taught }}"),
    "workshop_teach": False,
    "workshop_lab": True,
    "workshop_lab_name": "workshop",
    "workshop_registry_port": 5001,
    "workshop_kubeconfig": trust_as_template("{{ workshop_state_dir }}/kubeconfig"),
    "workshop_context": "kind-workshop",
    "workshop_registry": "localhost:5001",
    "workshop_namespace_prefix": "workshop-",
    "workshop_state_dir": "/tmp/state",
    "workshop_cache_dir": "/tmp/cache",
    "workshop_debian_image": "localhost:5001/workshop/debian:trixie",
    "workshop_busybox_image": "localhost:5001/workshop/busybox:trixie",
}


def check(variables: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """What the action returns for variables as the collection sets them, with those given."""
    task = SimpleNamespace(
        args=arguments, environment=[{"DOCKER_HOST": "unix:///play"}], async_val=0, check_mode=False, action="preflight"
    )
    loader = DataLoader()
    variables = {**SHARED, **(variables or {})}
    action = ActionModule(task, mock.MagicMock(), mock.MagicMock(), loader, Templar(loader, variables))
    return action.run(task_vars=variables)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)


def test_the_roles_are_those_of_this_collection():
    assert (ROOT / "roles").samefile(ROLES)


def test_what_is_in_order_passes():
    result = check()
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is False
    assert result["lessons"] == SHARED["workshop_taught"]


def test_lessons_are_returned_as_taught():
    assert check({"workshop_lessons": "pod_quotas,direct_pods"})["lessons"] == ["direct_pods", "pod_quotas"]


def test_a_clean_up_may_be_of_no_lesson():
    assert check({"workshop_lessons": []}, allow_no_lesson=True)["lessons"] == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"workshop_lesson": "x"}, "Nothing reads the variable workshop_lesson: "),
        ({"workshop_lab": "perhaps"}, "A variable has a value of the wrong kind: "),
        ({"workshop_lessons": []}, "workshop_lessons names no lesson"),
        ({"workshop_teach": True}, "workshop_teach shows one lesson step by step: name it"),
        ({"workshop_lessons": "pod_quotas,"}, "workshop_lessons has an empty name"),
        ({"workshop_namespace_prefix": "_"}, "_direct-pods, "),
        ({"workshop_registry_port": 0}, "workshop_registry_port can't be 0"),
    ],
)
def test_the_first_thing_wrong_is_told(variables: dict[str, Any], said: str):
    result = check(variables)
    assert result["failed"]
    assert result["msg"].startswith(said)


def test_an_environment_that_leads_elsewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("K8S_AUTH_HOST", "https://127.0.0.1:9")
    assert check()["msg"].startswith("K8S_AUTH_HOST in the environment")


def test_the_engine_of_the_play_is_asked_for_the_port(monkeypatch: pytest.MonkeyPatch):
    asked = mock.Mock()
    monkeypatch.setattr(surroundings, "check_port_is_free", asked)
    assert not check(reach=True).get("failed")
    port, registry, environ = asked.call_args.args
    assert (port, registry, environ["DOCKER_HOST"]) == (5001, "workshop-registry", "unix:///play")
    assert "PATH" in environ


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """What surroundings were looked at, and how, one after the other."""
    looked = mock.Mock()
    for name in ("folder", "inotify", "port_is_free", "kubeconfig", "cluster", "registry_answers"):
        monkeypatch.setattr(surroundings, f"check_{name}", getattr(looked, name))
    return looked


def test_what_a_lab_needs_is_there(looked: mock.Mock):
    assert not check(reach=True).get("failed")
    assert looked.mock_calls[:2] == [
        mock.call.folder("workshop_state_dir", Path("/tmp/state")),
        mock.call.folder("workshop_cache_dir", Path("/tmp/cache")),
    ]
    assert [call[0] for call in looked.mock_calls[2:]] == ["port_is_free"]


@pytest.mark.parametrize(
    ("pressed", "said"),
    [(None, None), (AnsiblePromptNoninteractive("no terminal"), "there is no terminal: leave it out here")],
    ids=["somebody", "nobody"],
)
def test_a_lesson_in_front_of_a_class_begins_when_somebody_is_there(looked: mock.Mock, pressed, said):
    teaching = {"workshop_teach": True, "workshop_lessons": "pod_quotas"}
    with mock.patch.object(Display, "prompt_until", side_effect=[pressed]) as asked:
        result = check(teaching, reach=True)
    assert asked.call_count == 1
    assert said in result["msg"] if said else not result.get("failed")


@pytest.mark.parametrize("workers", [1, 3])
def test_more_nodes_need_more_of_the_kernel(looked: mock.Mock, workers: int):
    assert not check({"lab_cluster_workers": workers}, reach=True).get("failed")
    looked.inotify.assert_called_once_with(1 + workers)


def test_a_cluster_that_is_brought_is_there(looked: mock.Mock):
    brought = {
        "workshop_lab": False,
        "workshop_kubeconfig": "/home/me/.kube/config",
        "workshop_context": "staging",
        "workshop_registry": "registry.example.org/workshop",
    }
    assert not check(brought, reach=True).get("failed")
    assert looked.mock_calls[2:] == [
        mock.call.kubeconfig("/home/me/.kube/config", "staging"),
        mock.call.cluster("/home/me/.kube/config", "staging"),
        mock.call.registry_answers("registry.example.org/workshop"),
    ]


def test_a_value_that_cannot_be_worked_out():
    result = check({"workshop_lab_name": trust_as_template("{{ nowhere }}")})
    assert result["failed"]
    assert result["msg"].startswith("The value of workshop_lab_name can't be worked out: ")


def test_the_home_of_this_user_is_not_removed_with_the_lab():
    result = check({"workshop_state_dir": str(Path.home())})
    assert "for your home lies in it" in result["msg"]


def test_nothing_is_looked_at_unless_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surroundings, "check_port_is_free", mock.Mock(side_effect=AssertionError))
    check()


def test_what_playbooks_note_does_not_look_like_a_variable_that_nothing_reads():
    """Or a playbook that checks it could not follow another in one run."""
    text = "\n".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
    noted = re.findall(r"register: (\w+)", text)
    assert noted
    settings.check_names([*noted, "workshop_versions"], settings.documented(ROLES), [])
