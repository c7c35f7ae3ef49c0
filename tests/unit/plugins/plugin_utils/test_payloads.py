# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import base64
import io
import os
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible import constants as C
from ansible.executor import module_common
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import payloads

DOCKER = "community.docker"
PING = "ansible.modules.ping-ZIP_DEFLATED-none"
OURS = "ansible_collections.community.docker.plugins.modules.docker_host_info-ZIP_DEFLATED-none"


class Run:
    """The payloads of one run of Ansible, whose end is told."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.kept = tmp_path / "kept"
        own = tmp_path / f"run-{number}"
        own.mkdir()
        self.made = own / "ansiballz_cache"
        self._at_end: list[t.Callable[[], None]] = []
        monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(own))
        monkeypatch.setattr(payloads.atexit, "register", self._at_end.append)
        payloads.keep_payloads(self.kept, collections=[DOCKER])

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.made.iterdir())

    def make(self, name: str, *files: str) -> None:
        """Make a payload as Ansible does."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            for file in ("ansible/__init__.py", "ansible/module_utils/basic.py", *files):
                zipped.writestr(file, f"# {name}")
        metadata: t.Any = None
        payload = module_common._CachedModule(
            zip_data=base64.b64encode(archive.getvalue()), metadata=metadata, source_mapping={}
        )
        payload.dump(str(self.made / name))

    def end(self) -> None:
        for leave in self._at_end:
            leave()


@pytest.fixture
def run(tmp_path, monkeypatch) -> t.Callable[[], Run]:
    numbers = iter(range(9))
    return lambda: Run(tmp_path, monkeypatch, next(numbers))


def test_a_run_begins_with_the_payloads_of_earlier_ones(run) -> None:
    first = run()
    first.make(PING)
    first.end()
    second = run()
    assert second.names == [PING]
    assert (second.made / PING).read_bytes() == (first.made / PING).read_bytes()
    second.make(OURS, "ansible_collections/community/__init__.py", "ansible_collections/community/docker/plugins/a.py")
    second.end()
    assert run().names == [PING, OURS]


def test_other_sources_have_other_payloads_and_the_former_ones_go(run, monkeypatch, tmp_path) -> None:
    source = tmp_path / "ping.py"
    source.write_text("pong = 1")
    monkeypatch.setattr(payloads, "sources", lambda _collections: [("ping.py", source)])
    first = run()
    first.make(PING)
    first.end()
    source.write_text("pong = 2")
    second = run()
    assert second.names == []
    second.end()
    source.write_text("pong = 1")
    assert run().names == []


@pytest.mark.parametrize(
    ("name", "files"),
    [
        # A module of a role, which has no name that says where it is.
        ("ansible.legacy.ping-ZIP_DEFLATED-none", []),
        # A collection of which nobody looks whether it changes, and one whose name only begins alike.
        ("ansible_collections.community.dockers.plugins.modules.a-ZIP_DEFLATED-none", []),
        (OURS, ["ansible_collections/community/general/plugins/module_utils/a.py"]),
        (OURS, ["ansible_collections/community/dockers/plugins/module_utils/a.py"]),
        # With a debugger in it.
        ("ansible.modules.ping-ZIP_DEFLATED-debugpy", []),
        ("ansible.modules.ping-ZIP_DEFLATED-none.lock", []),
    ],
)
def test_what_may_change_unseen_is_not_kept(run, name, files) -> None:
    first = run()
    first.make(name, *files)
    first.end()
    assert run().names == []


def test_a_payload_that_was_cut_short_is_made_again(run) -> None:
    first = run()
    first.make(PING)
    first.end()
    (path,) = first.kept.glob(f"*/*/{PING}")
    path.write_bytes(path.read_bytes()[:-1])
    assert run().names == []


def test_a_folder_that_cant_be_used_breaks_nothing(run, tmp_path) -> None:
    (tmp_path / "kept").write_text("Somebody needs this.")
    first = run()
    assert first.names == []
    first.make(PING)
    first.end()
    assert (tmp_path / "kept").read_text() == "Somebody needs this."


def test_a_fork_of_the_run_leaves_nothing(run, monkeypatch) -> None:
    first = run()
    first.make(PING)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    first.end()
    assert not first.kept.exists()


def test_nobody_else_can_read_or_write_them(run) -> None:
    first = run()
    first.make(PING)
    first.end()
    assert [path.stat().st_mode & 0o777 for path in first.kept.iterdir()] == [0o700]


def test_the_same_sources_elsewhere_have_the_same_payloads(run, monkeypatch, tmp_path) -> None:
    for number in range(2):
        source = tmp_path / f"checkout-{number}/ping.py"
        source.parent.mkdir()
        source.write_text("pong = 1")
        monkeypatch.setattr(payloads, "sources", lambda _collections, source=source: [("ping.py", source)])
        one = run()
        assert one.names == [PING] * number
        one.make(PING)
        one.end()


def test_the_sources_are_all_that_a_payload_can_be_made_of() -> None:
    found = dict(payloads.sources([DOCKER, "no.such"]))
    for name, end in {
        "modules/ping.py": "ansible/modules/ping.py",
        "module_utils/common/arg_spec.py": "ansible/module_utils/common/arg_spec.py",
        "community.docker/docker_host_info.py": "community/docker/plugins/modules/docker_host_info.py",
        "community.docker/_scramble.py": "community/docker/plugins/module_utils/_scramble.py",
        # Where it says that a name leads elsewhere.
        "community.docker/runtime.yml": "community/docker/meta/runtime.yml",
    }.items():
        assert str(found[name]).endswith(end)
