# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Whole playbooks on this machine: whatever a module does, the connection gives what Ansible's own gives."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.text import formatters
from runs import ROOT

FORK = "workshop.production_patterns.fork"
BOTH = pytest.mark.parametrize("connection", ["local", FORK])

PROBE = """
import atexit, os, signal, subprocess, sys, tempfile, threading, time

BEFORE = set(sys.modules)

from ansible.module_utils.basic import AnsibleModule
if "never" in sys.argv:
    # It belongs to the payload without being imported.
    import ansible.module_utils.urls


def about():
    return {
        "parent": open(f"/proc/{os.getppid()}/cmdline").read().replace("\\0", " "),
        "cwd": os.getcwd(),
        "umask": os.umask(0),
        "environ": {name: value for name, value in os.environ.items() if name not in ("_", "PWD", "OLDPWD", "SHLVL")},
        "argv": sys.argv[1:],
        "main": sys.modules["__main__"].__dict__ is globals(),
        "stdin": sys.stdin.read(),
        "files": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "signals": {str(int(n)): str(signal.getsignal(n)) for n in signal.valid_signals()},
        "masked": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "path": [entry for entry in sys.path if not entry.endswith(".zip")],
        "encodings": [(f.encoding, f.errors) for f in (sys.stdin, sys.stdout, sys.stderr)],
        "buffers": [(f.line_buffering, f.write_through) for f in (sys.stdout, sys.stderr)],
        "threads": [thread.name for thread in threading.enumerate()],
        "controller": [n for n in sys.modules if n.startswith(("ansible.utils", "ansible.plugins", "ansible.cli"))],
        "imported": [n for n in ("xmlrpc.client", "ansible.module_utils.urls") if n in BEFORE],
        "is_controller": sys.modules["ansible.module_utils._internal"].is_controller,
    }


def main():
    module = AnsibleModule(
        {
            "do": {"required": True},
            "text": {"default": ""},
            "secret": {"no_log": True},
            "folder": {"type": "path"},
        },
        supports_check_mode=True,
    )
    do, text, folder = module.params["do"], module.params["text"], module.params["folder"]
    result = {}
    if do == "about":
        result = about()
    elif do == "fail":
        module.fail_json("It failed.", rc=5, stderr="why")
    elif do == "rc":
        result = {"rc": 3, "stdout": "a\\nb"}
    elif do == "raise":
        raise RuntimeError("Something broke.")
    elif do == "base":
        raise KeyboardInterrupt
    elif do == "exit":
        print("It is not known whether this comes out.")
        os._exit(7)
    elif do == "sys_exit":
        sys.exit("Not today.")
    elif do == "silent":
        return
    elif do == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif do == "bytes":
        os.write(1, b"\\xff\\xfe\\n")
        os.write(2, b"\\xff\\n")
        result = {"text": "{{ lookup('pipe', 'id') }} \\u2713 \\udcff", "lines": "\\x1b[1m\\0"}
    elif do == "big":
        os.write(2, b"e" * 3_000_000)
        result = {"length": len(text), "out": text * 3}
    elif do == "warn":
        module.warn("Mind it.")
        module.deprecate("It is old.", version="9.0.0", collection_name="ansible.builtin")
    elif do == "secret":
        result = {"told": "it is " + module.params["secret"]}
    elif do == "check":
        result = {"check": module.check_mode, "diff": {"before": "a\\n", "after": "b\\n"} if module._diff else None}
    elif do == "background":
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        result = {"pid": subprocess.Popen(["sleep", "300"], **nothing).pid}
    elif do == "daemon":
        if os.fork() == 0:
            os.setsid()
            for number in 0, 1, 2:
                os.close(number)
            time.sleep(20)
            os._exit(0)
    elif do == "atexit":
        atexit.register(lambda: open(os.path.join(folder, "atexit"), "a").write("at exit\\n"))
        write = open(os.path.join(folder, "thread"), "a").write
        threading.Thread(target=lambda: (time.sleep(0.3), write("thread\\n"))).start()
        result = {"temporary": tempfile.TemporaryDirectory().name}
        globals()["kept"] = tempfile.TemporaryDirectory(dir=folder)
    elif do == "sleep":
        child = subprocess.Popen(["sleep", "300"])
        with open(os.path.join(folder, "pids"), "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        os.rename(os.path.join(folder, "pids"), os.path.join(folder, "running"))
        time.sleep(300)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
"""

USES = """
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.{util} import ANSWER

AnsibleModule({{}}).exit_json(answer=ANSWER)
"""

CONFIG = """
[defaults]
collections_path = {collections}
[connection]
pipelining = True
"""


def play(tasks: list[dict[str, t.Any]], connection: str, hosts: str = "localhost") -> dict[str, t.Any]:
    variables = {"ansible_connection": connection, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"hosts": hosts, "gather_facts": False, "vars": variables, "tasks": tasks}


class Folder:
    """A playbook with the modules of these tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name, text in {
            "library/probe.py": PROBE,
            "library/uses_own.py": USES.format(util="own"),
            "module_utils/own.py": 'ANSWER = "own"\n',
            "ansible.cfg": CONFIG.format(collections=ROOT / ".collections"),
        }.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def start(self, plays: list[dict[str, t.Any]], *arguments: str) -> subprocess.Popen[str]:
        (self.path / "play.yml").write_text(json.dumps(plays))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return subprocess.Popen(
            [Path(sys.executable).parent / "ansible-playbook", "play.yml", *arguments],
            cwd=self.path,
            env={**environment, "ANSIBLE_CONFIG": str(self.path / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "false"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, plays: list[dict[str, t.Any]], *arguments: str) -> str:
        output, _nothing = self.start(plays, *arguments).communicate()
        return output


def probe(do: str, **options: t.Any) -> dict[str, t.Any]:
    return {"probe": {"do": do, **options}}


def tasks(folder: Path) -> dict[str, dict[str, t.Any]]:
    """The tasks that are run over both connections, by the name of their result."""
    simple = ["about", "fail", "rc", "raise", "base", "exit", "sys_exit", "silent", "killed", "bytes", "warn"]
    simple += ["background", "daemon"]
    return {
        **{name: probe(name) for name in simple},
        "secret": probe("secret", secret="hush"),
        "big": probe("big", text="{{ 'x' * 1000000 }}"),
        "atexit": probe("atexit", folder=str(folder)),
        "again": probe("about"),
        "with_environment": {**probe("about"), "environment": {"COLOUR": "dark green", "EMPTY": ""}},
        "with_an_environment_for_python": {**probe("about"), "environment": {"PYTHONHASHSEED": "0"}},
        "asynchronous": {**probe("about"), "async": 30, "poll": 1},
        "become": {**probe("about"), "become": True, "become_user": "nobody", "become_method": "ansible.builtin.su"},
        "unpipelined": {**probe("about"), "vars": {"ansible_pipelining": False}},
        "interpreter": {**probe("about"), "vars": {"ansible_python_interpreter": "/usr/bin/env python3"}},
        "no_log": {**probe("rc"), "no_log": True},
        "check": {**probe("check"), "check_mode": True, "diff": True},
        "timeout": {**probe("sleep", folder=str(folder)), "timeout": 3},
        "own": {"uses_own": {}},
        "stat": {"ansible.builtin.stat": {"path": "/etc/passwd"}},
        "command": {"ansible.builtin.command": "sh -c 'echo out; echo err >&2; exit 4'"},
        "shell": {"ansible.builtin.shell": "kill -9 $$"},
        "raw": {"ansible.builtin.raw": "echo raw; exit 3"},
        "copy": {"ansible.builtin.copy": {"content": "a\n", "dest": str(folder / "copied")}, "diff": True},
        "bad": {"ansible.builtin.stat": {"pth": 1}},
        "looped": {**probe("rc"), "loop": [1, 2, 3]},
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, dict[str, t.Any]]]:
    """What all tasks gave over both connections, the folder they were given, and the output of the run."""
    found = {}
    for connection in "local", FORK:
        folder = Folder(tmp_path_factory.mktemp("play"))
        given = tasks(folder.path)
        names = list(given)
        told = "{{ dict(names | zip(query('ansible.builtin.vars', *names))) | to_json }}"
        last = {
            "ansible.builtin.copy": {"content": told, "dest": str(folder.path / "results")},
            "vars": {"names": names},
            "no_log": True,
        }
        run = [{**task, "name": name, "register": name, "ignore_errors": True} for name, task in given.items()]
        output = folder.run([play([*run, last], connection)], "-vvv")
        assert (folder.path / "results").exists(), output
        found[connection] = json.loads((folder.path / "results").read_text(), strict=False)
        found[connection]["output"] = output
        found[connection]["folder"] = str(folder.path)
    for each in found.values():
        os.kill(each["background"]["pid"], signal.SIGTERM)
    yield found
    # Ansible's own connection leaves them.
    for pid in running(Path(found["local"]["folder"]) / "running"):
        os.kill(pid, signal.SIGKILL)


def alike(value: t.Any, folder: str) -> t.Any:
    """A result without what differs from run to run, and from place to place of the same code."""
    if isinstance(value, dict):
        volatile = {"start", "end", "delta", "parent", "pid", "temporary", "exception", "module_stderr", "SHLVL"}
        volatile |= {"files", "atime", "ansible_job_id", "results_file", "src", "ctime", "mtime", "inode", "LINES"}
        return {key: alike(item, folder) for key, item in value.items() if key not in volatile}
    if isinstance(value, list):
        return [alike(item, folder) for item in value]
    return value.replace(folder, "FOLDER") if isinstance(value, str) else value


@pytest.mark.parametrize("name", tasks(Path("/")))
def test_every_result_is_that_of_local(results: dict[str, dict[str, t.Any]], name: str) -> None:
    local, fork = results["local"], results[FORK]
    assert alike(fork[name], fork["folder"]) == alike(local[name], local["folder"])


SLOW = ["with_an_environment_for_python", "asynchronous", "become", "unpipelined", "interpreter"]


def test_the_quick_way_is_taken(results: dict[str, dict[str, t.Any]]) -> None:
    for name in "about", "again":
        assert "ansible-playbook" in results[FORK][name]["parent"]
        assert "ansible-playbook" not in results["local"][name]["parent"]
    assert "FORK" not in results["local"]["output"]


def forked(output: str) -> list[str]:
    """The tasks that were run in a fork."""
    parts = re.split(r"^TASK \[(.*?)\].*$", output, flags=re.MULTILINE)[1:]
    return [name for name, part in zip(parts[::2], parts[1::2], strict=True) if "> FORK" in part]


def test_all_else_is_left_to_local(results: dict[str, dict[str, t.Any]]) -> None:
    given = tasks(Path("/"))
    # What looks after an asynchronous module is one that runs in a fork.
    expected = [name for name in given if name not in {*SLOW, "raw"} - {"asynchronous"}]
    assert [name for name in forked(results[FORK]["output"]) if name in given] == expected
    for name in "with_an_environment_for_python", "asynchronous", "unpipelined":
        assert "ansible-playbook" not in results[FORK][name]["parent"]


@BOTH
def test_a_module_can_not_tell_that_it_is_in_a_fork(results: dict[str, dict[str, t.Any]], connection: str) -> None:
    about = results[connection]["about"]
    assert about["is_controller"] is False
    assert about["controller"] == []
    assert about["threads"] == ["MainThread"]
    # The three, and the folder that is read.
    assert len([number for number in about["files"] if number > 2]) == 1
    assert about["stdin"] == ""


@BOTH
def test_what_a_module_ends_with(results: dict[str, dict[str, t.Any]], connection: str) -> None:
    of = results[connection]
    assert (of["exit"]["rc"], of["sys_exit"]["rc"], of["killed"]["rc"]) == (7, 1, 137)
    assert of["sys_exit"]["module_stderr"].rstrip().endswith("Not today.")
    assert "RuntimeError: Something broke." in of["output"] or "Something broke." in of["raise"]["msg"]
    assert "KeyboardInterrupt" in of["base"]["module_stderr"]
    assert of["fail"]["rc"] == 5
    assert of["big"]["length"] == 1_000_000
    assert len(of["big"]["out"]) == 3_000_000
    assert "hush" not in of["output"]
    assert "Timed out after 3 second(s)" in of["timeout"]["msg"]
    assert of["own"]["answer"] == "own"


def test_another_version_of_what_is_imported_is_left_to_local(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    # One that AnsibleModule itself uses.
    changed = folder.path / "module_utils/common/text/formatters.py"
    changed.parent.mkdir(parents=True)
    changed.write_text(Path(formatters.__file__).read_text() + '\nANSWER = "changed"\n')
    (folder.path / "library/uses_changed.py").write_text(USES.format(util="common.text.formatters"))
    output = folder.run([play([{"uses_changed": {}}], FORK)], "-vvv")
    assert '"answer": "changed"' in output
    assert "> FORK" not in output


@BOTH
def test_what_runs_at_the_end_of_a_module(results: dict[str, dict[str, t.Any]], connection: str) -> None:
    folder = Path(results[connection]["folder"])
    assert (folder / "atexit").read_text() == "at exit\n"
    assert (folder / "thread").read_text() == "thread\n"
    assert not Path(results[connection]["atexit"]["temporary"]).exists()
    assert not list(folder.glob("tmp*"))


def running(path: Path) -> list[int]:
    """Those of the two processes that still run."""
    found = []
    for pid in path.read_text().split():
        with contextlib.suppress(FileNotFoundError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX":
                found.append(int(pid))
    return found


def wait_until(condition: t.Callable[[], t.Any], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_timeout_leaves_no_process(results: dict[str, dict[str, t.Any]]) -> None:
    processes = Path(results[FORK]["folder"]) / "running"
    wait_until(lambda: not running(processes), "The module outlives its time-out.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    folder = Folder(tmp_path)
    process = folder.start([play([probe("sleep", folder=str(tmp_path))], FORK)])
    wait_until((tmp_path / "running").exists, "The module does not start.")
    process.send_signal(number)
    process.communicate()
    wait_until(lambda: not running(tmp_path / "running"), "The module outlives the run.", 10)
    assert process.returncode != 0


def test_a_module_dies_with_its_worker(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    process = folder.start([play([probe("sleep", folder=str(tmp_path))], FORK)])
    wait_until((tmp_path / "running").exists, "The module does not start.")
    module, child = map(int, (tmp_path / "running").read_text().split())
    worker = int(Path(f"/proc/{module}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(worker, signal.SIGKILL)
    process.communicate()
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: not running(tmp_path / "running"), "The module outlives the worker.", 10)


def test_hosts_side_by_side(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    hosts = [f"host{number}" for number in range(8)]
    add = {"ansible.builtin.add_host": {"name": "{{ item }}", "groups": "many"}, "loop": hosts}
    same = {"ansible.builtin.assert": {"that": "told.out == inventory_hostname * 300000"}}
    each = [{**probe("big", text="{{ inventory_hostname * 100000 }}"), "register": "told"}, same]
    output = folder.run([play([add], "local"), play(each, FORK, "many")], "--forks", "8")
    for host in hosts:
        assert re.search(rf"{host} +: ok=2 .*failed=0", output), output


@pytest.mark.parametrize("beside", [False, True])
def test_imports_beside_the_playbook_are_inherited(tmp_path: Path, beside: bool) -> None:
    folder = Folder(tmp_path)
    if beside:
        plugin = tmp_path / "connection_plugins/imports.py"
        plugin.parent.mkdir()
        plugin.write_text(
            "from ansible_collections.workshop.production_patterns.plugins.connection.fork import Connection, preload\n"
            'preload("xmlrpc.client", "no.such.module", "ansible.module_utils.urls")\n'
        )
    copy = {"ansible.builtin.copy": {"content": "{{ told.imported | to_json }}", "dest": str(tmp_path / "told")}}
    output = folder.run([play([{**probe("about"), "register": "told"}, copy], FORK)])
    expected = ["xmlrpc.client", "ansible.module_utils.urls"] if beside else []
    assert json.loads((tmp_path / "told").read_text()) == expected, output


KEEPS = """
from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.connection.fork import Connection
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.payloads import keep_payloads

keep_payloads(Path("kept"), collections=[])
"""


@BOTH
def test_what_ansible_made_of_a_module_is_there_in_the_next_run(tmp_path: Path, connection: str) -> None:
    folder = Folder(tmp_path)
    plugin = tmp_path / "connection_plugins/keeps.py"
    plugin.parent.mkdir()
    plugin.write_text(KEEPS)
    plays = [play([{"ansible.builtin.ping": {"data": "once more"}}, probe("about")], connection)]
    first, second = (folder.run(plays, "-vvvvv") for _run in range(2))
    for output in (first, second):
        assert "failed=0" in output, output
        assert '"ping": "once more"' in output, output
    # The module of these tests stands beside the playbook, and may have changed.
    made = [output.count("Including module_utils file ansible/module_utils/basic.py") for output in (first, second)]
    assert made == [2, 1]


# Names that can't be imported are passed over, so that one that is mistyped would only be slow.
IMPORTS = """
import ast, pathlib, runpy, sys
from ansible.plugins.loader import init_plugin_loader

init_plugin_loader(sys.argv[2:])
runpy.run_path(sys.argv[1])
from ansible_collections.workshop.production_patterns.plugins.connection import fork

calls = [node for node in ast.walk(ast.parse(pathlib.Path(sys.argv[1]).read_text())) if isinstance(node, ast.Call)]
names = [argument.value for call in calls for argument in call.args]
print(len(names), [name for name in names if name not in sys.modules and name not in fork._imports.modules])
"""


def test_the_playbooks_import_what_there_is() -> None:
    plugin = ROOT / "playbooks/connection_plugins/imports.py"
    run = [sys.executable, "-c", IMPORTS, str(plugin), str(ROOT / ".collections")]
    number, missing = subprocess.check_output(run, text=True).strip().split(" ", 1)
    assert int(number) > 5
    assert missing == "[]"
