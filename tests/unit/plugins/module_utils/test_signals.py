# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.signals import (
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
    assert "SIGTERM" in process["blocked"]
    assert "SIGKILL" not in process["blocked"]
    assert "SIGSTOP" not in process["blocked"]
    assert process["caught"] == ["SIGCHLD"]


def test_a_process_that_ended_while_it_was_read_is_none():
    assert parse_process("", "") is None


def listing(*processes: tuple[str, str]) -> str:
    return "20" + "".join(f"\036{command_line}\037{status}" for command_line, status in processes)


def test_the_listing_leaves_out_those_who_list():
    found = parse_listing(listing(("sh\0-c\0", SHELL), ("cat\0", CAT), ("", ZOMBIE), ("sleep\0", SLEEP), ("", "")))
    assert [process["pid"] for process in found] == [1, 9]


def test_a_command_line_may_hold_the_separator():
    (found,) = parse_listing(listing(("printf\0\037\0", SLEEP)))
    assert found["command"] == "printf \037"


def test_census():
    counted = census(listing(("sleep\0", SLEEP), ("", ZOMBIE)), "Container box")
    assert counted["zombies"] == 1
    assert counted["pid1"] == counted["processes"][0]
    assert counted["pid1"]["name"] == "sleep"


@pytest.mark.parametrize("said", ["", "20\036\037", 'exec failed: "sh": executable file not found in $PATH'])
def test_a_container_without_a_shell_is_told_in_a_sentence(said):
    with pytest.raises(Problem, match="^Container box has no sh or no cat"):
        census(said, "Container box")
