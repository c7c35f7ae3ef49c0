# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import os
import re
import subprocess

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import (
    LISTING,
    SIGNALS,
    census,
    exit_signal,
    parse_listing,
    parse_process,
    signal_names,
)

# As Linux 5.15 gives them, without the lines on memory, cpus and capabilities.
STATUS = """Name:\t{name}
Umask:\t0022
State:\t{state}
Tgid:\t{pid}
Ngid:\t0
Pid:\t{pid}
PPid:\t{ppid}
TracerPid:\t0
Uid:\t0\t0\t0\t0
Threads:\t1
SigQ:\t0/31426
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000000
SigBlk:\t{blocked}
SigIgn:\t{ignored}
SigCgt:\t{caught}
Seccomp_filters:\t1
nonvoluntary_ctxt_switches:\t11
x86_Thread_features:\t
"""
NONE = "0000000000000000"
SLEEP = STATUS.format(name="sleep", state="S (sleeping)", pid=1, ppid=0, blocked=NONE, ignored=NONE, caught=NONE)
# dumb-init blocks every signal that can be blocked, and waits for it.
DUMB_INIT = STATUS.format(
    name="dumb-init", state="S (sleeping)", pid=1, ppid=0, blocked="fffffffe7ffbfeff", ignored=NONE, caught="10000"
)
ZOMBIE = STATUS.format(name="sleep", state="Z (zombie)", pid=9, ppid=7, blocked=NONE, ignored=NONE, caught=NONE)
SHELL = STATUS.format(name="sh", state="S (sleeping)", pid=20, ppid=0, blocked=NONE, ignored=NONE, caught="10002")
CAT = STATUS.format(name="cat", state="R (running)", pid=22, ppid=20, blocked=NONE, ignored=NONE, caught=NONE)


@pytest.mark.parametrize(
    ("mask", "names"),
    [
        ("0", []),
        ("0000000000000001", ["SIGHUP"]),
        ("0000000000004002", ["SIGINT", "SIGTERM"]),
        ("0000000000010000", ["SIGCHLD"]),
        ("0000000180000000", ["SIG32", "SIG33"]),
        ("0000000200000000", ["SIGRTMIN"]),
        ("8000000000000000", ["SIGRTMIN+30"]),
    ],
)
def test_signal_names(mask, names):
    assert signal_names(mask) == names


def test_a_full_mask_has_every_signal_once():
    assert len(signal_names("f" * 16)) == 64
    assert set(signal_names("f" * 16)) == SIGNALS


@pytest.mark.parametrize("mask", ["", "SIGTERM", "-1", "0x4000", "1" * 17, 4000, None])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match="is no signal mask: give"):
        signal_names(mask)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (None, None),
        (0, None),
        (1, None),
        (128, None),
        (129, "SIGHUP"),
        (137, "SIGKILL"),
        (143, "SIGTERM"),
        (192, "SIGRTMIN+30"),
        (193, None),
        (255, None),
    ],
)
def test_exit_signal(code, name):
    assert exit_signal(code) == name


@pytest.mark.parametrize("code", ["137", 137.0, True])
def test_what_is_no_exit_code_is_refused(code):
    with pytest.raises(TypeError, match="is no exit code: give a number"):
        exit_signal(code)


def test_sleep_has_no_handler():
    assert parse_process("sleep\0001000\0", SLEEP) == {
        "pid": 1,
        "ppid": 0,
        "state": "S",
        "name": "sleep",
        "command": "sleep 1000",
        "caught": [],
        "ignored": [],
        "blocked": [],
    }


def test_dumb_init_waits_for_sigterm():
    process = parse_process("dumb-init\0--\0sleep\0001000\0", DUMB_INIT)
    assert process is not None
    assert process["blocked"] is not None
    assert "SIGTERM" in process["blocked"]
    assert "SIGKILL" not in process["blocked"]
    assert "SIGSTOP" not in process["blocked"]
    assert process["caught"] == ["SIGCHLD"]


@pytest.mark.parametrize(
    ("command_line", "command"),
    [("Xorg\0-X\0", "Xorg -X"), ("tail\0\0", "tail"), ("sh\0-c\0\0x\0", "sh -c  x"), ("", "")],
)
def test_a_command_is_the_words_of_its_line(command_line, command):
    process = parse_process(command_line, SLEEP)
    assert process is not None
    assert process["command"] == command


def test_a_name_may_hold_what_parts_the_fields():
    process = parse_process("", SLEEP.replace("Name:\tsleep", "Name:\tkworker/0:1:x"))
    assert process is not None
    assert process["name"] == "kworker/0:1:x"


def test_a_process_that_ended_while_it_was_read_is_none():
    assert parse_process("", "") is None


OWN = "0::/\n"


def look(*processes: tuple[str, str], cgroup: str = OWN) -> str:
    return "".join(f"\036{status}\037{cgroup}\037{command_line}" for command_line, status in processes)


def listing(*processes: tuple[str, str]) -> str:
    return f"20{look(*processes)}\004"


def pids(text: str) -> list[int]:
    return [one.process["pid"] for one in parse_listing(text, "Container box").seen]


def test_the_listing_leaves_out_those_who_list():
    assert pids(listing(("sh\0-c\0", SHELL), ("cat\0", CAT), ("", ZOMBIE), ("sleep\0", SLEEP), ("", ""))) == [1, 9]


def test_a_process_that_ended_while_it_was_read_leaves_no_trace_in_another():
    ended = "\036\037\037"
    text = f"20{look(('sleep', SLEEP))}{ended}{look(zombie(9))}{ended}\004"
    assert [(one.process["pid"], one.process["command"]) for one in parse_listing(text, "Container box").seen] == [
        (1, "sleep"),
        (9, ""),
    ]


@pytest.mark.parametrize(
    "command_line",
    [
        *("printf\0\037\0", "printf\0\036\0", "printf\0\004\0", "printf\0\035\0", "printf\0\035\036\0"),
        *("printf\0\036Name:\ty\nPid:\t3\004\0", "printf\0\035\036Name:\ty\nPid:\t3\0"),
    ],
)
def test_a_command_line_may_hold_the_separators(command_line):
    found, other = parse_listing(listing((command_line, SLEEP), zombie(9)), "Container box").seen
    assert found.process["command"] == command_line.replace("\0", " ").strip(" ")
    assert other.process["pid"] == 9


def test_the_control_groups_of_each_and_of_the_shell():
    text = f"20{look(('sh', SHELL), cgroup='0::/mine')}{look(('sleep', SLEEP), cgroup='0::/../theirs')}\004"
    found = parse_listing(text, "Container box")
    assert found.shell_cgroup == "0::/mine"
    assert [one.cgroup for one in found.seen] == ["0::/../theirs"]
    assert parse_listing(listing(("sleep", SLEEP)), "Container box").shell_cgroup == ""


def test_a_kernel_that_tells_no_signals():
    # As gVisor's status is.
    status = "\n".join(line for line in SLEEP.splitlines() if not line.startswith("Sig"))
    counted = census(listing(("sleep", status)), "Container box")
    assert counted["pid1"] is not None
    assert (counted["pid1"]["caught"], counted["pid1"]["ignored"], counted["pid1"]["blocked"]) == (None, None, None)


def zombie(pid: int, ppid: int = 7, threads: int = 1, state: str = "Z (zombie)") -> tuple[str, str]:
    status = STATUS.format(name="sleep", state=state, pid=pid, ppid=ppid, blocked=NONE, ignored=NONE, caught=NONE)
    return "", status.replace("Threads:\t1", f"Threads:\t{threads}")


PID1 = ("sleep\0", SLEEP)


@pytest.mark.parametrize(
    ("before", "after", "zombies"),
    [
        # Still there.
        ([zombie(9)], [zombie(9)], 1),
        ([zombie(9), zombie(10)], [zombie(9), zombie(10), zombie(11)], 2),
        # Reaped meanwhile, or has only just ended.
        ([zombie(9)], [], 0),
        ([zombie(9)], [zombie(10)], 0),
        ([zombie(9), zombie(10, state="S (sleeping)")], [zombie(10)], 0),
        # Its parent ended, and its new one has not had the time.
        ([zombie(9, ppid=7)], [zombie(9, ppid=1)], 0),
        # Its first thread ended, and others run.
        ([zombie(9, threads=3)], [zombie(9, threads=2)], 0),
    ],
)
def test_zombies_are_those_that_were_not_reaped_between_two_looks(before, after, zombies):
    text = f"20{look(PID1, *before)}\035{look(PID1, *after)}\004"
    counted = census(text, "Container box")
    assert counted["zombies"] == zombies
    # What is listed is the later look.
    assert len(counted["processes"]) == 1 + len(after)


def test_without_a_second_look_nobody_knows_how_long_it_has_been_one():
    assert census(listing(PID1, zombie(9)), "Container box")["zombies"] is None
    assert census(listing(PID1, zombie(9, threads=2)), "Container box")["zombies"] == 0


def test_a_kernel_that_tells_no_threads_has_processes_of_one():
    alone = "", zombie(9)[1].replace("Threads:", "Seccomp:")
    assert census(f"20{look(PID1, alone)}\035{look(PID1, alone)}\004", "Container box")["zombies"] == 1


def test_a_listing_of_nobody_is_told_without_words_of_the_runtime():
    with pytest.raises(Problem, match=r"could not be looked into: its /proc shows no processes\."):
        parse_listing("20\004", "Container box")


def test_census():
    counted = census(listing(("sleep\0", SLEEP)), "Container box")
    assert counted["zombies"] == 0
    assert counted["pid1"] == counted["processes"][0]
    assert counted["pid1"]["name"] == "sleep"
    assert census(listing(zombie(9, threads=2)), "Container box")["pid1"] is None


@pytest.mark.parametrize(
    ("text", "said", "told"),
    [
        # Docker prints the words of the runtime, Kubernetes hands them over.
        ('exec failed: "sh": executable file not found in $PATH\r\n', "", "executable file not found in $PATH. Proc"),
        ("", "container is paused", "container is paused. Proc"),
        ("20\036\037\037\004", "sh: 1: cat: not found", "cat: not found. Proc"),
        ("20\004", "", "its /proc shows no processes. Proc"),
    ],
)
def test_what_could_not_be_looked_into_is_told_in_the_words_of_the_runtime(text, said, told):
    with pytest.raises(Problem, match=re.escape(told)) as problem:
        census(text, "Container box", said)
    assert str(problem.value).startswith("Container box could not be looked into: ")
    assert str(problem.value).endswith("can have them.")


@pytest.mark.parametrize("length", range(8))
def test_a_listing_that_was_cut_short_is_no_listing(length):
    whole = f"20{look(PID1, zombie(9))}\035{look(PID1, zombie(9))}\004"
    with pytest.raises(Problem, match=r"was cut short: look again. \(exit code 137\)"):
        census(whole[: 2 + len(whole) * length // 8], "Container box", "exit code 137")
    with pytest.raises(Problem, match="no end was seen"):
        census(whole[:-1], "Container box")


def test_the_listing_is_what_a_shell_makes_of_this_machine():
    made = subprocess.run(["sh", "-c", LISTING], check=False, capture_output=True, timeout=60)
    found = parse_listing(made.stdout.decode(errors="replace"), "This machine")
    by_pid = {one.process["pid"]: one.process for one in found.seen}
    # Of this test, and not of the shell that it started.
    assert by_pid[os.getpid()]["ppid"] == os.getppid()
    assert not any("\\036" in process["command"] for process in by_pid.values())


def test_a_child_that_its_parent_does_not_reap_is_a_zombie():
    child = subprocess.Popen(["true"])
    try:
        made = subprocess.run(["sh", "-c", LISTING], check=False, capture_output=True, timeout=60)
        found = parse_listing(made.stdout.decode(errors="replace"), "This machine")
        assert found.zombies is not None
        assert child.pid in found.zombies
    finally:
        child.wait()


BOX, JOINED, OTHER = "a" * 64, "b" * 64, "c" * 64


@pytest.mark.parametrize(
    ("ids", "shell", "pids"),
    [
        ([BOX], f"9:pids:/docker/{BOX}", [1]),
        ([JOINED, BOX], f"9:pids:/docker/{JOINED}", [1, 2]),
        # Its own control groups are not told, or nobody asks.
        ([BOX], "9:pids:/", [1, 2, 3]),
        ([], f"9:pids:/docker/{BOX}", [1, 2, 3]),
    ],
)
def test_the_processes_of_those_who_join_a_container_are_not_its_own(ids, shell, pids):
    own, joined, third = (
        look(("sleep", SLEEP.replace("Pid:\t1", f"Pid:\t{pid}")), cgroup=f"9:pids:/docker/{ident}")
        for pid, ident in enumerate((BOX, JOINED, OTHER), 1)
    )
    counted = census(f"20{look(('sh', SHELL), cgroup=shell)}{own}{joined}{third}\004", "Container box", ids=ids)
    assert [process["pid"] for process in counted["processes"]] == pids


def test_a_zombie_is_counted_where_it_is_listed():
    mine = look(PID1, cgroup="0::/")
    theirs = look(zombie(9), cgroup=f"0::/../{OTHER}")
    both = mine + theirs
    text = f"20{look(('sh', SHELL), cgroup='0::/')}{both}\035{look(('sh', SHELL), cgroup='0::/')}{both}\004"
    assert census(text, "Container box", ids=[BOX])["zombies"] == 0
    assert census(text, "Container box", ids=[BOX, OTHER])["zombies"] == 1
