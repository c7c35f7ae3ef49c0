# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final, TypedDict

TEXT_LIMIT_BYTES: Final = 64 * 1024

# With the prefixes and suffixes of distributions, as in x86_64-linux-gnu-gcc-14.
_COMPILERS: Final = re.compile(
    r"([\w.]+-)*(cc|c\+\+|c89|c99|gcc|g\+\+|clang|clang\+\+|tcc|gfortran|gccgo)(-[\d.]+)?"
    r"|cc1|cc1plus|go|rustc|javac|ghc|zig"
)
_PACKAGE_MANAGERS: Final = re.compile(
    r"apt|apt-get|aptitude|dpkg|apk|yum|dnf5?|microdnf|rpm|zypper|pacman|pip[\d.]*|npm"
)
_SHELLS: Final = re.compile(r"sh|ash|bash|dash|zsh|ksh|mksh|fish|busybox")
_SOURCES: Final = frozenset((".c", ".cc", ".cpp", ".cxx", ".go", ".rs", ".java"))
# Where distributions and toolchains keep sources of their own; /usr/src is for those of the user.
_THEIR_SOURCES: Final = (
    *("/usr/include/", "/usr/lib/", "/usr/libexec/", "/usr/share/"),
    *("/usr/local/go/", "/usr/local/include/", "/usr/local/lib/", "/usr/local/share/", "/proc/"),
)
# What the engine puts into each container; these are the image's own only when there is something in them.
OF_THE_ENGINE: Final = frozenset(
    ("/.dockerenv", "/dev/console", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf")
)
# The instructions that change the configuration only, as the classic builder and BuildKit put them.
_CONFIGURATION: Final = re.compile(
    r"(/bin/sh -c #\(nop\)\s+)?"
    r"(ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b.*",
    re.DOTALL,
)


class Contents(TypedDict):
    entries: int
    compilers: list[str]
    package_managers: list[str]
    shells: list[str]
    sources: list[str]


class Layer(TypedDict):
    digest: str | None
    created_by: str
    size_bytes: int


class _Chunks(io.RawIOBase):
    """A file to read from the chunks of a response."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._chunks, b"")
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _archive(chunks: Iterable[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BufferedReader(_Chunks(chunks)), mode="r|")


def _files(archive: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, tarfile.TarInfo]]:
    for member in archive:
        path = PurePosixPath("/", member.name)
        if not (member.isreg() or member.islnk() or member.issym()):
            continue
        if str(path) in OF_THE_ENGINE and member.size == 0:
            continue
        yield path, member


def _is_program(path: PurePosixPath, member: tarfile.TarInfo) -> bool:
    """Links have no mode of their own, and lead to documentation as well; scripts of a cron are no programs."""
    if member.issym():
        return path.parent.name in ("bin", "sbin")
    return bool(member.mode & 0o111) and path.parts[1] != "etc"


def contents(chunks: Iterable[bytes]) -> Contents:
    """What the export of a container holds."""
    held: Contents = {"entries": 0, "compilers": [], "package_managers": [], "shells": [], "sources": []}
    with _archive(chunks) as archive:
        for path, member in _files(archive):
            held["entries"] += 1
            if path.suffix in _SOURCES and not str(path).startswith(_THEIR_SOURCES):
                held["sources"].append(str(path))
            if not _is_program(path, member):
                continue
            if _COMPILERS.fullmatch(path.name):
                held["compilers"].append(str(path))
            if _PACKAGE_MANAGERS.fullmatch(path.name):
                held["package_managers"].append(str(path))
            if _SHELLS.fullmatch(path.name):
                held["shells"].append(str(path))
    for paths in (held["compilers"], held["package_managers"], held["shells"], held["sources"]):
        paths.sort()
    return held


def text(chunks: Iterable[bytes]) -> str | None:
    """The text of the one file in an archive, up to a limit; None when it is none."""
    with _archive(chunks) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member and member.isreg() else None
        return file.read(TEXT_LIMIT_BYTES).decode(errors="replace") if file else None


def layers(history: Sequence[Mapping[str, Any]], digests: Sequence[str]) -> list[Layer]:
    """The steps of a history, which has the last one first, with the digests of the layers, the first one first."""
    steps: list[Layer] = [
        {"digest": None, "created_by": step["CreatedBy"], "size_bytes": step["Size"]} for step in reversed(history)
    ]
    making = [step for step in steps if step["size_bytes"] or not _CONFIGURATION.fullmatch(step["created_by"])]
    if len(making) == len(digests):
        for step, digest in zip(making, digests, strict=True):
            step["digest"] = digest
    return steps
