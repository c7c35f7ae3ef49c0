# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from unittest import mock

import pytest
import zstandard
from ansible_collections.workshop.production_patterns.plugins.module_utils import images
from ansible_collections.workshop.production_patterns.plugins.module_utils.images import (
    TEXT_LIMIT_BYTES,
    look,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

KINDS = {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "dir": tarfile.DIRTYPE, "fifo": tarfile.FIFOTYPE}
Member = tuple[str, str, int, bytes]


def tar(*members: Member) -> bytes:
    """A tar archive of (path, kind, mode, content or target)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", encoding="utf-8", errors="surrogateescape") as archive:
        for path, kind, mode, content in members:
            member = tarfile.TarInfo(path)
            member.mode = mode
            if kind == "file":
                member.size = len(content)
            else:
                member.type, member.linkname = KINDS[kind], content.decode()
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def file(path: str, content: bytes = b"x", mode: int = 0o644) -> Member:
    return path, "file", mode, content


def program(path: str) -> Member:
    return path, "file", 0o755, b"ELF"


def link(path: str, target: str) -> Member:
    return path, "link", 0o777, target.encode()


def digest(layer: bytes) -> str:
    return f"sha256:{hashlib.sha256(layer).hexdigest()}"


def config(layers: Iterable[bytes], history: object = None) -> bytes:
    diff_ids = [digest(layer) for layer in layers]
    return json.dumps({"rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history}).encode()


def squeeze(layer: bytes) -> bytes:
    return gzip.compress(layer, mtime=0)


def classic(layers: list[bytes], history: object = None) -> bytes:
    """As engines with the classic store save an image: the last layer may come first, the manifest last."""
    members = [file(f"{number:02}/layer.tar", layer) for number, layer in enumerate(layers)][::-1]
    return tar(
        ("00/", "dir", 0o755, b""),
        file("00/VERSION", b"1.0"),
        *members,
        file("c.json", config(layers, history)),
        file("manifest.json", b'[{"Config": "c.json"}]'),
    )


def oci(layers: list[bytes], history: object = None, pack=squeeze) -> bytes:
    """As engines with the store of containerd do: blobs, compressed or not, the description before the layers."""
    return tar(
        file("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
        *(file(f"blobs/sha256/{number:02}", blob) for number, blob in enumerate([config(layers, history)])),
        *(file(f"blobs/sha256/{number:02}", pack(layer)) for number, layer in enumerate(layers, 1)),
        file("index.json", b"{}"),
    )


def chunks(whole: bytes) -> list[bytes]:
    """In small pieces, as an engine sends it."""
    return [whole[at : at + 700] for at in range(0, len(whole), 700)]


def contents(*layers: Iterable[Member], read: tuple[str, ...] = (), history: object = None, save=classic):
    tars = [tar(*members) for members in layers]
    return look(lambda: chunks(save(tars, history)), [digest(layer) for layer in tars], read)


def two_frames(layer: bytes) -> bytes:
    half = len(layer) // 2
    return b"".join(zstandard.ZstdCompressor().compress(part) for part in (layer[:half], layer[half:]))


STORES = {
    "classic": classic,
    "gzip": oci,
    "zstd": lambda layers, history: oci(layers, history, zstandard.ZstdCompressor().compress),
    "zstd in two frames": lambda layers, history: oci(layers, history, two_frames),
    "as it is": lambda layers, history: oci(layers, history, bytes),
}


@pytest.mark.parametrize("save", STORES.values(), ids=STORES)
def test_all_stores_give_the_same(save):
    layers = [file("src/hello.c", b"int main"), program("usr/bin/gcc")], [file("src/.wh.hello.c", b"")]
    history = [{"created_by": "COPY"}, {"created_by": "ENV", "empty_layer": True}, {"created_by": "RUN rm"}]
    seen = contents(*layers, read=("/src/hello.c",), history=history, save=save)
    assert seen == contents(*layers, read=("/src/hello.c",), history=history)
    assert seen["size_bytes"] == len(b"int main") + len(b"ELF")
    assert [step["created_by"] for step in seen["layers"]] == ["COPY", "ENV", "RUN rm"]
    assert [step["size_bytes"] for step in seen["layers"]] == [11, 0, 0]
    assert seen["layers"][1]["digest"] is None
    assert seen["layers"][2]["digest"] == digest(tar(*layers[1]))
    assert seen["compilers"] == ["/usr/bin/gcc"]


@pytest.mark.parametrize(("save", "pack"), [(classic, bytes), (oci, squeeze)])
def test_an_export_that_was_cut_short_is_never_half_an_answer(save, pack):
    layers = [tar(program("bin/one")), tar(program("bin/two"))]
    whole = save(layers)
    last, size = max((whole.index(pack(layer)), len(pack(layer))) for layer in layers)
    for end in (*range(0, last, 512), last + size // 2):
        with pytest.raises(Problem, match="^The engine's export of the image lacks layer sha256:.* or breaks off"):
            look(functools.partial(chunks, whole[:end]), [digest(layer) for layer in layers])


def test_a_layer_that_was_changed_on_the_way_is_not_taken():
    layer = tar(file("a", b"right"))
    with pytest.raises(Problem, match="lacks layer"):
        look(lambda: [classic([tar(file("a", b"wrong"))])], [digest(layer)])


def test_zstd_that_cannot_be_read_is_told(monkeypatch):
    monkeypatch.setattr(images, "zstandard", None)
    with pytest.raises(Problem, match="install zstandard"):
        contents([file("a")], save=STORES["zstd"])


def test_layers_that_are_the_same_are_exported_once():
    layer = tar(file("a"))
    seen = look(lambda: [classic([layer])], [digest(layer), digest(layer)])
    assert len(seen["layers"]) == 2


def test_an_image_of_nothing():
    assert look(lambda: [classic([])], [])["entries"] == 0


@pytest.mark.parametrize("history", [None, [], [{"created_by": "one step for two layers"}]])
def test_layers_without_a_history_that_fits(history):
    seen = contents([file("a", b"1")], [file("b", b"22")], history=history)
    assert [(step["created_by"], step["size_bytes"]) for step in seen["layers"]] == [(None, 1), (None, 2)]
    assert all(step["digest"] for step in seen["layers"])


def test_a_step_may_tell_nothing():
    assert contents([file("a")], history=[{"created": "2026"}])["layers"][0]["created_by"] is None


COMPILERS = [
    *(
        "usr/bin/x86_64-linux-gnu-gcc-14",
        "usr/lib/gcc/x86_64-linux-gnu/14/cc1",
        "usr/bin/c++",
        "opt/llvm/bin/clang++-19",
    ),
    *("opt/go/bin/go", "root/sdk/go1.23/bin/go", "usr/lib/go-1.24/bin/go", "usr/bin/gccgo-14", "usr/bin/rustc-1.85"),
    *("usr/local/rustup/toolchains/stable-x86_64/bin/rustc", "root/.cargo/bin/rustc", "opt/java/openjdk/bin/javac"),
    *(
        "nix/store/abc-gcc-wrapper-13.2.0/bin/gcc",
        "home/dev/.asdf/shims/go",
        "usr/bin/swiftc",
        "opt/kotlinc/bin/kotlinc",
    ),
    *("usr/local/cuda-12.4/bin/nvcc", "usr/bin/gdc", "usr/bin/gnatmake", "usr/bin/ocamlopt", "usr/bin/ocamlc.opt"),
    *(
        "usr/bin/ghc",
        "opt/ghc/9.4.7/bin/ghc-9.4.7",
        "opt/zig/zig",
        "usr/bin/gfortran-14",
        "usr/bin/fpc",
        "usr/bin/erlc",
    ),
    *("usr/bin/nim", "usr/bin/dmd", "usr/bin/ldc2", "usr/bin/crystal", "usr/lib/dart/bin/dart", "usr/bin/mcs"),
    *("usr/local/bin/tsc", "usr/bin/valac", "usr/bin/scalac", "opt/musl/bin/x86_64-linux-musl-cc"),
    *("usr/bin/x86_64-linux-gnu-gcc-12", "usr/bin/arm-none-eabi-g++-13.2.1", "usr/bin/x86_64-w64-mingw32-gcc-posix"),
    *("usr/bin/x86_64-w64-mingw32-g++-12-win32", "opt/conda/bin/x86_64-conda_cos6-linux-gnu-cc", "usr/bin/musl-gcc"),
    *("usr/local/bin/gcc14", "usr/bin/clang19", "root/go/bin/go1.22.3", "usr/bin/c99-gcc", "usr/bin/gcc10-gcc"),
    *("opt/nvidia/hpc_sdk/bin/nvc++", "opt/rocm/bin/amdclang++", "usr/bin/cobc", "usr/bin/solc", "usr/bin/gleam"),
]
COMPILER_LIBRARIES = [
    *("usr/share/dotnet/sdk/9.0.100/Roslyn/bincore/csc.dll", "root/.dotnet/sdk/8.0.1/FSharp/fsc.dll"),
    *("opt/jdk/jmods/jdk.compiler.jmod", "opt/kotlinc/lib/kotlin-compiler.jar", "app/lib/scala3-compiler_3-3.4.1.jar"),
    "usr/local/lib/node_modules/typescript/lib/tsc.js",
    *(
        "usr/local/go/pkg/tool/linux_amd64/compile",
        "usr/lib/jvm/java-8/lib/tools.jar",
        "opt/rust/lib/librustc_driver-0a1b2c.so",
    ),
]
NO_COMPILERS = [
    *("usr/bin/gcc-ar-14", "usr/bin/x86_64-linux-gnu-gcc-nm-14", "usr/bin/gofmt", "usr/bin/node", "usr/bin/java"),
    *("usr/bin/dotnet", "usr/bin/swift", "usr/bin/erl", "usr/bin/python3.13", "etc/alternatives/cc", "usr/bin/cargo-x"),
    # Programs that are named after what they are written in, or what they write.
    *("app/server-go", "usr/bin/protoc-gen-go", "usr/bin/protoc-gen-dart", "app/play-nim", "opt/shop/hello-zig"),
    *("usr/bin/gocc-x", "usr/bin/my-rustc-driver", "usr/bin/x86_64-linux-gnu-cpp-12", "usr/bin/python3-config"),
]


@pytest.mark.parametrize("path", COMPILERS)
def test_compilers_wherever_they_stand(path):
    assert contents([program(path)])["compilers"] == [f"/{path}"]


@pytest.mark.parametrize("path", COMPILER_LIBRARIES)
def test_compilers_that_are_no_programs(path):
    assert contents([file(path)])["compilers"] == [f"/{path}"]


@pytest.mark.parametrize("path", [*NO_COMPILERS, "app/lib/tools.jar", "app/pkg/tool/compile"])
def test_what_only_sounds_like_a_compiler(path):
    assert contents([program(path)])["compilers"] == []


def test_a_link_is_a_compiler_where_it_leads_to_a_program():
    seen = contents(
        [
            link("usr/bin/cc", "/etc/alternatives/cc"),
            link("etc/alternatives/cc", "../../usr/bin/gcc"),
            link("usr/bin/gcc", "gcc-14"),
            program("usr/bin/gcc-14"),
            ("usr/bin/c99", "hard", 0o755, b"usr/bin/gcc-14"),
            link("usr/bin/g++", "g++-14"),
            link("usr/bin/clang", "clang"),
            link("usr/share/doc/gcc", "gcc-14-base"),
            ("usr/share/doc/gcc-14-base", "dir", 0o755, b""),
            file("usr/share/bash-completion/completions/gcc"),
            ("usr/lib/gcc", "dir", 0o755, b""),
        ]
    )
    assert seen["compilers"] == ["/usr/bin/c99", "/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/gcc-14"]


def test_package_managers_and_shells():
    seen = contents(
        [
            program("usr/bin/apt-get"),
            program("usr/bin/pip3.11"),
            program("etc/cron.daily/dpkg"),
            link("bin/sh", "busybox"),
            program("bin/busybox"),
            file("etc/bash"),
            *(program("usr/local/bin/yarn"), program("usr/bin/gem3.3"), program("usr/bin/npmlog")),
            *(program("usr/bin/pwsh"), program("bin/busybox.static"), program("usr/bin/zsh-5.9"), program("bin/ssh")),
        ]
    )
    assert seen["package_managers"] == [
        *("/usr/bin/apt-get", "/usr/bin/gem3.3", "/usr/bin/pip3.11", "/usr/local/bin/yarn")
    ]
    assert seen["shells"] == [*("/bin/busybox", "/bin/busybox.static", "/bin/sh", "/usr/bin/pwsh", "/usr/bin/zsh-5.9")]


@pytest.mark.parametrize(
    "path",
    [
        *("src/hello.c", "usr/src/app/main.go", "go/src/app/main.go", "app/src/main.rs", "home/dev/src/Main.java"),
        *("app/Program.cs", "app/Sources/main.swift", "app/src/Main.kt", "app/src/index.ts", "opt/app/kernel.cu"),
        *("app/SRC/MAIN.C", "app/solve.F90", "app/token.sol", "src/vendor/mine/own.go", "app/build/checkouts/a.swift"),
        *("app/lib/main.zig", "opt/go-app/src/main.go", "app/Main.hs", "usr/src/linux.c", "srv/swift-shop/Shop.swift"),
    ],
)
def test_sources_of_the_image(path):
    assert contents([file(path)])["sources"] == [f"/{path}"]


@pytest.mark.parametrize(
    "path",
    [
        *("usr/local/go/src/fmt/print.go", "go/pkg/mod/example.org/lib@v1.0.0/lib.go", "usr/share/doc/example.c"),
        *("opt/venv/lib/python3.13/site-packages/greenlet/greenlet.cpp", "app/node_modules/bcrypt/src/bcrypt.cc"),
        *("usr/local/cargo/registry/src/index/libc-0.2/src/lib.rs", "root/.cargo/git/checkouts/a/b/lib.rs"),
        *(
            "root/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/lib.rs",
            "opt/zig-0.13/lib/std/std.zig",
        ),
        *(
            "usr/local/bundle/gems/json-2/ext/parser.c",
            "opt/cuda/samples/add.cu",
            "usr/src/linux-headers-6.1/scripts/mod.c",
        ),
        *("home/dev/.m2/repository/a/B.java", "root/.nuget/packages/a/A.cs", "app/index.d.ts", "app/main.h", "app/.c"),
        *(
            "src/readme.md",
            "home/dev/.asdf/installs/golang/1.22/go/src/fmt/print.go",
            "nix/store/abc-go/share/go/src/a.go",
        ),
        *("src/vendor/github.com/a/b/b.go", "root/.cache/bazel/external/a.cc", "opt/cmake-3/share/cmake-3.29/Test.c"),
        *("app/index.d.mts", "opt/android-ndk-r26/sources/a.c", "app/.build/checkouts/a/A.swift", "a/_opam/lib/a.ml"),
    ],
)
def test_what_is_no_source_of_the_image(path):
    assert contents([file(path)])["sources"] == []


def test_the_library_of_an_unpacked_go_is_its_own():
    go = [program("opt/go/bin/go"), file("opt/go/src/fmt/print.go"), file("opt/go/src/cmd/go/main.go")]
    app = [
        file("usr/src/app/main.go"),
        file("opt/src/main.go"),
        program("home/dev/bin/go"),
        file("home/dev/src/own.go"),
    ]
    assert contents(go, app)["sources"] == ["/home/dev/src/own.go", "/opt/src/main.go", "/usr/src/app/main.go"]
    assert [one["kind"] for one in contents(go, [file("opt/.wh.go", b"")])["removed"]] == ["compiler"]


def test_entries_are_files_and_links():
    seen = contents(
        [file("a"), link("b", "a"), ("c", "hard", 0o644, b"a"), ("d", "dir", 0o755, b""), ("e", "fifo", 0, b"")]
    )
    assert seen["entries"] == 3


def test_what_a_later_layer_removed():
    base = [program("usr/bin/gcc"), file("src/a.c", b"secret"), file("src/lib/b.c"), file("src/c.c"), file("srcs/d.c")]
    seen = contents(base, [file(".wh.src", b""), file("usr/bin/.wh.gcc", b"")], read=("/src/a.c",))
    assert seen["compilers"] == []
    assert seen["sources"] == ["/srcs/d.c"]
    assert seen["files"] == {"/src/a.c": None}
    assert {one["digest"] for one in seen["removed"]} == {digest(tar(*base))}
    assert [(one["path"], one["kind"], one["text"]) for one in seen["removed"]] == [
        ("/src/a.c", "source", "secret"),
        ("/src/c.c", "source", None),
        ("/src/lib/b.c", "source", None),
        ("/usr/bin/gcc", "compiler", None),
    ]


def test_each_layer_that_holds_what_was_removed_is_told():
    layers = [file("src/a.c", b"1")], [file("src/a.c", b"2")], [file("src/.wh.a.c", b"")]
    seen = contents(*layers, read=("/src/a.c",))
    assert {(one["digest"], one["kind"], one["text"]) for one in seen["removed"]} == {
        (digest(tar(*layers[0])), "source", "1"),
        (digest(tar(*layers[1])), "source", "2"),
    }


def test_an_opaque_folder_hides_what_was_below_and_not_what_its_own_layer_brings():
    seen = contents([file("src/a.c"), file("src/b.c")], [file("src/c.c"), file("src/.wh..wh..opq", b"")])
    assert seen["sources"] == ["/src/c.c"]
    assert [one["path"] for one in seen["removed"]] == ["/src/a.c", "/src/b.c"]


@pytest.mark.parametrize("above", [file("bin/b.c"), file("bin/.wh.gone", b""), file("bin/.wh..wh..opq", b"")])
@pytest.mark.parametrize("below", [link("bin", "usr/bin"), file("bin")])
def test_a_folder_that_a_layer_does_not_name_hides_what_stood_there(below, above):
    seen = contents([below, program("usr/bin/gcc"), link("usr/cc", "../bin/gcc")], [above], read=("/bin",))
    assert seen["compilers"] == ["/usr/bin/gcc"]
    assert seen["sources"] == (["/bin/b.c"] if above[0] == "bin/b.c" else [])
    assert seen["files"] == {"/bin": None}


def test_what_a_layer_has_below_its_own_link_stands_where_that_leads():
    layer = [
        *(link("bin", "usr/bin"), ("usr/bin", "dir", 0o755, b""), program("bin/gcc"), file("bin/../bin/.wh.go", b"")),
        *(("bin/cc", "hard", 0o755, b"bin/gcc"), link("round", "round"), file("round/a.c")),
    ]
    seen = contents([program("usr/bin/go")], layer, read=("/usr/bin/cc",))
    assert seen["compilers"] == ["/usr/bin/cc", "/usr/bin/gcc"]
    assert seen["files"] == {"/usr/bin/cc": "ELF"}


def test_what_was_removed_may_come_back():
    seen = contents([file("src/a.c")], [file("src/.wh.a.c", b"")], [file("src/a.c")])
    assert seen["sources"] == ["/src/a.c"]
    assert seen["removed"] == []


def test_a_file_where_a_folder_was_and_a_folder_where_a_file_was():
    seen = contents([file("a/b.c"), file("c", b"old")], [file("a"), file("c/d.c")], read=("/a/b.c", "/a", "/c", "/a/x"))
    assert seen["sources"] == ["/c/d.c"]
    assert seen["files"] == {"/a/b.c": None, "/a": "x", "/c": None, "/a/x": None}


def test_another_text_below_is_still_there():
    seen = contents([file("app.ini", b"old")], [file("app.ini", b"new")], [file("app.ini", b"new")], read=("/app.ini",))
    assert seen["files"] == {"/app.ini": "new"}
    assert [(one["path"], one["kind"], one["text"]) for one in seen["removed"]] == [("/app.ini", "file", "old")]


def test_links_are_followed_to_their_end():
    seen = contents(
        [
            *(file("usr/lib/os-release", b"Debian"), link("etc/os-release", "../usr/lib/os-release")),
            *(
                link("etc/one", "/etc/two"),
                link("etc/two", "os-release"),
                link("bin", "usr/bin"),
                file("usr/bin/x", b"x"),
            ),
            *(
                link("nowhere", "gone"),
                link("round", "about"),
                link("about", "round"),
                link("up", "../../../usr/bin/x"),
            ),
            *(("hard", "hard", 0o644, b"usr/bin/x"), link("folder", "usr"), link("self", "self/a")),
        ],
        read=(
            "/etc/one",
            "/bin/x",
            "/nowhere",
            "/round",
            "/up",
            "/hard",
            "/folder",
            "/self",
            "/bin/../lib/os-release",
            "/",
        ),
    )
    assert seen["files"] == {
        "/etc/one": "Debian",
        "/bin/x": "x",
        "/up": "x",
        "/hard": "x",
        "/bin/../lib/os-release": "Debian",
        "/nowhere": None,
        "/round": None,
        "/folder": None,
        "/self": None,
        "/": None,
    }
    assert seen["removed"] == []


@pytest.mark.parametrize(("links", "text"), [(40, "end"), (41, None)])
def test_as_many_links_are_followed_as_linux_does(links, text):
    chain = [link(f"link{number}", f"link{number + 1}") for number in range(links)]
    assert contents([*chain, file(f"link{links}", b"end")], read=("/link0",))["files"] == {"/link0": text}


@pytest.mark.parametrize("name", ["{a}.c", "[a].c"])
def test_a_layer_may_begin_like_a_description(name):
    layer = [file(name), program("bin/sh")]
    assert contents(layer, save=STORES["as it is"])["sources"] == [f"/{name}"]


def test_the_image_is_exported_again_only_for_what_links_lead_to():
    layer = tar(file("etc/a.ini", b"a"), link("etc/b.ini", "a.ini"))
    for read, times in (("/etc/a.ini", 1), ("etc/a.ini", 1), ("/etc/b.ini", 2)):
        export = mock.Mock(side_effect=lambda: chunks(classic([layer])))
        assert look(export, [digest(layer)], [read])["files"] == {read: "a"}
        assert export.call_count == times


def test_paths_may_begin_at_the_root_and_with_any_letter():
    layer = [file("/src/a.c"), file("X11/b.c"), ("hard", "hard", 0o644, b"/src/a.c")]
    seen = contents(layer, read=("/hard", "/X11/b.c"))
    assert seen["sources"] == ["/X11/b.c", "/src/a.c"]
    assert seen["files"] == {"/hard": "x", "/X11/b.c": "x"}


def test_what_aufs_noted_removes_nothing():
    assert contents([file("a")], [file(".wh..wh.aufs"), (".wh..wh.plnk", "dir", 0o700, b""), file("b")])["entries"] == 2


def test_a_folder_over_a_folder_hides_nothing_and_a_file_over_it_hides_what_was_in_it():
    below = [("a", "dir", 0o755, b""), file("a/b/x.c")]
    assert contents(below, [("a", "dir", 0o755, b""), file("a/y.c")])["entries"] == 2
    assert contents(below, [file("a")])["entries"] == 1
    assert contents([file("a")], below)["entries"] == 1


def test_a_go_that_is_unpacked_at_the_root():
    own = [program("bin/go"), file("src/fmt/print.go"), file("src/runtime/proc.go"), file("home/main.go")]
    assert contents(own)["sources"] == ["/home/main.go"]


def test_a_source_is_a_file():
    assert contents([("a.c", "dir", 0o755, b""), link("b.c", "gone"), link("c.c", "a.c")])["sources"] == []


def test_a_path_may_be_written_with_more_than_it_needs():
    seen = contents([file("etc/app.ini", b"text")], read=("/etc//app.ini", "/etc/./app.ini", "etc/app.ini"))
    assert set(seen["files"].values()) == {"text"}


def test_a_hard_link_to_a_file_of_a_layer_below_has_no_text():
    assert contents([file("a")], [("b", "hard", 0o644, b"a")], read=("/b",))["files"] == {"/b": None}


@pytest.mark.parametrize(
    ("mode", "shells"), [(0o100, ["/bin/sh"]), (0o010, ["/bin/sh"]), (0o001, ["/bin/sh"]), (0o666, [])]
)
def test_what_anybody_may_run_is_a_program(mode, shells):
    assert contents([file("bin/sh", mode=mode)])["shells"] == shells


def test_names_that_are_not_utf_8():
    seen = contents([file("src/caf\udce9.c"), file("src/é.c")], [file("src/.wh.caf\udce9.c", b"")])
    assert seen["sources"] == ["/src/é.c"]
    assert [one["path"] for one in seen["removed"]] == [r"/src/caf\xe9.c"]
    json.dumps(seen).encode()


def test_a_path_that_is_not_utf_8_is_read_as_it_is_written():
    layer = [file("caf\udce9/\udcff\udcfe.c", b"text"), file("é", b"e"), file(r"a\x41", b"a")]
    read = (r"/caf\xe9/\xff\xfe.c", "/é", r"/a\x41", r"/\xc3\xa9")
    seen = contents(layer, [file("caf\udce9/.wh.\udcff\udcfe.c", b"")], read=read)
    assert seen["files"] == dict(zip(read, (None, "e", "a", "e"), strict=True))
    assert [(one["path"], one["text"]) for one in seen["removed"]] == [(read[0], "text")]


def test_texts_have_a_limit_and_replacements():
    big = b"x" * (TEXT_LIMIT_BYTES + 1)
    seen = contents([file("big", big), file("latin", b"\xe9"), file("empty", b"")], read=("/big", "/latin", "/empty"))
    assert len(seen["files"]["/big"]) == TEXT_LIMIT_BYTES
    assert seen["files"]["/latin"] == "\N{REPLACEMENT CHARACTER}"
    assert seen["files"]["/empty"] == ""
