# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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

ZOMBIE_SECONDS: Final = 2

_RECORD: Final = "\036"
_UNIT: Final = "\037"
_AGAIN: Final = "\035"
_END: Final = "\004"
# A command line may hold the separators too. Of a process that ended meanwhile there are only these.
_BEGIN: Final = rf"{_RECORD}(?=Name:[^{_RECORD}{_UNIT}]*\nPid:\s*\d+\n[^{_RECORD}{_UNIT}]*{_UNIT}|{_UNIT}{_UNIT})"

# The shell's own pid first; then for each process its status, its control groups and its command line. Where one of
# them is a zombie, all of it again after a while. The end shows that nothing is missing.
LISTING: Final = (
    r"""list() { for p in /proc/[0-9]*; do printf '\036'; cat "$p/status"; printf '\037'; cat "$p/cgroup"; """
    r"""printf '\037'; cat "$p/cmdline"; done; }; """
    r"""printf '%s' $$; list; z=; """
    r"""for p in /proc/[0-9]*; do read -r s < "$p/stat" && case ${s##*) } in Z*) z=1;; esac; done 2>/dev/null; """
    rf"""[ -z "$z" ] || {{ sleep {ZOMBIE_SECONDS} && printf '\035' && list; }}; printf '\004'"""
)


class Process(TypedDict):
    pid: int
    ppid: int
    state: str
    name: str
    command: str
    caught: list[str] | None
    ignored: list[str] | None
    blocked: list[str] | None


class Census(TypedDict):
    processes: list[Process]
    pid1: Process | None
    zombies: int | None


@dataclass(frozen=True)
class Seen:
    """A process, whether it has ended as a whole, and the text of its control groups."""

    process: Process
    zombie: bool
    cgroup: str


@dataclass(frozen=True)
class Listing:
    """The processes by pid, how many zombies nobody reaped (None where that could not be waited for), and the shell."""

    seen: list[Seen]
    zombies: frozenset[int] | None
    shell_cgroup: str


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
    """A process from the texts of its cmdline and status, or None when it had ended before they were read.

    Its signals are None where the kernel does not tell them, such as that of gVisor.
    """
    fields = _fields(status)

    def signals(field: str) -> list[str] | None:
        return signal_names(fields[field].strip()) if field in fields else None

    try:
        return {
            "pid": int(fields["Pid"]),
            "ppid": int(fields["PPid"]),
            "state": fields["State"].split()[0],
            "name": fields["Name"].strip(),
            "command": command_line.rstrip("\0").replace("\0", " "),
            "caught": signals("SigCgt"),
            "ignored": signals("SigIgn"),
            "blocked": signals("SigBlk"),
        }
    except KeyError:
        return None


def _fields(status: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in status.splitlines() if ":" in line)


def _look(shell: str, text: str) -> tuple[list[Seen], str]:
    """The processes of one look without the shell and its children, and the control groups of the shell."""
    seen: list[Seen] = []
    shell_cgroup = ""
    for record in re.split(_BEGIN, text)[1:]:
        status, _unit, rest = record.partition(_UNIT)
        cgroup, _unit, command_line = rest.partition(_UNIT)
        process = parse_process(command_line, status)
        if not process:
            continue
        if str(process["pid"]) == shell:
            shell_cgroup = cgroup
        elif str(process["ppid"]) != shell:
            # While other threads run, a process whose first thread has ended is none.
            zombie = process["state"] == "Z" and int(_fields(status).get("Threads", 1)) <= 1
            seen.append(Seen(process, zombie, cgroup))
    return sorted(seen, key=lambda one: one.process["pid"]), shell_cgroup


def parse_listing(listing: str, where: str, said: str = "") -> Listing:
    """The processes of a LISTING, or a problem in the words of the runtime (said, or else the listing itself)."""
    whole, begun = listing.endswith(_END), re.match(rf"(\d+)({_RECORD}|{_END}|$)", listing)
    shell = begun[1] if begun else ""
    first, *again = re.split(f"{_AGAIN}(?={_BEGIN})", listing.removesuffix(_END), maxsplit=1)
    seen, shell_cgroup = _look(shell, again[0] if again else first)
    if whole and seen:
        zombies: frozenset[int] | None = frozenset(one.process["pid"] for one in seen if one.zombie)
        if again:
            before = {(one.process["pid"], one.process["ppid"]) for one in _look(shell, first)[0] if one.zombie}
            zombies = frozenset(
                one.process["pid"] for one in seen if one.zombie and (one.process["pid"], one.process["ppid"]) in before
            )
        elif zombies:
            zombies = None
        return Listing(seen, zombies, shell_cgroup)
    words = " ".join((said or ("" if begun else listing)).split())
    if begun and not whole:
        raise Problem(f"The list of the processes of {where} was cut short: look again. ({words or 'no end was seen'})")
    raise Problem(
        f"{where} could not be looked into: {words or 'its /proc shows no processes'}. Processes are read with sh and "
        "cat; where an image lacks them, another container that shares its processes can have them."
    )


def owner(cgroup: str, shell_cgroup: str, container: str, ids: dict[str, str]) -> str | None:
    """The name of the container that a process belongs to, by its control groups and the IDs of the containers.

    A container that has a namespace of control groups sees paths without its own ID, and those of others above its own.
    """
    for ident, name in ids.items():
        if ident in cgroup:
            return name
    if re.search("[0-9a-f]{64}", shell_cgroup):
        return None
    path = re.search("^0::(.*)", cgroup, re.MULTILINE)
    return container if path and not path[1].startswith("/..") else None


def census(listing: str, where: str, said: str = "", ids: Sequence[str] = ()) -> Census:
    """The processes of the containers with these identities, of which the first was looked into.

    Without identities, and where the control groups do not even tell those of the first, all that it sees.
    """
    found = parse_listing(listing, where, said)
    names = {ident: ident for ident in ids}
    seen = found.seen
    if ids and owner(found.shell_cgroup, found.shell_cgroup, ids[0], names) == ids[0]:
        seen = [one for one in seen if owner(one.cgroup, found.shell_cgroup, ids[0], names)]
    processes = [one.process for one in seen]
    return {
        "processes": processes,
        "pid1": next((process for process in processes if process["pid"] == 1), None),
        "zombies": None if found.zombies is None else len(found.zombies & {process["pid"] for process in processes}),
    }
