# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import Listing, Seen
from ansible_collections.workshop.production_patterns.plugins.modules import pod_processes
from ansible_collections.workshop.production_patterns.plugins.modules.pod_processes import (
    census,
    impersonating,
    observe,
    running_container,
)
from kubernetes.client.exceptions import ApiException

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
        (PODS["ready"], "fetch", r"^Container fetch of pod web is not running but terminated \(Completed\)\.$"),
        (PODS["empty_status"], None, "^Container new of pod new is not running but waiting: wait"),
    ],
)
def test_what_cannot_be_looked_at(pod, name, said):
    with pytest.raises(Problem, match=said):
        running_container(pod, name)


def test_why_it_does_not_run_is_told_in_the_words_of_the_cluster():
    pod = copy.deepcopy(PODS["ready"])
    waiting = {"reason": "CreateContainerError", "message": "exec:\n no such file"}
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": waiting}
    with pytest.raises(
        Problem, match=r"not running but waiting \(CreateContainerError: exec: no such file\): wait until"
    ):
        running_container(pod, "web")


WEB, PROXY, PEEK = "a" * 64, "b" * 64, "c" * 64


def sharing(**spec: Any) -> dict[str, Any]:
    """A pod with a container web, a sidecar proxy and an ephemeral container peek."""
    pod: dict[str, Any] = copy.deepcopy(PODS["ready"])
    target = spec.pop("target", None)
    pod["spec"] |= spec | {"ephemeralContainers": [{"name": "peek", "targetContainerName": target}]}
    pod["status"]["initContainerStatuses"][1]["containerID"] = f"containerd://{PROXY}"
    pod["status"]["containerStatuses"][0]["containerID"] = f"containerd://{WEB}"
    running = {"running": {"startedAt": "2026-01-31T12:00:09Z"}}
    pod["status"]["ephemeralContainerStatuses"] = [
        {"name": "peek", "state": running, "containerID": f"containerd://{PEEK}"}
    ]
    return pod


def seen(pid: int, cgroup: str) -> Seen:
    process: Any = {"pid": pid, "ppid": 0, "state": "S", "name": "sleep", "command": f"sleep {pid}"}
    return Seen(process, False, cgroup)


def told(pod: dict[str, Any], container: str, shell: str, *cgroups: str, zombies: Any = frozenset()) -> dict[str, Any]:
    return census(pod, container, Listing([seen(pid, cgroup) for pid, cgroup in enumerate(cgroups, 1)], zombies, shell))


def owners(result: dict[str, Any]) -> list[tuple[int, str]]:
    return [(process["pid"], process["container"]) for process in result["processes"]]


def test_a_container_has_its_processes_to_itself():
    # Whatever its control groups are called, such as those that systemd makes in it.
    result = told(sharing(), "web", "0::/\n", "0::/init.scope\n", "0::/x\n", "")
    assert owners(result) == [(1, "web"), (2, "web"), (3, "web")]
    assert result["process_namespace"] == "container"
    assert result["pid1"]["pid"] == 1


# In a namespace of control groups, on a node that has them by name, and with those of version 1.
OWN = [
    ("0::/\n", f"0::/../cri-containerd-{PROXY}.scope\n", "0::/../pause\n", "0::/child\n"),
    (
        f"0::/kubepods/pod1/{WEB}\n",
        f"0::/kubepods/pod1/{PROXY}\n",
        "0::/init.scope\n",
        f"0::/kubepods/pod1/{WEB}/child\n",
    ),
    (f"9:pids:/pod1/{WEB}\n1:cpu:/pod1/{WEB}\n", f"9:pids:/pod1/{PROXY}\n", "9:pids:/\n", f"9:pids:/pod1/{WEB}\n"),
]


@pytest.mark.parametrize(("kind", "spec"), [("pod", {"shareProcessNamespace": True}), ("node", {"hostPID": True})])
@pytest.mark.parametrize(("own", "other", "nobody", "child"), OWN, ids=["private", "host", "version 1"])
def test_of_shared_processes_those_of_the_named_container_are_listed(kind, spec, own, other, nobody, child):
    result = told(sharing(**spec), "web", own, nobody, other, own, child, zombies=frozenset({2, 3}))
    assert owners(result) == [(3, "web"), (4, "web")]
    assert (result["process_namespace"], result["pid1"], result["zombies"]) == (kind, None, 1)


def test_an_ephemeral_container_shows_its_target():
    result = told(sharing(target="web"), "peek", "0::/\n", f"0::/../{WEB}\n", f"0::/../{PROXY}\n", "0::/\n")
    assert owners(result) == [(1, "web"), (3, "peek")]
    assert (result["process_namespace"], result["pid1"]["container"]) == ("target", "web")


def test_an_ephemeral_container_without_a_target_is_as_any_other():
    assert told(sharing(), "peek", "0::/\n", "0::/\n")["process_namespace"] == "container"


def test_a_zombie_that_nobody_could_wait_for_is_not_counted():
    assert told(sharing(), "web", "0::/\n", "0::/\n", zombies=None)["zombies"] is None


@pytest.mark.parametrize("shell", ["", f"0::/kubepods/pod1/{'d' * 64}\n", "9:pids:/\n"])
def test_whose_they_are_may_not_be_known(shell):
    with pytest.raises(
        Problem, match=r"^Container web of pod web shares its processes \(pod\), and the control groups"
    ):
        told(sharing(shareProcessNamespace=True), "web", shell, shell)


def test_the_socket_carries_the_impersonation_and_nothing_else():
    class Socket:
        def connect(self, url, **options):
            self.connected = (url, options)

    headers = {"User-Agent": "x", "Impersonate-User": "jane", "Impersonate-Group": "readers"}
    socket = impersonating(Socket, headers)()
    socket.connect("wss://x", header=["authorization: y"], timeout=3)
    assert socket.connected == (
        "wss://x",
        {"header": ["authorization: y", "Impersonate-User: jane", "Impersonate-Group: readers"], "timeout": 3},
    )


class Exec:
    """An exec that has printed this, and ended with this status."""

    def __init__(self, output: str, errors: str, status: Any, hangs: bool = False) -> None:
        self.output, self.errors, self.hangs = output, errors, hangs
        self.status = json.dumps(status) if status else ""
        self.closed = False

    def run_forever(self, timeout):
        assert timeout == 60

    def is_open(self):
        return self.hangs

    def close(self):
        self.closed = True

    # It has ended, so there is nothing to wait for.
    def read_stdout(self, timeout):
        assert timeout == 0
        return self.output

    def read_stderr(self, timeout):
        assert timeout == 0
        return self.errors

    def read_channel(self, channel):
        assert channel == 3
        return self.status


class FakeCluster:
    def __init__(self, container: str | None = None) -> None:
        self.params = {"pod": "web", "namespace": "shop", "container": container}
        self.client = SimpleNamespace(default_headers={})

    def pod(self, name, namespace):
        assert (name, namespace) == ("web", "shop")
        return PODS["ready"], "900"


@pytest.fixture
def look(monkeypatch):
    def look(said: Any, named: str | None = None) -> dict[str, Any]:
        cluster = FakeCluster(named)
        websocket = pod_processes.ws_client.WebSocket

        def stream(method, pod, namespace, container, command, **options):
            assert method.__name__ == "connect_get_namespaced_pod_exec"
            assert method.__self__.api_client is cluster.client
            assert (pod, namespace, container) == ("web", "shop", named or "web")
            assert command[:2] == ["/bin/sh", "-c"]
            # Nothing is typed, and what the two streams say is not mixed.
            assert options == {
                "stdout": True,
                "stderr": True,
                "stdin": False,
                "tty": False,
                "_preload_content": False,
            }
            assert issubclass(pod_processes.ws_client.WebSocket, websocket)
            if isinstance(said, Exception):
                # As the client does with a refusal.
                try:
                    raise said
                except ApiException as error:
                    error.body.decode()
            return said

        monkeypatch.setattr(pod_processes, "stream", stream)
        # It is set for the process, which a module has to itself.
        monkeypatch.setattr(pod_processes.ws_client, "WebSocket", pod_processes.ws_client.WebSocket)
        return observe(cluster)

    return look


STATUS = "Name:\tsleep\nState:\tS (sleeping)\nPid:\t1\nPPid:\t0\n"
LISTED = f"20\036{STATUS}\0370::/\n\037sleep\0001000\0"
NO_SHELL = 'error executing command in container: exec: "sh": executable file not found in $PATH'


def test_what_was_listed(look):
    result = look(Exec(LISTED + "\004", "", {"status": "Success"}))
    assert (result["changed"], result["pid1"]["command"], result["zombies"]) == (False, "sleep 1000", 0)


def test_a_container_can_be_named(look):
    result = look(Exec(LISTED + "\004", "", {"status": "Success"}), named="proxy")
    assert [process["container"] for process in result["processes"]] == ["proxy"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Exec("", "", {"status": "Failure", "message": NO_SHELL}), NO_SHELL),
        (Exec("", "", {"status": "Failure", "message": "container is paused"}), "looked into: container is paused."),
        (Exec("20\036\037\037\004", "sh: 1: cat: not found\n", {"status": "Success"}), "sh: 1: cat: not found."),
        (Exec("", "", None), "looked into: the connection ended early."),
        (Exec(LISTED, "", None), "was cut short: look again. (the connection ended early)"),
        (
            Exec(LISTED, "", {"status": "Failure", "message": "exit code 137"}),
            "was cut short: look again. (exit code 137)",
        ),
    ],
)
def test_an_exec_that_fails_says_what_the_runtime_said(look, said, told):
    with pytest.raises(Problem) as problem:
        look(said)
    assert told in str(problem.value)


NO_BIN_SH = 'exec: "/bin/sh": stat /bin/sh: no such file or directory'


@pytest.mark.parametrize(
    ("first", "second", "commands", "pids"),
    [
        (("", NO_BIN_SH), (LISTED + "\004", ""), ["/bin/sh", "sh"], [1]),
        # There is none, or /bin/sh did run: what it says is about the first.
        (("", NO_BIN_SH), ("", NO_SHELL), ["/bin/sh", "sh"], "stat /bin/sh: no such file"),
        (("20\036\037\037\004", "/bin/sh: cat: not found"), None, ["/bin/sh"], "cat: not found"),
        (("", "container is paused"), None, ["/bin/sh"], "container is paused"),
        (("", NO_BIN_SH), ("20\036\037\037\004", "sh: cat: not found"), ["/bin/sh", "sh"], "sh: cat: not found"),
    ],
)
def test_a_shell_may_stand_where_only_the_path_of_the_container_knows(monkeypatch, first, second, commands, pids):
    asked: list[str] = []

    def execute(_cluster, pod, container, command, _where):
        assert (pod, container, command[1]) == ("web", "web", "-c")
        assert command[2].endswith(pod_processes.LISTING)
        asked.append(command[0])
        return pod_processes.Said(*[first, second][len(asked) - 1])

    monkeypatch.setattr(pod_processes, "execute", execute)
    if isinstance(pids, str):
        with pytest.raises(Problem, match=pids):
            observe(FakeCluster())
    else:
        assert [process["pid"] for process in observe(FakeCluster())["processes"]] == pids
    assert asked == commands


def test_a_look_that_hangs_ends(look):
    hanging = Exec(LISTED, "", None, hangs=True)
    with pytest.raises(Problem, match="did not list its processes within 60 seconds"):
        look(hanging)
    assert hanging.closed


def test_a_refusal_stays_one_though_the_client_stumbles_over_it(look):
    with pytest.raises(ApiException) as refused:
        look(ApiException(status=0, reason="Handshake status 403 Forbidden"))
    assert "403" in refused.value.reason
