# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The frame of the lessons, around a lesson that needs no cluster. The frame itself asks one that is made up."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import sysconfig
import typing as t
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
KUBECONFIG = "/nowhere/kubeconfig"


def claim(sentence: str, that: str) -> dict[str, t.Any]:
    arguments = {"shows": "pattern", "observed": {"seconds": 5}, "that": that}
    return {"name": sentence, "workshop.production_patterns.claim": arguments}


def say(word: str) -> dict[str, t.Any]:
    return {"name": f"Say {word}", "ansible.builtin.debug": {"msg": f"It is {word}."}}


BREAK = {"name": "Break", "ansible.builtin.fail": {"msg": "No pod."}}
HOLDS = claim("It holds", "seconds == 5")
FALLS = claim("It falls", "seconds == 6")
FALLS_TOO = claim("It falls too", "seconds == 7")
RESTED = "It is rested."
DEPLOYED = "It is deployed."

# Stands for the modules of kubernetes.core: notes what was asked, and knows the namespaces of an earlier run.
CLUSTER = """
from __future__ import annotations

import json
import pathlib

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        with pathlib.Path(task_vars["cluster_asked"]).open("a") as asked:
            print(json.dumps({"action": self._task.action, **self._task.args}), file=asked)
        found = [{"metadata": {"name": name}} for name in task_vars["cluster_namespaces"]]
        return {"changed": False, "resources": found}
"""


class Shown(t.NamedTuple):
    """A lesson that was shown."""

    code: int
    output: str
    asked: list[dict[str, t.Any]]
    """What the frame asked of the cluster."""

    @property
    def deleted(self) -> list[tuple[str, str]]:
        """What the frame deleted: kinds with the namespace that they were in, or that it was."""
        tasks = [task for task in self.asked if task.get("state") == "absent"]
        return [(task["kind"], task.get("namespace") or task["name"]) for task in tasks]

    @property
    def end(self) -> str:
        """What its last failed task says."""
        return self.output[self.output.rindex("Task failed: ") :].split("\n", 1)[0]


def in_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a playbook in a terminal, in front of which a person presses Enter whenever they are asked to."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(command[0], command, environment)
    output = ""
    with suppress(OSError), os.fdopen(terminal, "rb+", buffering=0) as person:
        while True:
            if select.select([person], [], [], 0.2)[0]:
                if not (part := person.read(4096)):
                    break
                output += part.decode(errors="replace")
            elif output.rstrip().endswith("Press Enter to see what was measured."):
                # What is pressed before it listens is forgotten, so a person presses again.
                person.write(b"\r")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.replace("\r\n", "\n")


@pytest.fixture
def show(tmp_path: Path) -> t.Callable[..., Shown]:
    """Shows a lesson whose verify has the given tasks, in a collection that is made of the frame and it."""

    def run(
        *verify: dict[str, t.Any],
        rest: bool = True,
        steps: list[str] | None = None,
        teach: bool = False,
        terminal: bool = False,
        shown_before: list[str] | None = None,
    ) -> Shown:
        collection = tmp_path / "ansible_collections/workshop/production_patterns"
        shutil.copytree(ROOT / "roles/_lesson", collection / "roles/_lesson")
        shutil.copytree(ROOT / "meta", collection / "meta")
        (collection / "plugins").symlink_to(ROOT / "plugins")
        files = {"main": [say("deployed")], "verify": list(verify), **({"rest": [say("rested")]} if rest else {})}
        for name, tasks in files.items():
            path = collection / f"roles/probe/tasks/{name}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(tasks, sort_keys=False))
        cluster = tmp_path / "ansible_collections/kubernetes/core"
        stubs = ["k8s", "k8s_exec", "k8s_info", "k8s_log"]
        for name in stubs:
            path = cluster / f"plugins/action/{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(CLUSTER)
        real = Path(sysconfig.get_path("purelib"), "ansible_collections/kubernetes/core/plugins/module_utils")
        (cluster / "plugins/module_utils").symlink_to(real)
        (cluster / "meta").mkdir()
        (cluster / "meta/runtime.yml").write_text(yaml.safe_dump({"action_groups": {"k8s": stubs}}))
        variables = {"_lesson_name": "probe", **({"_lesson_steps": steps} if steps else {})}
        shared = {
            "workshop_teach": teach,
            "workshop_kubeconfig": KUBECONFIG,
            "workshop_context": "nowhere",
            "workshop_namespace_prefix": "probe-",
            "ansible_python_interpreter": sys.executable,
            "cluster_asked": str(tmp_path / "asked"),
            "cluster_namespaces": shown_before or [],
        }
        include = {"name": "workshop.production_patterns._lesson", "tasks_from": "show"}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": shared,
            "tasks": [{"ansible.builtin.include_role": include, "vars": variables}, say("over")],
        }
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "play.yml"]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_NOCOLOR": "1",
            "TERM": "dumb",
        }
        if terminal:
            code, output = in_terminal(command, tmp_path, environment)
        else:
            process = subprocess.run(
                command,
                cwd=tmp_path,
                env=environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            code, output = process.returncode, process.stdout
        asked = (tmp_path / "asked").read_text().splitlines()
        return Shown(code, output, [json.loads(line) for line in asked])

    return run


def test_a_lesson_whose_claims_hold_comes_to_its_rest(show) -> None:
    shown = show(HOLDS)
    assert shown.code == 0, shown.output
    assert shown.output.index(DEPLOYED) < shown.output.index("It holds") < shown.output.index(RESTED)
    assert "It is over." in shown.output


def test_a_lesson_goes_on_after_a_claim_that_falls_and_ends_failed_with_all_that_fell(show) -> None:
    shown = show(FALLS, HOLDS, FALLS_TOO)
    assert shown.code == 2, shown.output
    assert shown.output.index("...ignoring") < shown.output.index(
        "TASK [workshop.production_patterns.probe : It holds]"
    )
    assert '"It falls" does not hold: "seconds == 6" is false, observed seconds=5.' in shown.output
    assert shown.end.endswith("The lesson probe failed: 2 of its claims fell: It falls; It falls too")
    assert shown.output.index("The lesson probe failed") < shown.output.index(RESTED)
    assert "It is over." not in shown.output


def test_a_task_that_fails_ends_the_lesson_which_names_what_fell_before(show) -> None:
    shown = show(FALLS, BREAK, HOLDS)
    assert shown.code == 2, shown.output
    assert "It holds" not in shown.output
    assert shown.end.endswith("The lesson probe failed: No pod. Before that fell: It falls")
    assert RESTED in shown.output


def test_the_cluster_is_named_once_for_all_tasks_of_a_lesson(show) -> None:
    look = {"name": "Look", "workshop.production_patterns.pod_outcome": {"name": "probe"}}
    shown = show(look)
    assert shown.code == 2
    assert "/nowhere" in shown.end
    for task in shown.asked:
        assert (task["kubeconfig"], task["context"]) == (KUBECONFIG, "nowhere")


def test_what_needs_a_namespace_gets_the_lessons(show) -> None:
    shown = show({"name": "Ask", "kubernetes.core.k8s_exec": {"pod": "probe"}})
    assert shown.code == 0, shown.output
    assert shown.asked[-1]["namespace"] == "probe-probe"


def test_a_lesson_that_was_shown_before_begins_with_nothing_of_that(show) -> None:
    shown = show(HOLDS, shown_before=["probe-probe", "probe-probe-too", "probe-probes", "other-probe"])
    assert shown.code == 0, shown.output
    # The one that is noted as shown goes last, so that a removal that ends half-way is gone on with.
    ours = ["probe-probe-too", "probe-probe"]
    assert shown.deleted == [(kind, name) for kind in ("Job", "Pod", "Namespace") for name in ours]
    assert shown.output.index("Delete them with all that is in them") < shown.output.index(DEPLOYED)


def test_a_lesson_that_was_shown_before_is_deployed_anew_though_it_is_only_to_be_shown(show) -> None:
    shown = show(HOLDS, steps=["verify"], shown_before=["probe-probe"])
    assert shown.code == 0, shown.output
    assert shown.deleted[-1] == ("Namespace", "probe-probe")
    assert shown.output.index(DEPLOYED) < shown.output.index("It holds")


def test_a_lesson_that_is_only_deployed_stays_as_it_was_shown(show) -> None:
    shown = show(HOLDS, steps=["main"], shown_before=["probe-probe"])
    assert shown.code == 0, shown.output
    assert [task["action"] for task in shown.asked] == ["kubernetes.core.k8s_info"]
    assert DEPLOYED in shown.output


def test_a_lesson_is_noted_as_shown_before_anything_of_it_is(show) -> None:
    """A run that ends half-way leaves it to the next one to remove what there is."""
    shown = show(BREAK)
    noted = {"labels": {"workshop.production-patterns/shown": "true"}}
    assert [task["definition"]["metadata"] for task in shown.asked if task.get("state") == "patched"] == [noted]


def test_a_lesson_that_has_nothing_to_stop_needs_no_rest(show) -> None:
    shown = show(HOLDS, rest=False)
    assert shown.code == 0, shown.output


def test_a_lesson_can_be_deployed_without_being_shown(show) -> None:
    shown = show(BREAK, steps=["main"])
    assert shown.code == 0, shown.output
    assert DEPLOYED in shown.output
    assert RESTED not in shown.output


def test_a_lesson_that_is_deployed_can_be_shown(show) -> None:
    shown = show(HOLDS, steps=["verify"])
    assert shown.code == 0, shown.output
    assert DEPLOYED not in shown.output
    assert "It holds" in shown.output
    assert RESTED in shown.output


def test_a_lesson_that_is_taught_stops_before_each_claim(show) -> None:
    shown = show(HOLDS, FALLS, teach=True, terminal=True)
    assert shown.code == 2, shown.output
    question = "Does it hold? Press Enter to see what was measured."
    assert shown.output.count(question) == 2
    first, second = (index for index in range(len(shown.output)) if shown.output.startswith(question, index))
    assert first < shown.output.index("It holds: seconds=5") < second < shown.output.index('"It falls" does not hold')


def test_without_a_terminal_nobody_can_be_asked(show) -> None:
    shown = show(HOLDS, teach=True)
    assert shown.code == 2, shown.output
    assert '"It holds" waits for Enter, and there is no terminal' in shown.output
