# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: fork
short_description: Execute on the controller, modules in a fork instead of a new Python
version_added: 1.0.0
description:
  - This is P(ansible.builtin.local#connection) in everything but one thing. A Python module that is pipelined to the
    very interpreter that runs Ansible is not given to a new Python. It runs in a fork of Ansible's worker, which has
    C(ansible.module_utils) imported already. For a short module that is most of its time.
  - All else is left to P(ansible.builtin.local#connection), such as tasks with C(become) or C(async), or
    with an C(environment) that a Python reads when it starts (C(PYTHON*), C(LC_*), C(LD_*) and the like),
    modules for another interpreter, that aren't written in Python or that are not pipelined, and commands. The same
    goes for a module that brings another version of something imported already, for a debugger or the measuring of
    coverage, for a wrapper of modules other than the one of the ansible-core that runs, and for systems other than
    Linux, which don't let a process die with its parent.
  - What a module imports is imported anew by each fork, unless the process that Ansible's workers are forks of has it
    imported. See the example for how to have that.
options:
  pipelining:
    type: boolean
    default: true
    description:
      - Without it all modules are left to P(ansible.builtin.local#connection).
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: connection
        key: pipelining
      - section: defaults
        key: pipelining
    vars:
      - name: ansible_pipelining
  become_success_timeout:
    type: int
    default: 10
    description:
      - Number of seconds to wait for C(become) to succeed. See P(ansible.builtin.local#connection).
    vars:
      - name: ansible_local_become_success_timeout
  become_strip_preamble:
    type: bool
    default: true
    description:
      - Strip what C(become) prints before the command. See P(ansible.builtin.local#connection).
    vars:
      - name: ansible_local_become_strip_preamble
notes:
  - Some of what a module sees is the controller's. Packages that Ansible has imported are not imported again, so a
    module that follows their upgrade in the same run still has the former ones.
  - A module that outlives the task's C(timeout), or the worker, is killed with all processes of its group.
  - With C(-vvv) every module that runs so is shown as C(FORK).
seealso:
  - plugin: ansible.builtin.local
    plugin_type: connection
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
# For all hosts that are this machine
# group_vars/all.yml
ansible_connection: workshop.production_patterns.fork
ansible_python_interpreter: "{{ ansible_playbook_python }}"

# The implicit localhost has a connection of its own, so host_vars/localhost.yml says the first of the two once more.

# Once more with Ansible's own connection
# ansible-playbook site.yml -e ansible_connection=local

# Ansible loads connection plugins beside a playbook before it forks. One that only imports spares each module to.
# connection_plugins/imports.py:
#
#   from ansible_collections.workshop.production_patterns.plugins.connection.fork import Connection, preload
#
#   preload("kubernetes", "ansible_collections.kubernetes.core.plugins.module_utils.k8s.core")
"""

import ast
import atexit
import base64
import contextlib
import ctypes
import dataclasses
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import locale
import logging
import multiprocessing.process
import multiprocessing.util
import os
import selectors
import shlex
import signal
import sys
import threading
import traceback
import types
import typing as t
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import ansible
from ansible.executor import module_common
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display

_ROOTS = ("ansible", "ansible_collections")
# What every module brings.
_ALWAYS = (
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._ansiballz._loader",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.module_utils._internal._json._profiles._module_modern_c2m",
    "ansible.module_utils._internal._json._profiles._module_modern_m2c",
)
_CALL = b'\n\n\nif __name__ == "__main__":\n    _ansiballz_main(\n'
# What a Python, or a library, reads when it starts and never again.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "TZ", "MALLOC_", "GLIBC_", "OPENSSL_")
_PR_SET_PDEATHSIG = 1
_DEADLY = (signal.SIGINT, signal.SIGTERM)

Checksum = tuple[int, int]
"""CRC-32 and size, as an archive's directory has them of each file."""

display = Display()


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _ROOTS


def _checksum(source: bytes) -> Checksum:
    return zlib.crc32(source), len(source)


def _stubs() -> dict[str, bytes]:
    """The packages that Ansible gives modules in place of its own."""
    extend = b"from pkgutil import extend_path\n__path__=extend_path(__path__,__name__)\n"
    about = f'__version__="{ansible.__version__}"\n__author__="{ansible.__author__}"\n'
    return {"ansible": extend + about.encode(), "ansible.module_utils": extend}


def _folder(name: str) -> Path | None:
    """Where a package of Ansible's or a collection is installed, without importing any."""
    parts = name.split(".")
    if parts[0] == "ansible":
        return Path(ansible.__file__).parent.joinpath(*parts[1:])
    collection = _collections.get(".".join(parts[:3]))
    return collection.joinpath(*parts[3:]) if collection else None


_collections: dict[str, Path] = {}


def _note_collection(name: str) -> None:
    """Note where the collection of a module is, which only the controller's finder knows."""
    parts = name.split(".")
    if parts[0] == "ansible_collections" and len(parts) > 3:
        collection = ".".join(parts[:3])
        if collection not in _collections:
            _collections[collection] = Path(importlib.import_module(collection).__path__[0])


def _is_bare(name: str) -> bool:
    """Whether it is one of the packages above a collection's modules, which Ansible gives modules without content."""
    return name.startswith("ansible_collections") and name.count(".") <= 4


def _spec(name: str, path: Path) -> importlib.machinery.ModuleSpec | None:
    search = [str(path.parent)] if path.name == "__init__.py" else None
    return importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)


class _Source(importlib.abc.InspectLoader):
    """Loads a package from a few lines of source."""

    def __init__(self, source: bytes) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:
        return self._source.decode()

    def is_package(self, fullname: str) -> bool:
        return True


def _bare_package(name: str, source: bytes) -> importlib.machinery.ModuleSpec:
    folder = _folder(name)
    origin = str(folder / "__init__.py") if folder else None
    spec = importlib.machinery.ModuleSpec(name, _Source(source), origin=origin, is_package=True)
    spec.submodule_search_locations = [str(folder)] if folder else []
    spec.has_location = origin is not None
    return spec


def _source(name: str) -> Path | None:
    """The file that a module of Ansible's or a collection is installed as."""
    folder = _folder(name)
    if folder is None:
        return None
    return next((file for file in (folder / "__init__.py", folder.with_suffix(".py")) if file.is_file()), None)


class _Installed(importlib.abc.MetaPathFinder):
    """Finds installed modules as a module that Ansible runs would find them in its archive."""

    def __init__(self, imports: _Imports) -> None:
        self._imports = imports

    def find_spec(
        self, fullname: str, path: t.Any, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not _is_ours(fullname):
            return None
        checksums = self._imports.checksums
        if fullname in _stubs() or _is_bare(fullname):
            source = _stubs().get(fullname, b"")
            checksums[fullname] = _checksum(source)
            return _bare_package(fullname, source)
        file = _source(fullname)
        folder = _folder(fullname)
        if file is None and folder is not None and folder.is_dir():
            checksums[fullname] = _checksum(b"")
            return _bare_package(fullname, b"")
        if file is None:
            if fullname.startswith("ansible."):
                # It may be for the finder of six.moves, which is last while six is imported.
                return None
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        checksums[fullname] = _checksum(file.read_bytes())
        return _spec(fullname, file)


class _Imports:
    """Modules of ansible and ansible_collections as a new Python would have them, apart from the controller's."""

    def __init__(self) -> None:
        self.modules: dict[str, types.ModuleType] = {}
        self.checksums: dict[str, Checksum] = {}
        self.finders: list[t.Any] = []

    def take_over(self, finder: importlib.abc.MetaPathFinder) -> None:
        """Put these in place of the controller's."""
        for name in [name for name in sys.modules if _is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(self.modules)
        others = [other for other in sys.meta_path if not _is_of_ansible(other)]
        sys.meta_path[:] = [*self.finders, finder, *others]

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Have these in place of the controller's for a while, and keep what is imported meanwhile."""
        controllers = {name: module for name, module in sys.modules.items() if _is_ours(name)}
        finders = sys.meta_path[:]
        installed = _Installed(self)
        self.take_over(installed)
        try:
            yield
        finally:
            self.modules = {name: module for name, module in sys.modules.items() if _is_ours(name)}
            # The finder of six.moves is one of them.
            self.finders = [other for other in sys.meta_path if other is not installed and _is_of_ansible(other)]
            for name in self.modules:
                del sys.modules[name]
            sys.modules.update(controllers)
            sys.meta_path[:] = finders

    def add(self, *names: str) -> None:
        """Import modules. One that can't be imported is left to whoever needs it, to say so."""
        for name in names:
            with contextlib.suppress(ImportError):
                _note_collection(name)
        with self.in_place():
            for name in names:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)


def _is_of_ansible(finder: t.Any) -> bool:
    kind = finder if isinstance(finder, type) else type(finder)
    return _is_ours(kind.__module__)


_imports = _Imports()


def preload(*names: str) -> None:
    """Import modules for all forks of this process to come.

    :param names: Full names of Python modules. Those of C(ansible.module_utils) and of collections are imported as
        a module that Ansible runs sees them, others for the whole process. One that is not installed is passed over:
        the module that needs it says so.
    """
    _imports.add(*names)


@dataclasses.dataclass(frozen=True)
class _Payload:
    """A module as Ansible sends it to a Python."""

    code: bytes
    names: frozenset[str]
    """All modules in its archive."""
    installed: dict[str, Path]
    """Those of them that are installed exactly so."""


class _Payloads(importlib.abc.MetaPathFinder):
    """Finds the modules of a payload: in what is installed, which is compiled already, where that is the same."""

    def __init__(self, payload: _Payload) -> None:
        self._payload = payload

    def find_spec(
        self, fullname: str, path: t.Any, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in self._payload.installed:
            return _spec(fullname, self._payload.installed[fullname])
        parents = fullname.split(".")[:-1]
        if fullname in self._payload.names:
            # The payload has put its archive first.
            return importlib.machinery.PathFinder.find_spec(fullname, [str(Path(sys.path[0], *parents))])
        package = ".".join(parents)
        if package in self._payload.names and package not in _stubs():
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def _parse(code: bytes) -> _Payload | None:
    """Read a payload of this very ansible-core, or give None for one that has to run in a new Python."""
    try:
        return _parse_known(code)
    except (AttributeError, KeyError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile) as error:
        # Another ansible-core may write it otherwise.
        display.vvv(f"The payload of a module is left to a new Python: {error}")
        return None


def _parse_known(code: bytes) -> _Payload | None:
    if not _imports.modules.keys() >= set(_ALWAYS):
        return None
    wrapper, call, rest = code.rpartition(_CALL)
    shebang, _newline, _body = wrapper.partition(b"\n")
    if not call or wrapper != module_common._get_ansiballz_code(shebang.decode()).encode():
        return None
    arguments = ast.parse(b"call(\n" + rest, mode="eval").body
    if not isinstance(arguments, ast.Call):
        return None
    values = {keyword.arg: keyword.value for keyword in arguments.keywords}
    if ast.literal_eval(values["extensions"]):
        return None
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(ast.literal_eval(values["zip_data"]))))
    checksums = {}
    for entry in archive.infolist():
        if entry.filename.endswith(".py"):
            name = entry.filename.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            checksums[name] = (entry.CRC, entry.file_size)
    if any(_imports.checksums.get(name, checksum) != checksum for name, checksum in checksums.items()):
        return None
    installed = {}
    for name in checksums.keys() - _imports.modules.keys() - _stubs().keys():
        with contextlib.suppress(ImportError):
            _note_collection(name)
        source = _source(name)
        if source is not None and _checksum(source.read_bytes()) == checksums[name]:
            installed[name] = source
    return _Payload(code, frozenset(checksums), installed)


class Connection(LocalConnection):
    """Local connections that run modules in a fork."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command, or the module that is pipelined to it, and give its exit code, stdout and stderr."""
        environment = self._environment_of_module(cmd)
        payload = _parse(in_data) if environment is not None and in_data else None
        if payload is None:
            result: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
            return result
        display.vvv("FORK", host=self._play_context.remote_addr)
        return _Fork(payload, self.cwd, environment or {}).communicate()

    def _environment_of_module(self, cmd: str) -> dict[str, str] | None:
        """What a command sets for a module in this very interpreter, or None where it is another command."""
        if sys.platform != "linux" or self.become is not None:
            return None
        environment: dict[str, str] = {}
        try:
            _executable, _option, script = shlex.split(cmd)
            for word in shlex.split(script):
                name, sign, value = word.partition("=")
                if not sign:
                    break
                environment[name] = value
        except ValueError:
            return None
        if any(name.startswith(_READ_AT_START) for name in environment):
            return None
        python = f"{self._shell.env_prefix(**environment)} {sys.executable}".strip()
        known = f"{self._play_context.executable} -c {shlex.quote(self._shell.append_command(python, 'sleep 0'))}"
        return environment if cmd == known else None


class _Fork:
    """A payload that runs in a fork of this process, in a process group of its own."""

    def __init__(self, payload: _Payload, cwd: str | bytes | None, environment: dict[str, str]) -> None:
        self._payload = payload
        self._cwd = cwd
        self._environment = environment
        self._pid = 0

    def communicate(self) -> tuple[int, bytes, bytes]:
        """Run it to its end, and give its exit code as a shell does, its stdout and its stderr."""
        former: dict[int, t.Any] = {number: signal.getsignal(number) for number in _DEADLY}
        # No signal comes before it is known whom to kill.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*_DEADLY, signal.SIGALRM})
        out, out_of_child = os.pipe()
        err, err_of_child = os.pipe()
        worker = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.setpgid(0, 0)
                _die_with(worker)
                _be_new(out_of_child, err_of_child, self._cwd, mask)
                os.environ.update(self._environment)
                _run(self._payload)
            except BaseException:
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(1)
        waited = False
        try:
            with contextlib.suppress(PermissionError, ProcessLookupError):
                # It does the same, whoever comes first. A child that has ended already needs none.
                os.setpgid(self._pid, self._pid)
            os.close(out_of_child)
            os.close(err_of_child)
            for deadly in _DEADLY:
                signal.signal(deadly, lambda number, frame: self._die(former[number], number, frame))
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            stdout, stderr = _read(out, err)
            _pid, status = os.waitpid(self._pid, 0)
            waited = True
        finally:
            if not waited:
                self._kill()
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self._pid, 0)
            for number, handler in former.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.close(out)
            os.close(err)
        code = os.waitstatus_to_exitcode(status)
        return (code if code >= 0 else 128 - code), stdout, stderr

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def _die(self, handler: t.Any, number: int, frame: types.FrameType | None) -> None:
        self._kill()
        signal.signal(number, handler)
        os.kill(os.getpid(), number)


def _read(*files: int) -> list[bytes]:
    """Read all that is written to some pipes, until nobody can write to them any more."""
    read = {file: bytearray() for file in files}
    with selectors.DefaultSelector() as selector:
        for file in files:
            selector.register(file, selectors.EVENT_READ)
        while selector.get_map():
            for key, _events in selector.select():
                chunk = os.read(key.fd, 1 << 16)
                read[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fd)
    return [bytes(read[file]) for file in files]


def _die_with(worker: int) -> None:
    """Have the kernel kill this process when its parent ends, however that comes."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != worker:
        os._exit(1)


def _be_new(out: int, err: int, cwd: str | bytes | None, mask: set[t.Any]) -> None:
    """Forget what the controller has made of this process, as far as a module could see it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in (nothing, 0), (out, 1), (err, 2):
        os.dup2(file, number)
    gc.freeze()
    atexit._clear()
    weakref.finalize._registry.clear()  # type: ignore[attr-defined]
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]
    multiprocessing.util._finalizer_registry.clear()  # type: ignore[attr-defined]
    atexit.register(multiprocessing.util._exit_function)  # type: ignore[attr-defined]
    multiprocessing.process._children.clear()  # type: ignore[attr-defined]
    for each in signal.valid_signals():
        if callable(signal.getsignal(each)):
            signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    for entry in list(Path("/proc/self/fd").iterdir()):
        if int(entry.name) > 2:
            # One of them was the folder's own.
            with contextlib.suppress(OSError):
                os.close(int(entry.name))
    # Ansible has replaced how its stdout treats what can't be encoded, and left its stdin as Python made both.
    errors = sys.__stdin__.errors if sys.__stdin__ else "strict"
    unbuffered = bool(sys.__stdout__ and sys.__stdout__.write_through)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors=errors, closefd=False)  # type: ignore[misc] # noqa: SIM115
    sys.stdout = sys.__stdout__ = _writer(1, errors, unbuffered, by_line=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace", unbuffered, by_line=True)  # type: ignore[misc]

    if cwd is not None:
        os.chdir(cwd)
    main = sys.modules["__main__"]
    script = Path(getattr(main, "__file__", None) or "").resolve()
    started_from = str(script.parent if main.__spec__ is None else Path.cwd())
    sys.path[:] = [entry for entry in sys.path if entry != started_from]
    sys.path_hooks[:] = [hook for hook in sys.path_hooks if not _is_ours(getattr(hook, "__module__", "") or "")]
    sys.path_importer_cache.clear()
    sys.argv[:] = [""]
    sys.excepthook = sys.__excepthook__
    locale.setlocale(locale.LC_ALL, "C")
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")
    logging.root.handlers.clear()
    logging.root.setLevel(logging.WARNING)


def _writer(number: int, errors: str | None, unbuffered: bool, *, by_line: bool) -> io.TextIOWrapper:
    """Open one of the standard streams as Python does, which minds PYTHONUNBUFFERED."""
    binary = open(number, "wb", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        t.cast("io.BufferedWriter", binary),
        "utf-8",
        errors,
        line_buffering=by_line and not unbuffered,
        write_through=unbuffered,
    )


def _run(payload: _Payload) -> t.NoReturn:
    """Run a payload as Python runs a script from its stdin, and end this process with its exit code."""
    controllers = dict(sys.modules)
    _imports.take_over(_Payloads(payload))
    for name in _imports.checksums.keys() - payload.names:
        sys.modules.pop(name, None)
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    code = 0
    try:
        exec(compile(payload.code, "<stdin>", "exec"), main.__dict__)
    except SystemExit as ending:
        code = _exit_code(ending)
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(error)
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    del controllers
    os._exit(code)


def _exit_code(ending: SystemExit) -> int:
    if ending.code is None:
        return 0
    if isinstance(ending.code, int):
        return ending.code & 0xFF
    print(ending.code, file=sys.stderr)
    return 1


preload(*_ALWAYS)
