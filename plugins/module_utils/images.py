# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the layers of an image hold, read from its export (docker image save).

Layers are known by the digests of what they are unpacked. So it does not matter in which order, under which names and
how compressed an engine exports them, and one that was cut short is not taken for a whole one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final, NamedTuple, TypedDict

from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

try:
    import zstandard
except ImportError:
    zstandard = None  # type: ignore[assignment]

# What the readers of a file say that was cut short, or is something else.
_BROKEN: Final[tuple[type[Exception], ...]] = (
    *(tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile),
    *((zstandard.ZstdError,) if zstandard else ()),
)
TEXT_LIMIT_BYTES: Final = 64 * 1024
# tarfile copies what is left of a block after each header.
_BLOCK_BYTES: Final = 64 * 1024
_DESCRIPTION_LIMIT_BYTES: Final = 16 * 1024 * 1024
# As many as Linux follows.
_LINKS_LIMIT: Final = 40
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"

# Programs that compile, by family, as they are named in a folder of programs wherever that is. Those that are built for
# many targets have one before their name, or a wrapper (x86_64-linux-gnu-gcc); any may have a version after it (gcc-14,
# gcc14, rustc-1.85).
_CROSS_COMPILERS: Final[Mapping[str, str]] = {
    "Ada": r"gnat|gnatmake|gnat1",
    "C and C++": r"cc|c\+\+|c89|c99|gcc|g\+\+|clang|clang\+\+|clang-cl|tcc|pcc|icc|icpc|icx|icpx|dpcpp|nvc|nvc\+\+|sdcc"
    r"|amdclang|amdclang\+\+|armclang|armclang\+\+|emcc|em\+\+|mpicc|mpicxx|mpic\+\+|cc1|cc1plus|lto1",
    "D": r"gdc|ldc2|ldmd2|d21",
    "Fortran": r"gfortran|flang|flang-new|f77|f95|f951|ifort|ifx|lfortran|mpifort|nvfortran",
    "Go": r"gccgo|go1",
    "Haskell": r"ghc",
    "Objective-C": r"cc1obj|cc1objplus",
    "Rust": r"rust1",
}
_COMPILERS: Final[Mapping[str, str]] = {
    "C# and F#": r"mcs|csc|vbc|fsc|fsharpc",
    "COBOL": r"cobc",
    "Crystal": r"crystal",
    "CUDA and HIP": r"nvcc|cicc|ptxas|hipcc",
    "D": r"dmd",
    "Dart": r"dart|dart2js|dart2native|gen_snapshot",
    "Elm": r"elm",
    "Erlang, Elixir and Gleam": r"erlc|elixirc|gleam",
    "Go": r"go|tinygo",
    "Java": r"javac|ecj|native-image",
    "Kotlin, Scala and Groovy": r"kotlinc|kotlinc-jvm|kotlinc-js|kotlinc-native|konanc|scalac|scala-cli|groovyc",
    "Nim": r"nim",
    "OCaml": r"ocamlc|ocamlopt|ocamlc\.(opt|byte)|ocamlopt\.(opt|byte)",
    "Pascal": r"fpc|ppcx64|ppca64",
    "Rust": r"rustc",
    "Solidity": r"solc",
    "Swift": r"swiftc|swift-frontend",
    "TypeScript": r"tsc",
    "Vala": r"valac",
    "Zig": r"zig",
}
# Compilers that are no programs, but libraries that a runtime of their language runs, and those behind a command.
_COMPILER_LIBRARIES: Final[Mapping[str, str]] = {
    ".NET": r".*/(csc|vbc|fsc)\.(dll|exe)",
    "Go": r".*/pkg/tool/[a-z\d]+_[a-z\d]+/compile",
    "Java": r".*/(jdk\.compiler\.jmod|ecj(-[\w.]+)?\.jar)|.*/[^/]*(jdk|java|jvm)[^/]*/(.*/)?lib/tools\.jar",
    "Kotlin and Scala": r".*/(kotlin-compiler|scala3?-compiler(_\d+)?)(-[\w.-]+)?\.jar",
    "Rust": r".*/librustc_driver-[0-9a-f]+\.so",
    "TypeScript": r".*/typescript/lib/(_?tsc|typescript)\.js",
}
_PACKAGE_MANAGERS: Final = re.compile(
    r"apt|apt-get|aptitude|dpkg|apk|yum|dnf5?|microdnf|tdnf|rpm|zypper|pacman|opkg|emerge|xbps-install|nix|nix-env|guix"
    r"|brew|pip[\d.]*|pipx|uv|poetry|conda|mamba|micromamba|npm|yarn|pnpm|gem[\d.]*|composer|cargo|cabal|opam|luarocks"
)
_SHELLS: Final = re.compile(
    r"sh|ash|bash|rbash|dash|zsh|zsh-?[\d.]+|ksh|ksh93|mksh|lksh|yash|csh|tcsh|fish|pwsh"
    r"|(busybox|toybox|bash|zsh)([.-]static)?"
)

# Files that are compiled, by language. Headers and declarations are none: installed libraries bring them too.
_SOURCES: Final[Mapping[str, str]] = {
    "Ada": r"adb",
    "C and C++": r"c|cc|cpp|cxx|c\+\+|cppm|ixx",
    "COBOL": r"cob|cbl",
    "C#, F# and Visual Basic": r"cs|fs|vb",
    "Crystal": r"cr",
    "CUDA": r"cu",
    "Dart": r"dart",
    "Elm": r"elm",
    "Erlang, Elixir and Gleam": r"erl|ex|gleam",
    "Fortran": r"f|f77|f90|f95|f03|f08|for",
    "Go": r"go",
    "Haskell": r"hs",
    "Java": r"java",
    "Kotlin, Scala and Groovy": r"kt|scala|groovy",
    "Nim": r"nim",
    "OCaml": r"ml",
    "Objective-C": r"mm",
    "Pascal": r"pas",
    "Rust": r"rs",
    "Solidity": r"sol",
    "Swift": r"swift",
    "TypeScript": r"(?<!\.d\.)(ts|tsx|mts|cts)",
    "Vala": r"vala",
    "Zig": r"zig",
}
# Where toolchains, package managers and distributions keep sources of their own, wherever that is. /usr/src is for
# those of the user.
_THEIR_SOURCES: Final[Mapping[str, str]] = {
    "distributions": r"/(usr/(local/)?)?(include|lib|lib32|lib64|libx32|libexec)/.*|/usr/(local/)?share/.*"
    r"|/(proc|sys|nix/store|gnu/store)/.*|/usr/src/(linux|kernels|googletest)[^/]*/.*|.*/Cellar/.*",
    "caches": r".*/\.cache/.*",
    "version managers": r".*/(\.(asdf|goenv|jenv|nodenv|nvm|pyenv|rbenv|sdkman)|mise/installs|sdkman/candidates)/.*",
    "C and C++": r".*/lib(exec)?/(gcc|clang)/.*|.*/share/cmake[^/]*/.*|.*/(emsdk|vcpkg|\.conan2?)/.*"
    r"|.*/android-(ndk|sdk)[^/]*/.*",
    "Crystal": r".*/share/crystal/.*",
    "CUDA": r".*/cuda(-[\d.]+)?/.*",
    "Dart": r".*/(\.pub-cache|dart-sdk)/.*|.*/flutter/(bin|dev|examples|packages)/.*",
    ".NET": r".*/(\.?dotnet/(sdk|packs|shared|templates|library-packs)|\.nuget)/.*",
    "Erlang": r".*/erlang/lib/.*",
    # The path of a module begins with the name of a host.
    "Go": r"/usr/local/go/.*|.*/pkg/mod/.*|.*/go-build/.*|.*/vendor/[^/]+\.[^/]+/.*",
    "Haskell": r".*/\.(cabal|ghcup|stack)/.*",
    "Java, Kotlin and Scala": r".*/\.(m2|gradle|ivy2)/.*|.*/(jdk|java|openjdk)[^/]*/(lib|demo|sample)/.*"
    r"|.*/(kotlinc?|scala)[^/]*/lib/.*",
    "JavaScript": r".*/node_modules/.*",
    "Nim": r".*/\.(choosenim|nimble)/.*",
    "OCaml": r".*/(\.opam|_opam|lib/ocaml)/.*",
    "Python": r".*/(site|dist)-packages/.*|.*/lib(64)?/python[\d.]+t?/.*|.*/(ana|mini)?conda\d?/pkgs/.*",
    "Ruby": r".*/gems/.*",
    "Rust": r".*/\.?cargo/(registry|git)/.*|.*/\.?rustup/toolchains/.*|.*/rustlib/.*",
    "Swift": r".*/\.build/checkouts/.*|.*/swift[^/]*/usr/(lib|share|include)/.*",
    "Zig": r".*/zig[^/]*/lib/.*",
}


def _one_of(families: Mapping[str, str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in families.values())


_COMPILER: Final = re.compile(
    rf"(([\w.]+-)*({_one_of(_CROSS_COMPILERS)})|{_one_of(_COMPILERS)})(-?[\d.]+)?(-posix|-win32)?"
)
_COMPILER_LIBRARY: Final = re.compile(_one_of(_COMPILER_LIBRARIES))
_SOURCE: Final = re.compile(rf".*[^/]\.(?:{_one_of(_SOURCES)})", re.DOTALL | re.IGNORECASE)
_THEIR_SOURCE: Final = re.compile(_one_of(_THEIR_SOURCES), re.DOTALL)
# The standard library in an unpacked archive of Go.
_GO_LIBRARY: Final = re.compile(r"(/.*)?/src/(?:fmt|runtime)/.*", re.DOTALL)


class Step(TypedDict):
    digest: str | None
    created_by: str | None
    size_bytes: int


class Removed(TypedDict):
    path: str
    kind: str
    digest: str
    text: str | None


class Contents(TypedDict):
    size_bytes: int
    layers: list[Step]
    entries: int
    compilers: list[str]
    package_managers: list[str]
    shells: list[str]
    sources: list[str]
    files: dict[str, str | None]
    removed: list[Removed]


class Entry(NamedTuple):
    """What a layer has at a path: its type as tar has it, and where a link leads."""

    type: bytes
    mode: int
    target: str
    layer: Layer

    @property
    def is_file(self) -> bool:
        return self.type in (*tarfile.REGULAR_TYPES, tarfile.LNKTYPE)


Tree = dict[str, Entry]


@dataclass(eq=False)
class Layer:
    """A layer: its entries by path, the paths that it removes, the folders that it empties, and the texts asked for.

    Its folders are those that something of it is in, which it need not name.
    """

    digest: str = ""
    size_bytes: int = 0
    entries: Tree = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    removes: set[str] = field(default_factory=set)
    empties: set[str] = field(default_factory=set)
    texts: dict[str, bytes] = field(default_factory=dict)


class _Chunks(io.RawIOBase):
    """A file to read from the chunks of a response."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or memoryview(next(self._chunks, b""))
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class _Hashed:
    """A file that hashes what is read from it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        """The digest of the whole file, the part that was not read yet included."""
        while self.read(_BLOCK_BYTES):
            pass
        return f"sha256:{self._hash.hexdigest()}"


def _archive(file: Any) -> tarfile.TarFile:
    return tarfile.open(
        fileobj=file, mode="r|", bufsize=_BLOCK_BYTES, encoding="utf-8", errors="surrogateescape", errorlevel=2
    )


def _unpacked(file: IO[bytes], head: bytes) -> Any:
    if head.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    if head.startswith(_ZSTD):
        if zstandard is None:
            raise Problem(
                "A layer of the image is compressed with zstd: install zstandard for the Python that runs this module."
            )
        return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return file


def _fill(layer: Layer, archive: tarfile.TarFile, wanted: set[str]) -> None:
    for member in archive:
        path = posixpath.normpath(f"/{member.name.lstrip('/')}")
        folder, name = posixpath.split(_in_layer(layer, path))
        path = posixpath.join(folder, name)
        _add_folder(layer, folder)
        if name == ".wh..wh..opq":
            layer.empties.add(folder)
        elif name.startswith(".wh."):
            layer.removes.add(posixpath.join(folder, name.removeprefix(".wh.")))
        else:
            target = member.linkname
            if member.islnk():
                target = _in_layer(layer, posixpath.normpath(f"/{target.lstrip('/')}"))
            layer.entries[path] = Entry(member.type, member.mode, target, layer)
            if member.isreg():
                layer.size_bytes += member.size
                if path in wanted and (file := archive.extractfile(member)):
                    layer.texts[path] = file.read(TEXT_LIMIT_BYTES)


def _in_layer(layer: Layer, path: str) -> str:
    """Where an engine unpacks what has this path: it follows the links that the layer itself has on the way."""
    folder, name = posixpath.split(path)
    return posixpath.join(_follow(layer.entries, folder) or folder, name)


def _add_folder(layer: Layer, folder: str) -> None:
    while folder != "/" and folder not in layer.folders:
        layer.folders.add(folder)
        folder = posixpath.dirname(folder)


def _layer(file: IO[bytes], head: bytes, wanted: set[str]) -> Layer | None:
    """The layer in a file; None for what is none, or was cut short."""
    layer = Layer()
    try:
        unpacked = _Hashed(_unpacked(file, head))
        if head:
            with _archive(unpacked) as archive:
                _fill(layer, archive, wanted)
        layer.digest = unpacked.digest()
    except _BROKEN:
        return None
    return layer


def _description(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


class Export:
    """The layers of an export by digest, and the descriptions (of images, manifests…) in it."""

    def __init__(self, chunks: Iterable[bytes], wanted: set[str]) -> None:
        self.layers: dict[str, Layer] = {}
        self.descriptions: list[Any] = []
        try:
            with _archive(io.BufferedReader(_Chunks(chunks), _BLOCK_BYTES)) as archive:
                for member in archive:
                    file = archive.extractfile(member) if member.isreg() else None
                    if file:
                        self._take(file, member.size, wanted)
        except tarfile.TarError:
            # What is missing is missed by its digest.
            pass

    def _take(self, file: Any, size: int, wanted: set[str]) -> None:
        head = file.peek(len(_ZSTD))[: len(_ZSTD)]
        if head[:1] in (b"{", b"[") and size <= _DESCRIPTION_LIMIT_BYTES:
            data = file.read()
            description = _description(data)
            if description is not None:
                self.descriptions.append(description)
                return
            file = io.BytesIO(data)
        layer = _layer(file, head, wanted)
        if layer:
            self.layers[layer.digest] = layer

    def whole(self, digests: Sequence[str]) -> list[Layer]:
        """The layers with these digests, the first one first, or a problem where one is not there."""
        missing = [digest for digest in digests if digest not in self.layers]
        if missing:
            raise Problem(
                f"The engine's export of the image lacks layer {missing[0]} or breaks off in it: look again, and see "
                "the engine's log. A foreign layer, which stays with its vendor, cannot be looked into."
            )
        return [self.layers[digest] for digest in digests]

    def history(self, digests: Sequence[str]) -> list[Mapping[str, Any]]:
        """The history in the image's description, the first step first; empty where there is none."""
        for description in self.descriptions:
            root = description.get("rootfs") if isinstance(description, dict) else None
            if isinstance(root, dict) and (root.get("diff_ids") or []) == list(digests):
                return description.get("history") or []
        return []


def _parents(path: str) -> Iterator[str]:
    while path != "/":
        path = posixpath.dirname(path)
        yield path


def _lay(layer: Layer, tree: Tree) -> None:
    """Lay a layer over the ones below it."""
    replaced = {
        path
        for path, entry in layer.entries.items()
        if entry.type != tarfile.DIRTYPE and path in tree and tree[path].type == tarfile.DIRTYPE
    }
    hidden = layer.removes | replaced
    roofs = hidden | layer.empties
    if roofs:
        for path in [path for path in tree if path in hidden or not roofs.isdisjoint(_parents(path))]:
            del tree[path]
    tree.update(layer.entries)
    # A folder is over a link, even where the layer does not name it.
    for folder in layer.folders:
        if folder not in tree or tree[folder].type != tarfile.DIRTYPE:
            tree[folder] = Entry(tarfile.DIRTYPE, 0o755, "", layer)


def resolve(tree: Tree, path: str) -> str | None:
    """Where a path leads when links are followed; None when that is nowhere, or round in a circle."""
    found = _follow(tree, path)
    return found if found in tree else None


def _follow(tree: Tree, path: str) -> str | None:
    """Where a path leads, whether or not something is there; None when that is round in a circle, or below a file."""
    found, links = "/", 0
    rest = path.split("/")[::-1]
    while rest:
        part = rest.pop()
        if part == "..":
            found = posixpath.dirname(found)
        if part in ("", ".", ".."):
            continue
        at = posixpath.join(found, part)
        entry = tree.get(at)
        if entry and entry.type == tarfile.SYMTYPE:
            links += 1
            if links > _LINKS_LIMIT:
                return None
            found = "/" if entry.target.startswith("/") else found
            rest.extend(entry.target.split("/")[::-1])
        elif entry and entry.type != tarfile.DIRTYPE and rest:
            return None
        else:
            found = at
    return found


def _is_program(tree: Tree, path: str) -> bool:
    """Whether a file, or the one that a link leads to, can be run; scripts of a cron are no programs."""
    found = resolve(tree, path)
    entry = tree[found] if found else None
    return bool(entry and entry.is_file and entry.mode & 0o111) and not path.startswith("/etc/")


def _go_roots(trees: Iterable[Tree]) -> tuple[str, ...]:
    """The folders in which the sources of a Go toolchain stand."""
    paths = {path for tree in trees for path in tree}
    roots = {match[1] or "" for match in map(_GO_LIBRARY.fullmatch, paths) if match}
    return tuple(f"{root}/src/" for root in roots if f"{root}/bin/go" in paths)


def kind(tree: Tree, path: str, their_folders: tuple[str, ...]) -> str | None:
    """What is of interest at a path: "compiler", "package_manager", "shell", "source", or None."""
    name = posixpath.basename(path)
    if _COMPILER_LIBRARY.fullmatch(path) and tree[path].is_file:
        return "compiler"
    for wanted, pattern in (("compiler", _COMPILER), ("package_manager", _PACKAGE_MANAGERS), ("shell", _SHELLS)):
        if pattern.fullmatch(name) and _is_program(tree, path):
            return wanted
    if _SOURCE.fullmatch(path) and not _THEIR_SOURCE.fullmatch(path) and not path.startswith(their_folders):
        found = resolve(tree, path)
        return "source" if found and tree[found].is_file else None
    return None


def printable(path: str) -> str:
    """A path as text, its bytes that are not UTF-8 as in caf\\xe9."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def unprinted(path: str) -> str:
    """The path that printable gives as this one."""

    def raw(found: re.Match[str]) -> str:
        return bytes.fromhex(found[0].replace(r"\x", "")).decode("utf-8", "surrogateescape")

    return re.sub(r"(?:\\x[89a-f][0-9a-f])+", raw, path)


def steps(history: Sequence[Mapping[str, Any]], layers: Sequence[Layer]) -> list[Step]:
    """The steps of a history with the layers that they made; the layers alone where it does not tell these."""
    making = sum(not step.get("empty_layer") for step in history)
    if making != len(layers):
        return [{"digest": layer.digest, "created_by": None, "size_bytes": layer.size_bytes} for layer in layers]
    made = iter(layers)
    found: list[Step] = []
    for step in history:
        layer = None if step.get("empty_layer") else next(made)
        found.append(
            {
                "digest": layer.digest if layer else None,
                "created_by": step.get("created_by") or None,
                "size_bytes": layer.size_bytes if layer else 0,
            }
        )
    return found


class _Place(NamedTuple):
    """Where the text of a file stands: in which layer, and at which path there."""

    layer: Layer
    path: str

    def text(self) -> str:
        return self.layer.texts[self.path].decode(errors="replace")


def _place(tree: Tree, path: str) -> _Place | None:
    found = resolve(tree, path)
    entry = tree[found] if found else None
    if not found or not entry or not entry.is_file:
        return None
    if entry.type == tarfile.LNKTYPE:
        return _Place(entry.layer, entry.target) if entry.target in entry.layer.entries else None
    return _Place(entry.layer, found)


def look(export: Callable[[], Iterable[bytes]], digests: Sequence[str], read: Sequence[str] = ()) -> Contents:
    """What an image holds whose layers have these digests, with the texts of the files to read.

    Calls export again where links lead to files other than those named. Raises Problem where a layer is not there.
    """
    named = {path: unprinted(path) for path in read}
    exported = Export(export(), {posixpath.normpath(f"/{path.lstrip('/')}") for path in named.values()})
    layers = exported.whole(digests)

    tree: Tree = {}
    their_folders = _go_roots(layer.entries for layer in layers)
    ever: set[tuple[str, str, str]] = set()
    places: dict[str, list[_Place | None]] = {path: [] for path in read}
    for layer in layers:
        _lay(layer, tree)
        for path in layer.entries:
            found = kind(tree, path, their_folders)
            if found:
                ever.add((path, found, layer.digest))
        for path, name in named.items():
            places[path].append(_place(tree, name))

    wanted = {place.path for several in places.values() for place in several if place}
    if any(place.path not in place.layer.texts for several in places.values() for place in several if place):
        texts = Export(export(), wanted)
        for layer, again in zip(layers, texts.whole(digests), strict=True):
            layer.texts = again.texts

    now = {path: found for path in tree if (found := kind(tree, path, their_folders))}
    files = {path: several[-1].text() if several and several[-1] else None for path, several in places.items()}
    older: dict[tuple[str, str], Removed] = {}
    for path, found, digest in ever:
        if now.get(path) != found:
            older[path, digest] = {"path": printable(path), "kind": found, "digest": digest, "text": None}
    for path, several in places.items():
        for place in filter(None, several):
            if place.text() != files[path]:
                entry = older.setdefault(
                    (place.path, place.layer.digest),
                    {"path": printable(path), "kind": "file", "digest": place.layer.digest, "text": None},
                )
                entry["text"] = place.text()

    def of(wanted: str) -> list[str]:
        return sorted(printable(path) for path, found in now.items() if found == wanted)

    return {
        "size_bytes": sum(layer.size_bytes for layer in layers),
        "layers": steps(exported.history(digests), layers),
        "entries": sum(entry.is_file or entry.type == tarfile.SYMTYPE for entry in tree.values()),
        "compilers": of("compiler"),
        "package_managers": of("package_manager"),
        "shells": of("shell"),
        "sources": of("source"),
        "files": files,
        "removed": sorted(older.values(), key=lambda one: (one["path"], one["digest"])),
    }
