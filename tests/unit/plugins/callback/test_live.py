# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Real runs of a playbook with small lessons, with a terminal and without."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import typing as t
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[4]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))


def claim(sentence: str, that: str = "seconds > 5", **options: t.Any) -> dict[str, t.Any]:
    arguments = {"shows": "pattern", "observed": {"seconds": "{{ 5.25 }}"}, "that": that, **options}
    return {"name": sentence, "workshop.production_patterns.claim": arguments}


def fail(name: str, message: str, **keywords: t.Any) -> dict[str, t.Any]:
    return {"name": name, "ansible.builtin.fail": {"msg": message}, **keywords}


def say(name: str, message: t.Any) -> dict[str, t.Any]:
    return {"name": name, "ansible.builtin.debug": {"msg": message}}


WAITS = """
from ansible.plugins.action import ActionBase
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.saying import say

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        say("Waiting 10 seconds at most")
        return {"changed": False}
"""
COLLECTED = {"collect_in": "fell"}
ROLES: dict[str, list[dict[str, t.Any]]] = {
    "lab_engine": [
        {
            "block": [fail("Pull", "no such host")],
            "rescue": [say("Say so in the rescue", "It was not pulled.")],
        },
        say("Say why", "It is made here."),
    ],
    "sidecar": [
        {"block": [fail("Fail on purpose", "expected")], "rescue": [say("Go on", "It is rescued.")]},
        fail("Also on purpose", "also expected", ignore_errors=True),
        fail("Whatever comes", "unnoticed", failed_when=False),
        {"name": "Wait", "wait_long": {}},
        claim("Any burst is taken"),
    ],
    "logging": [
        claim("A line is lost", "seconds > 6", **COLLECTED),
        {**claim("Nobody may see how", "seconds > 6", **COLLECTED), "no_log": True},
        claim("A line is kept", **COLLECTED),
        fail("Say which", "{{ fell.fallen | length }} of its claims fell: {{ fell.fallen | join('; ') }}"),
    ],
    "direct_pods": [
        {"block": [fail("Fail on purpose", "expected")], "rescue": [say("Go on", "It is rescued.")]},
        claim("A pod is gone"),
        {
            "block": [fail("Deploy", "{{ item }}", loop=["no such image", "no such tag"])],
            "rescue": [say("Diagnose", {"pods": ["one"]}), fail("End the lesson", "The lesson failed.")],
            "always": [say("Tidy up", "It is tidy.")],
        },
    ],
    "latest_tag": [claim("It falls for good", "seconds > 7")],
}
LESSONS = [name for name in ROLES if not name.startswith("lab_")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_playbooks(tmp_path)


def with_playbooks(folder: Path, **roles: list[dict[str, t.Any]]) -> Path:
    """A folder with the playbook of some lessons, by default all of the above."""
    for name, tasks in (roles or ROLES).items():
        path = folder / f"roles/{name}/tasks/main.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(tasks, sort_keys=False))
    lessons = [name for name in roles or ROLES if not name.startswith("lab_")]
    include: dict[str, t.Any] = {"name": "Have an engine", "ansible.builtin.include_role": {"name": "lab_engine"}}
    no_cluster = {**include, "name": "Have a cluster", "when": False}
    begin: dict[str, t.Any] = {"hosts": "localhost", "gather_facts": False}
    plays = [
        {
            "name": "Choose the lessons",
            **begin,
            "tasks": [{"ansible.builtin.add_host": {"name": "{{ item }}", "groups": "lessons"}, "loop": lessons}],
        },
        {
            "name": "Bring up the lab",
            **begin,
            "tasks": [include, no_cluster] if "lab_engine" in (roles or ROLES) else [],
        },
        {
            "hosts": "lessons",
            "gather_facts": False,
            "connection": "local",
            "strategy": "host_pinned",
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": [
                {"name": "Go", "ansible.builtin.include_role": {"name": "{{ inventory_hostname }}"}},
                {"name": "End", "ansible.builtin.set_fact": {"workshop_lesson_ended": True}},
            ],
        },
    ]
    (folder / "all.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    other = [{"name": "Something else", **begin, "tasks": [say("Greet", "Hello"), fail("Fail", "It failed.")]}]
    (folder / "other.yml").write_text(yaml.safe_dump(other, sort_keys=False))
    (folder / "ansible.cfg").write_text(
        f"[defaults]\ncollections_path = {ROOT / '.collections'}\nlocalhost_warning = False\n"
        "stdout_callback = workshop.production_patterns.live\ncallback_result_format = yaml\n"
        "[inventory]\ninventory_unparsed_warning = False\n"
    )
    (folder / "action_plugins").mkdir()
    (folder / "action_plugins/wait_long.py").write_text(WAITS)
    (folder / "callback_plugins").mkdir()
    (folder / "callback_plugins/report.py").symlink_to(ROOT / "plugins/callback/report.py")
    return folder


def environment(folder: Path, **variables: str) -> dict[str, str]:
    ours = ("ANSIBLE_", "NO_COLOR", "PYTHONUNBUFFERED")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "COLUMNS": "100", **variables}


def in_pipe(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a playbook without a terminal, one lesson after the other, and give its exit code and what it printed."""
    process = subprocess.run(
        [PLAYBOOK, "-f", "1", *arguments],
        cwd=folder,
        env=environment(folder, ANSIBLE_NOCOLOR="1", **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Callback dispatch" not in process.stdout, process.stdout
    return process.returncode, process.stdout


def in_terminal(
    folder: Path,
    *arguments: str,
    answers: bool = False,
    interrupt_at: str = "",
    size: tuple[int, int] = (30, 100),
    **variables: str,
) -> tuple[int, str]:
    """Run a playbook in a terminal of so many lines and columns, and give its exit code and all that it wrote there.

    :param answers: Whether a person presses Enter when they are asked to.
    :param interrupt_at: The text at whose sight they press Ctrl-C.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.chdir(folder)
        given = environment(folder, **{"TERM": "xterm", **variables})
        del given["COLUMNS"]
        os.execve(PLAYBOOK, [PLAYBOOK, *arguments], given)
    written, deadline = "", time.monotonic() + 120
    with suppress(OSError), os.fdopen(terminal, "rb+", buffering=0) as person:
        while time.monotonic() < deadline:
            if select.select([person], [], [], 0.2)[0]:
                if not (part := person.read(4096)):
                    break
                written += part.decode(errors="replace")
            elif answers and plain(written).rstrip().endswith("Press Enter to see what was measured."):
                # What is pressed before it listens is forgotten, so a person presses again.
                person.write(b"\r")
            if interrupt_at and interrupt_at in written:
                person.write(b"\x03")
                interrupt_at = ""
    # Its terminal is closed, which ends it if it has not ended.
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), written


def plain(written: str) -> str:
    """What was written to a terminal without what moves its cursor or colours it."""
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", written).replace("\r\n", "\n")


def without_times(text: str) -> str:
    return re.sub(r"\([0-9.]+ s\)", "(… s)", text)


def before_the_summary(output: str) -> str:
    return output.partition("\nCLAIMS **")[0]


@pytest.fixture(scope="module")
def piped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of a run without a terminal."""
    folder = with_playbooks(tmp_path_factory.mktemp("piped"))
    code, output = in_pipe(folder, "all.yml")
    assert code == 2, output
    return folder, output


def test_without_a_terminal_there_is_a_line_for_each_claim_and_each_end_and_failures_are_whole(piped) -> None:
    _folder, output = piped
    shown = without_times(before_the_summary(output))
    lines = [line for line in shown.splitlines() if line]
    begin = next(number for number, line in enumerate(lines) if line.startswith("TASK [direct_pods : Deploy]"))
    end = lines.index("✗ direct_pods failed: 1 claim holds (… s)")
    assert lines[:begin] + lines[end:] == [
        "Ansible's own output is in workshop-report/all.log; -v shows it here.",
        "✓ Choose the lessons (… s)",
        "It is made here.",
        "✓ Have an engine (… s)",
        "✓ sidecar: Any burst is taken",
        "✓ sidecar held: 1 claim holds (… s)",
        '✗ logging: "A line is lost" does not hold: "seconds > 6" is false, observed seconds=5.25.',
        '✗ logging: "Nobody may see how" does not hold; no_log hides why.',
        "✓ logging: A line is kept",
        "✗ logging failed: 1 claim holds, 2 fell (… s)",
        "✓ direct_pods: A pod is gone",
        "✗ direct_pods failed: 1 claim holds (… s)",
        "direct_pods: It is tidy.",
        '✗ latest_tag: "It falls for good" does not hold: "seconds > 7" is false, observed seconds=5.25.',
        "✗ latest_tag failed: 0 claims hold, 1 fell (… s)",
    ]
    failure = "\n".join(lines[begin:end])
    for said in "(item=no such image)", "(item=no such tag)", "[ERROR]: Task failed: Action failed: no such tag":
        assert said in failure
    assert failure.index("no such tag") < failure.index("TASK [direct_pods : Diagnose]") < failure.index("- one")
    assert "rescued" not in shown
    assert "The lesson failed." not in shown


def test_a_stage_that_fails_is_told_whole_with_its_sentence(tmp_path) -> None:
    tidy = say("Tidy up", ["tidy"])
    broken = {"block": [fail("Start it", "{{ item }}", loop=["no engine"])], "always": [tidy]}
    folder = with_playbooks(tmp_path, lab_engine=[broken], sidecar=[claim("It serves")])
    code, output = in_pipe(folder, "all.yml")
    assert code == 2
    shown = [line for line in without_times(before_the_summary(output)).splitlines() if line]
    assert shown[:2] == [
        "Ansible's own output is in workshop-report/all.log; -v shows it here.",
        "✓ Choose the lessons (… s)",
    ]
    assert shown[2].startswith("TASK [lab_engine : Start it] ***")
    assert "    msg: no engine" in shown
    ended = shown.index("✗ Have an engine (… s)")
    assert shown[ended + 1].startswith("TASK [lab_engine : Tidy up] ***")
    assert shown[ended + 2 :] == ["ok: [localhost] => ", "    msg:", "    - tidy"]
    assert "sidecar: not run" in output


def test_the_end_of_a_lesson_is_not_kept_until_another_goes_on(tmp_path) -> None:
    wait = {"name": "Wait", "ansible.builtin.command": "sleep 10"}
    folder = with_playbooks(tmp_path, logging=[wait], sidecar=[claim("It serves")])
    command = [PLAYBOOK, "all.yml"]
    with subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "sidecar held" not in process.stdout.readline():
            assert process.poll() is None
        seen = time.monotonic()
        process.stdout.read()
    assert time.monotonic() - seen > 5


def test_the_summary_of_the_report_is_as_ever(piped) -> None:
    _folder, output = piped
    summary = output[output.index("CLAIMS **") :]
    assert "  ✗ Deploy: no such image" in summary
    assert output.rstrip().endswith("report: workshop-report/index.html")


def test_the_log_is_what_ansible_prints_by_itself(piped, folder) -> None:
    _code, default = in_pipe(folder, "all.yml", ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default")
    log = (piped[0] / "workshop-report/all.log").read_text()

    def lines(text: str) -> list[str]:
        text = re.sub(r"^\d\d:\d\d:\d\d ", "", text, flags=re.MULTILINE)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+", "…", text)
        text = re.sub(r"\(?\d+\.\d+ s\)?", "… s", text).replace(str(piped[0]), str(folder))
        return [line.rstrip() for line in text.split("\nCLAIMS **")[0].splitlines() if line.strip()]

    assert lines(log) == lines(default)
    assert "Waiting 10 seconds at most" in lines(log)
    assert lines(log)[-5:] == [line.rstrip() for line in default.split("PLAY RECAP")[1].splitlines()[1:6]]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a run writes to a terminal, one of whose lessons takes longer than it is from one drawing to the next."""
    slow = [{"name": "Take a while", "ansible.builtin.command": "sleep 3"}, *ROLES["sidecar"]]
    code, written = in_terminal(
        with_playbooks(tmp_path_factory.mktemp("drawn"), **{**ROLES, "sidecar": slow}), "all.yml"
    )
    assert code == 2, written
    return written


def test_in_a_terminal_the_lessons_are_lines_that_stay_as_they_ended(drawn) -> None:
    end = before_the_summary(plain(drawn)).rstrip().splitlines()[-7:]
    assert [re.sub(r" +\d:\d\d +", " ", line.strip()) for line in end] == [
        "✓ sidecar 1 claim holds",
        "✗ logging 1 claim holds, 2 fell",
        "✗ A line is lost",
        "✗ Nobody may see how",
        "✗ direct_pods 1 claim holds",
        "✗ latest_tag 0 claims hold, 1 fell",
        "✗ It falls for good",
    ]


def test_in_a_terminal_what_a_lesson_does_is_seen_and_failures_stay_above(drawn) -> None:
    seen = plain(drawn)
    assert re.search(r"▸ sidecar +0:0\d", seen)
    assert "▸ Have an engine" in seen or "✓ Have an engine" in seen
    assert "It is made here." in seen
    assert '✗ logging: "A line is lost" does not hold: "seconds > 6" is false, observed seconds=5.25.' in seen
    assert "(item=no such tag)" in seen
    assert "✓ sidecar: Any burst is taken" not in seen
    assert "✓ sidecar held" not in seen
    assert "PLAY RECAP" not in seen


def test_the_cursor_is_there_while_it_draws(drawn) -> None:
    assert drawn.index("\x1b[?25h") < drawn.index("▸ sidecar")
    assert drawn.rindex("\x1b[?25l") < drawn.rindex("\x1b[?25h")


def test_a_question_stands_alone(tmp_path) -> None:
    asked = {"ask_first": True}
    folder = with_playbooks(tmp_path, sidecar=[claim("It serves", **asked), claim("It refuses", **asked)])
    code, written = in_terminal(folder, "all.yml", answers=True)
    assert code == 0, written
    for sentence in "It serves", "It refuses":
        question = written.index(f"{sentence}\r\n\r\nDoes it hold?")
        answer = written.index("It holds: seconds=5.25", question)
        # It is neither drawn below the question, nor left above it.
        assert "▸" not in written[question : written.index("\x1b[?25", question)]
        assert "\x1b[2K" in written[:question].rsplit("▸", 1)[1]
        assert answer > question


def test_after_an_interruption_the_terminal_is_as_it_was(tmp_path) -> None:
    folder = with_playbooks(tmp_path, sidecar=[{"name": "Wait long", "ansible.builtin.command": "sleep 60"}])
    code, written = in_terminal(folder, "all.yml", interrupt_at="Wait long")
    assert code == 99, written
    assert "User interrupted execution" in plain(written)
    assert written.rindex("\x1b[?25l") < written.rindex("\x1b[?25h")
    # What is typed next has a line of its own.
    assert "\n" in written[written.rindex("Wait long") :]


def test_a_lesson_that_reaches_nothing_fails_whole(tmp_path) -> None:
    unreachable = {"name": "Look", "ansible.builtin.command": "true", "vars": {"ansible_connection": "gone"}}
    folder = with_playbooks(tmp_path, sidecar=[{"block": [unreachable], "rescue": [say("Go on", "It is rescued.")]}])
    (folder / "connection_plugins").mkdir()
    (folder / "connection_plugins/gone.py").write_text(
        "from ansible.errors import AnsibleConnectionFailure\n"
        "from ansible.plugins.connection import ConnectionBase\n"
        "DOCUMENTATION = 'name: gone\\nshort_description: Gone'\n"
        "class Connection(ConnectionBase):\n"
        "    transport = 'gone'\n"
        "    def _connect(self): raise AnsibleConnectionFailure('nobody there')\n"
        "    exec_command = put_file = fetch_file = close = lambda self, *a, **k: self._connect()\n"
    )
    code, output = in_pipe(folder, "all.yml")
    assert code == 4, output
    shown = before_the_summary(output)
    assert "fatal: [sidecar]: UNREACHABLE!" in shown
    assert "nobody there" in shown
    assert "✗ sidecar failed: no claim" in shown


@pytest.mark.parametrize("option", ["-v", "--check", "--diff"])
def test_ansibles_own_output_is_shown_where_it_is_asked_for(folder, option) -> None:
    code, output = in_pipe(folder, "all.yml", option)
    assert code == 2
    assert "PLAY RECAP" in output
    assert "TASK [sidecar : Fail on purpose]" in output
    assert "✓ sidecar:" not in output
    assert "TASK [sidecar : Fail on purpose]" in (folder / "workshop-report/all.log").read_text()


@pytest.mark.parametrize("option", ["--list-tasks", "--syntax-check"])
def test_what_runs_nothing_shows_no_run(folder, option) -> None:
    code, output = in_pipe(folder, "all.yml", option)
    assert (code, output) == in_pipe(folder, "all.yml", option, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default")
    assert not (folder / "workshop-report").exists()


def test_any_other_playbook_is_shown_as_ever(folder) -> None:
    shown = in_pipe(folder, "other.yml")
    assert shown == in_pipe(folder, "other.yml", ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default")
    assert "PLAY RECAP" in shown[1]
    assert not (folder / "workshop-report").exists()


def test_a_playbook_that_cannot_be_read_says_so(folder) -> None:
    (folder / "all.yml").write_text("- hosts: lessons\n  tasks: 5\n")
    code, output = in_pipe(folder, "all.yml")
    assert code != 0
    assert "A malformed block was encountered" in output


def test_a_terminal_that_can_do_nothing_is_given_lines(tmp_path) -> None:
    folder = with_playbooks(tmp_path, sidecar=[claim("It serves")])
    _code, written = in_terminal(folder, "all.yml", ANSIBLE_NOCOLOR="1", TERM="dumb")
    assert "✓ sidecar: It serves" in written
    assert "\x1b" not in written


def test_without_rich_it_says_so_and_gives_lines(tmp_path) -> None:
    folder = with_playbooks(tmp_path, sidecar=[claim("It serves")])
    (folder / "without").mkdir()
    (folder / "without/rich.py").write_text("raise ImportError('rich')\n")
    _code, written = in_terminal(folder, "all.yml", PYTHONPATH=str(folder / "without"))
    assert "Nothing is drawn, since rich is not installed." in written
    assert "✓ sidecar: It serves" in plain(written)


def test_without_a_log_nothing_is_kept_from_the_screen(tmp_path) -> None:
    folder = with_playbooks(tmp_path, sidecar=[claim("It serves")])
    (folder / "taken").write_text("")
    _code, output = in_pipe(folder, "all.yml", "-e", "workshop_report_dir=taken")
    assert "There is no log, and so Ansible's own output follows: " in output
    assert "PLAY RECAP" in output


def test_the_log_is_in_the_folder_of_the_report(tmp_path) -> None:
    folder = with_playbooks(tmp_path, sidecar=[claim("It serves")])
    (folder / "group_vars").mkdir()
    (folder / "group_vars/all.yml").write_text('base: deep\nworkshop_report_dir: "{{ base }}/er"\n')
    code, output = in_pipe(folder, "all.yml")
    assert code == 0, output
    assert "Ansible's own output is in deep/er/all.log" in output
    assert (folder / "deep/er/claims.json").exists()
    assert "PLAY RECAP" in (folder / "deep/er/all.log").read_text()
