# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""What the page of a lesson says by hand: its commands, what they print, its questions; and how to compare that."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
import typing as t
import uuid
from pathlib import Path

from runs import ROOT, TAUGHT

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_NAME = re.compile(rf"-(?:{_RANDOM}{{8,10}}-)?{_RANDOM}{{5}}\b")

# What may differ, by the form that it has to keep. The first that fits decides.
_VOLATILE = {
    # These say what happened, and stay as they are.
    "kept": r"exitCode\":\d+|exit code \d+|\"status\": ?\d+|^\d+$|\b127\.0\.0\.1\b",
    "anything": r"\.\.\.",
    "uuid": r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    "time": r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?",
    "version": r"\.\.\d{4}(?:_\d\d){5}\.\d+",
    "stamp": r"\b\d{8}-\d{6}\b",
    "date": r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ \d\d:\d\d\b",
    "address": r"\b\d+(?:\.\d+){3}\b",
    "took": r"\b\d+m\d+\.\d+s\b",
    "up": r"\bUp (?:Less than a second|About an? \w+|\d+ \w+)",
    "hash": r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\b",
    "name": _NAME.pattern,
    "age": r"(?<![\w.-])(?:\d+[dhms]){1,2}(?![\w.-])",
    "size": r"\b\d+(?:\.\d+)?(?=[kMG]i?B\b)",
    "decimal": r"(?<![\w.])\d+\.\d+(?![\w.])",
    "number": r"(?<![A-Za-z0-9.])[1-9]\d+(?!\.?\d)",
}
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _VOLATILE.items()), re.MULTILINE)
_SECONDS_OFF = 3.0
"""By how much what `time` prints may differ, beside a tenth of it: a busy machine is slower."""


SECONDS = 150
"""How long a command may take."""
WATCHED_SECONDS = 8
"""How long one runs that does not end by itself."""
ENDED_BY_TIMEOUT = 124
ENDED_BY_PIPE = 128 + signal.SIGPIPE


class Step(t.NamedTuple):
    """A command and what stands below it."""

    command: str
    output: list[str]

    @property
    def words(self) -> bool:
        """Whether something is said of what it prints."""
        return any(line.replace("...", "").strip() for line in self.output)


def steps(page: str) -> list[Step]:
    """The commands of a page, in their order, each with the lines below it.

    :raises ValueError: For a block that does not begin with a command, or a command that does not end.
    """
    found: list[Step] = []
    for block in _BLOCK.findall(page):
        begun = ""
        first = True
        for line in block.splitlines():
            if begun:
                begun += "\n" + line
            elif line.startswith("$ "):
                begun = line.removeprefix("$ ")
            elif first:
                raise ValueError(f"A block begins with {line!r}, which is no command.")
            else:
                found[-1].output.append(line)
            first = False
            if begun and is_whole(begun):
                found.append(Step(begun, []))
                begun = ""
        if begun:
            raise ValueError(f"The command does not end: {begun}")
    return found


def is_whole(command: str) -> bool:
    """Whether bash would run this and not wait for another line."""
    read = subprocess.run(["bash", "-n"], input=command, check=False, capture_output=True, text=True)
    return read.returncode == 0 and not command.endswith("\\")


def difference(given: list[str], printed: list[str]) -> str | None:
    """What is wrong with what was printed, None if it is what the page gives.

    `...` on a line of its own stands for any lines, and within a line for anything. What is the same hash or name of
    a pod on the page has to be the same in the output, and what differs there has to differ.
    """
    expected = [line.strip() for line in given if line.strip()]
    seen = [line.strip() for line in printed if line.strip()]
    if _match(expected, seen, {}):
        return None
    return "The page gives\n  {}\nand it prints\n  {}".format("\n  ".join(expected), "\n  ".join(seen))


def _match(given: list[str], printed: list[str], known: dict[str, str]) -> bool:
    if not given:
        return not printed
    if given[0] == "...":
        return any(_match(given[1:], printed[skipped:], known) for skipped in range(len(printed) + 1))
    if not printed:
        return False
    learned = _same(given[0], printed[0], known)
    return learned is not None and _match(given[1:], printed[1:], learned)


def _same(given: str, printed: str, known: dict[str, str]) -> dict[str, str] | None:
    """The names that are known once this line is compared, None if it differs."""
    pattern, values = _pattern(given)
    found = re.fullmatch(pattern, printed)
    if found is None:
        return None
    known = dict(known)
    for (kind, value), other in zip(values, found.groups(), strict=True):
        if kind == "took" and abs(_seconds(value) - _seconds(other)) > _SECONDS_OFF + _seconds(value) / 10:
            return None
        if kind in ("hash", "name") and known.setdefault(value, other) != other:
            return None
    return known if len(set(known.values())) == len(known) else None


def _pattern(given: str) -> tuple[str, list[tuple[str, str]]]:
    """A line as a regular expression, and what its groups stand for."""
    pattern = ""
    values: list[tuple[str, str]] = []
    position = 0
    for token in _TOKEN.finditer(given):
        pattern += _literal(given[position : token.start()])
        kind = str(token.lastgroup)
        if kind == "kept":
            pattern += _literal(token[0])
        elif kind == "anything":
            pattern += ".*"
        else:
            pattern += f"({_VOLATILE[kind]})"
            values.append((kind, token[0]))
        position = token.end()
    return pattern + _literal(given[position:]), values


def _literal(text: str) -> str:
    return r"\s+".join(re.escape(part) for part in re.split(r"\s+", text))


def _seconds(took: str) -> float:
    minutes, seconds = took.removesuffix("s").split("m")
    return int(minutes) * 60 + float(seconds)


def without_random(name: str) -> str:
    """The name of a pod without what its controller added."""
    return _NAME.sub("", name)


def may_fail_with(code: int, step: Step) -> bool:
    """Whether the page says that this command fails, in words that nothing else prints."""
    told = f"command terminated with exit code {code}"
    return any(line == told or line.startswith("docker: Error response from daemon: ") for line in step.output)


class Shell:
    """One bash, in which each command of a page runs after the other, with what is in a folder before all on PATH."""

    def __init__(self, folder: Path, path: Path, seconds: int = SECONDS) -> None:
        self._seconds = seconds
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env={
                **os.environ,
                "LC_ALL": "C.UTF-8",
                "PATH": f"{path}:{os.environ['PATH']}",
                "MAY_TAKE": str(seconds),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._say("shopt -s expand_aliases; set -o pipefail")

    def _say(self, line: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()

    def run(self, command: str) -> tuple[list[str], int]:
        """What a command prints, and its exit code.

        :raises TimeoutError: If it takes too long, and everything that it started is ended.
        """
        assert self._bash.stdout
        end = f"ended-{uuid.uuid4()}"
        late = threading.Timer(self._seconds, os.killpg, [self._bash.pid, signal.SIGKILL])
        late.start()
        try:
            self._say(f"eval {shlex.quote(command)} < /dev/null; printf '\\n%s %s\\n' {end} $?")
            printed: list[str] = []
            for line in self._bash.stdout:
                if line.startswith(end):
                    return "".join(printed).splitlines(), int(line.split()[1])
                printed.append(line)
        finally:
            late.cancel()
        raise TimeoutError(f"After {self._seconds} s, or with its shell, this has ended: {command}\n{''.join(printed)}")

    def close(self) -> None:
        assert self._bash.stdin
        assert self._bash.stdout
        if self._bash.poll() is None:
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()
        self._bash.stdin.close()
        self._bash.stdout.close()


def can_be_run(command: str) -> bool:
    """Whether the playbook and the lessons are there that a command of a page names."""
    _program, playbook, *words = shlex.split(command)
    named = [word.partition("=")[2] for word in words if word.startswith("workshop_lessons=")]
    return (ROOT / playbook).is_file() and bool(named) and {*",".join(named).split(",")} <= {*TAUGHT}


def mistake(step: Step, shell: Shell) -> str | None:
    """What is wrong with a step, None if it is as the page says."""
    if step.command.startswith("ansible-playbook "):
        return None if can_be_run(step.command) else f"$ {step.command}\nIts playbook or its lessons are not there."
    watches = "--watch" in step.command.split()
    printed, code = shell.run(f"MAY_TAKE={WATCHED_SECONDS} {step.command}" if watches else step.command)
    if step.command.startswith("export KUBECONFIG="):
        _nothing, code = shell.run('test -f "$KUBECONFIG"')
    as_told = code == ENDED_BY_TIMEOUT if watches else code in (0, ENDED_BY_PIPE) or may_fail_with(code, step)
    said = difference(step.output, printed)
    if not as_told:
        return f"$ {step.command}\nIt ends with {code}, and the page does not say so. {said or printed}"
    return f"$ {step.command}\n{said}" if said else None


def questions(page: str) -> list[tuple[str, str]]:
    """The questions at the end of a page with their folded answers, an empty one where there is none."""
    _before, heading, end = page.partition("\n## Questions\n")
    if not heading:
        return []
    found = []
    for item in re.split(r"^- ", end, flags=re.MULTILINE)[1:]:
        folded = re.search(
            r"\n\n  <details><summary>[^<>]+</summary>\n\n((?:  \S.*\n|\n)+?)\n  </details>\n", item, re.MULTILINE
        )
        question = item[: folded.start()] if folded else item
        found.append((" ".join(question.split()), " ".join(folded[1].split()) if folded else ""))
    return found
