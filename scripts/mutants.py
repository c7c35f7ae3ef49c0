# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Changes the plugins in small ways, one at a time, and prints which changes the unit tests do not notice.

Usage: mutants.py [PLUGIN ...]

mutmut makes the changes of a plugin and runs the tests of that, in a copy of the plugins in the cache. Of a
plugin that is as it was, with its tests, nothing is tried again, and one that was stopped goes on. Where plugins are
named, only their changes that the tests have not noticed are tried, and told of.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import libcst
import yaml
from mutmut.mutation import diff_apply, mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parents[1]
WORK = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workshop.production_patterns/mutants"
PLACE = Path("ansible_collections/workshop/production_patterns")
EQUIVALENT = ROOT / "tests/unit/equivalent_mutants.yml"
WANTED_PERCENT = 90
PROCESSES = 2
UNNOTICED = "survived", "no tests", "suspicious"

LEFT_OUT = (
    # Documentation only.
    "plugins/doc_fragments",
    # Tested in whole runs of Ansible only, where seconds go by for each change.
    "plugins/callback",
    "plugins/connection",
)
# Whole runs of Ansible, looks at all that this machine runs, megabytes of samples: seconds each.
SLOW = "test_bad_input.py", "test_report.py"
SLOW_TESTS = (
    "module_utils/test_signals.py::test_the_listing_is_what_a_shell_makes_of_this_machine",
    "module_utils/test_signals.py::test_a_child_that_its_parent_does_not_reap_is_a_zombie",
    "modules/test_container_processes.py::test_the_processes_that_a_shell_lists",
    "plugin_utils/test_report_pages.py::test_megabytes_of_samples_become_a_small_page",
)


def fewer(operator: Callable[[Any], Iterable[Any]]) -> Callable[[Any], Iterator[Any]]:
    """One change of a string instead of three, and none of what has a space: of sentences no test asks each word."""

    def changes(node: Any) -> Iterator[Any]:
        if isinstance(node, libcst.SimpleString) and " " not in node.value:
            yield from list(operator(node))[:1]

    return changes


class Row(NamedTuple):
    """How many changes of a plugin went how. What mypy refuses would not pass either, and is not counted."""

    name: str
    noticed: int
    survived: int
    equivalent: int
    refused: int
    left: int

    @property
    def score(self) -> str:
        tried = self.noticed + self.survived
        return f"{100 * self.noticed / tried:.1f} %" if tried else ""


def tree_of(plugin: Path) -> Path:
    return WORK / ".".join(plugin.with_suffix("").parts[1:])


def importers(plugin: Path, folder: Path) -> Iterator[Path]:
    """The files below a folder that import a plugin."""
    package = re.escape(".".join(plugin.parent.parts))
    imported = re.compile(rf"\b{package}(?:\.{plugin.stem}\b|\s+import\s+(?:\([^)]*|[^(\n]*)\b{plugin.stem}\b)")
    for path in sorted(folder.rglob("*.py")):
        if imported.search(path.read_text()):
            yield path.relative_to(ROOT)


def tests_of(plugin: Path) -> list[str]:
    """The unit tests that bear the name of a plugin, or else import it, or else import what imports it, and so on."""
    folder = ROOT / "tests/unit/plugins"
    named = folder / plugin.parts[1] / f"test_{'_'.join(plugin.with_suffix('').parts[2:])}.py"
    tests = {named.relative_to(ROOT)} if named.is_file() else set()
    those, known = {plugin}, {plugin}
    while those and not tests:
        tests = {path for one in those for path in importers(one, folder) if path.match("test_*.py")}
        those = {path for one in those for path in importers(one, ROOT / "plugins")} - known
        known |= those
    return sorted(f"checkout/{path}" for path in tests if path.name not in SLOW)


def content() -> str:
    """What decides which changes are noticed, in short."""
    said = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted([*(ROOT / "plugins").rglob("*"), *(ROOT / "tests/unit").rglob("*")]):
        if path.is_file() and path != EQUIVALENT and "__pycache__" not in path.parts:
            said.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return said.hexdigest()


def make(tree: Path, plugin: Path) -> None:
    """Make a collection in which a plugin can be changed, and in which all else is that of the checkout."""
    collection = tree / "mutants" / PLACE
    for path in (ROOT / "plugins").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(ROOT)
            place = tree / PLACE / name if name == plugin else collection / name
            if not place.is_file() or place.read_bytes() != path.read_bytes():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
    if not (collection / f"{plugin}.meta").exists():
        # It was stopped while it wrote this.
        (collection / plugin).unlink(missing_ok=True)
    # From below ansible_collections pytest would take the tests' for the only place of all collections.
    links = {tree / "mutants/checkout": Path(PLACE), collection / ".collections" / PLACE: Path("../../..")}
    for path in ROOT.iterdir():
        if path.name not in ("plugins", ".collections", ".git", ".venv"):
            links[collection / path.name] = path
    for link, target in links.items():
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
    settings = {
        "source_paths": [str(PLACE / "plugins")],
        "pytest_add_cli_args_test_selection": [
            *tests_of(plugin),
            *(f"--deselect=checkout/tests/unit/plugins/{test}" for test in SLOW_TESTS),
        ],
        "type_check_command": [
            *("mypy", "--config-file", "checkout/pyproject.toml", "--cache-dir", str(WORK / "mypy")),
            *("--output", "json", "--module", ".".join((PLACE / plugin).with_suffix("").parts)),
        ],
        # What options a module has is compared with its documentation by ansible-test.
        "do_not_mutate_patterns": [r'"type": "(str|int|float|bool|list|dict|path|raw)"'],
        "process_isolation": "forkserver",
        "use_git_change_detection": False,
        "timeout_multiplier": 5.0,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (tree / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, ""]))


def known(plugin: Path) -> SourceFileMutationData:
    data = SourceFileMutationData(path=PLACE / plugin)
    data.load()
    return data


def status(code: int | None) -> str:
    return str(status_by_exit_code[code])


def end_after(pid: int, timeout_s: float) -> None:
    """End a process that takes longer than so many seconds."""
    process = os.pidfd_open(pid)

    def watch() -> None:
        end = select.poll()
        end.register(process, select.POLLIN)
        if not end.poll(1000 * timeout_s):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGXCPU)
        os.close(process)

    threading.Thread(target=watch, daemon=True).start()


def try_changes(plugin: Path, again: bool) -> None:
    """Try the changes of a plugin that were not tried yet, or again those that were not noticed."""
    # It reads its settings from this folder while it is imported.
    import mutmut.__main__ as mutmut
    from mutmut.workers import isolation

    # Its own signals a number, whichever process of this machine has it by the time that it is due.
    isolation.register_timeout = end_after
    mutators.mutation_operators[:] = [  # type: ignore[index]
        (kind, fewer(operator) if operator is mutators.operator_string else operator)
        for kind, operator in mutators.mutation_operators
    ]
    data = known(plugin)
    unnoticed = [name for name, code in data.exit_code_by_key.items() if status(code) in UNNOTICED]
    if again and unnoticed:
        data.exit_code_by_key.update(dict.fromkeys(unnoticed))
        data.save()
    mutmut._run([], PROCESSES)


def change(name: str, data: SourceFileMutationData) -> tuple[str, str]:
    """The lines that a change took away, and those that stand there instead."""
    lines = diff_apply.get_diff_for_mutant(name, path=data.path).splitlines()[3:]
    was, now = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return was, now


def look(plugin: Path, listed: set[tuple[str, str, str]]) -> tuple[Row, set[tuple[str, str, str]]]:
    """What is known of the changes of a plugin, and those that nobody noticed."""
    data = known(plugin)
    counts: Counter[str] = Counter()
    unnoticed = set()
    for name, code in data.exit_code_by_key.items():
        said = status(code)
        kind = {"caught by type check": "refused", "not checked": "left"}.get(said, "noticed")
        if said in UNNOTICED:
            was, now = change(name, data)
            unnoticed.add((str(plugin), was, now))
            kind = "equivalent" if (str(plugin), was, now) in listed else "survived"
            if kind == "survived":
                untested = ", which no test runs" if said == "no tests" else ""
                print(f"{plugin}: {name.rpartition('.')[2]}{untested}\n  - {was}\n  + {now}", flush=True)
        counts[kind] += 1
    return Row(str(plugin), *(counts[kind] for kind in Row._fields[1:])), unnoticed


def main(chosen: list[str]) -> bool:
    listed = {(one["file"], one["was"], one["now"]) for one in yaml.safe_load(EQUIVALENT.read_text())}
    plugins = [path.relative_to(ROOT) for path in sorted((ROOT / "plugins").rglob("*.py"))]
    plugins = [path for path in plugins if (str(path) in chosen if chosen else not str(path).startswith(LEFT_OUT))]
    rows, unnoticed = [], set()
    for plugin in plugins:
        tree = tree_of(plugin)
        stamp, now = tree / "content", content()
        if not chosen and not (stamp.is_file() and stamp.read_text() == now):
            shutil.rmtree(tree, ignore_errors=True)
        make(tree, plugin)
        stamp.write_text("" if chosen else now)
        os.chdir(tree)
        data = known(plugin)
        if chosen or not data.exit_code_by_key or None in data.exit_code_by_key.values():
            command = [sys.executable, __file__, "--changes-of" if not chosen else "--again", str(plugin)]
            with (tree / "said").open("w") as said:
                if subprocess.run(command, stdout=said, stderr=said, check=False).returncode:
                    print(f"{plugin}: see the end of {said.name}", flush=True)
        row, those = look(plugin, listed)
        unnoticed |= those
        rows.append(row)
    rows.append(Row("all", *(sum(values) for values in zip(*(row[1:] for row in rows), strict=True))))
    layout = "{:40} {:>8} {:>9} {:>8} {:>11} {:>16} {:>5}"
    print("\n" + layout.format("", "noticed", "survived", "score", "equivalent", "refused by mypy", "left"))
    for row in rows:
        if any(row[1:]):
            print(layout.format(*row[:3], row.score, *row[3:]))
    stale = set() if chosen else listed - unnoticed
    for plugin_name, was, _now in sorted(stale):
        print(f"{EQUIVALENT.name} lists a change of {plugin_name} that does not survive: {was}")
    total = rows[-1]
    return not stale and not total.left and 100 * total.noticed >= WANTED_PERCENT * (total.noticed + total.survived)


if __name__ == "__main__":
    if sys.argv[1:2] in (["--changes-of"], ["--again"]):
        try_changes(Path(sys.argv[2]), again=sys.argv[1] == "--again")
    else:
        sys.exit(0 if main(sys.argv[1:]) else 1)
