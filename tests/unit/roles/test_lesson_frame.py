# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The frame of the lessons, around a lesson that needs no cluster."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
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


class Shown(t.NamedTuple):
    """A lesson that was shown."""

    code: int
    output: str

    @property
    def end(self) -> str:
        """What its last failed task says."""
        return self.output[self.output.rindex("Task failed: ") :].split("\n", 1)[0]


def in_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> Shown:
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
    return Shown(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.replace("\r\n", "\n"))


@pytest.fixture
def show(tmp_path: Path) -> t.Callable[..., Shown]:
    """Shows a lesson whose verify has the given tasks, in a collection that is made of the frame and it."""

    def run(
        *verify: dict[str, t.Any],
        rest: bool = True,
        steps: list[str] | None = None,
        teach: bool = False,
        terminal: bool = False,
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
        variables = {"_lesson_name": "probe", **({"_lesson_steps": steps} if steps else {})}
        shared = {
            "workshop_teach": teach,
            "workshop_kubeconfig": KUBECONFIG,
            "workshop_context": "nowhere",
            "workshop_namespace_prefix": "probe-",
            "ansible_python_interpreter": sys.executable,
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
            return in_terminal(command, tmp_path, environment)
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
        return Shown(process.returncode, process.stdout)

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
    look = {"name": "Look", "workshop.production_patterns.pod_outcome": {"namespace": "probe", "name": "probe"}}
    shown = show(look)
    assert shown.code == 2
    assert "/nowhere" in shown.end


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
