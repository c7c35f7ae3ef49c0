# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
from typing import Final, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

# The numbers of Linux on x86 and Arm, from 1; not those of the machine that Python runs on.
_NAMES: Final = (
    *("SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1"),
    *("SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP"),
    *("SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR"),
    # 32 and 33 are kept by the C library for itself.
    *("SIGSYS", "SIG32", "SIG33", "SIGRTMIN"),
    *(f"SIGRTMIN+{n}" for n in range(1, 31)),
)

SIGNALS: Final = frozenset(_NAMES)

_RECORD: Final = "\036"
_UNIT: Final = "\037"

# The shell's own pid first; then for each process its command line and its status.
LISTING: Final = (
    "printf '%s' $$; for p in /proc/[0-9]*; do "
    r"""printf '\036'; cat "$p/cmdline"; printf '\037'; cat "$p/status"; done"""
)


class Process(TypedDict):
    pid: int
    ppid: int
    state: str
    name: str
    command: str
    caught: list[str]
    ignored: list[str]
    blocked: list[str]


class Census(TypedDict):
    processes: list[Process]
    pid1: Process | None
    zombies: int


def signal_names(mask: str) -> list[str]:
    """The signals in a mask as /proc/PID/status writes it, hexadecimal with SIGHUP as the lowest bit."""
    if not isinstance(mask, str) or not re.fullmatch(r"[0-9a-fA-F]{1,16}", mask):
        raise ValueError(
            f"{mask!r} is no signal mask: give the hexadecimal digits of /proc/PID/status as a string, "
            "such as '0000000000004000'."
        )
    bits = int(mask, 16)
    return [name for bit, name in enumerate(_NAMES) if bits >> bit & 1]


def exit_signal(code: int | None) -> str | None:
    """The signal that an exit code stands for (128 and its number), or None where it stands for none."""
    if code is None:
        return None
    if isinstance(code, bool) or not isinstance(code, int):
        raise TypeError(f"{code!r} is no exit code: give a number, such as 137.")
    return _NAMES[code - 129] if 128 < code <= 128 + len(_NAMES) else None


def parse_process(command_line: str, status: str) -> Process | None:
    """A process from the texts of its cmdline and status, or None when it had ended before they were read."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    try:
        return {
            "pid": int(fields["Pid"]),
            "ppid": int(fields["PPid"]),
            "state": fields["State"].split()[0],
            "name": fields["Name"].strip(),
            "command": command_line.rstrip("\0").replace("\0", " "),
            "caught": signal_names(fields["SigCgt"].strip()),
            "ignored": signal_names(fields["SigIgn"].strip()),
            "blocked": signal_names(fields["SigBlk"].strip()),
        }
    except KeyError:
        return None


def parse_listing(listing: str) -> list[Process]:
    """The processes of a LISTING by pid, without the shell that listed them and its children."""
    shell, *records = listing.split(_RECORD)
    found = (parse_process(*record.rsplit(_UNIT, 1)) for record in records if _UNIT in record)
    return sorted(
        (process for process in found if process and shell not in (str(process["pid"]), str(process["ppid"]))),
        key=lambda process: process["pid"],
    )


def census(listing: str, where: str) -> Census:
    processes = parse_listing(listing)
    if not processes:
        raise Problem(
            f"{where} has no sh or no cat, with which its processes are read; run it from an image that has both."
        )
    return {
        "processes": processes,
        "pid1": next((process for process in processes if process["pid"] == 1), None),
        "zombies": sum(process["state"] == "Z" for process in processes),
    }
