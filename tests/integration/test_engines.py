# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The engine that is there is used, by everything, and what stands in its way is said in one sentence."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import VERSION, Engine, Server, enter_role, running
from runs import ROOT, Run

CLIENT = {
    "name": "Ask by Docker's client",
    "ansible.builtin.command": "docker version --format '{{ '{{' }}.Server.Version{{ '}}' }}'",
    "register": "client",
    "changed_when": False,
}
CLAIM = {
    "name": "Look at both answers",
    "ansible.builtin.assert": {
        "that": [f"client.stdout == '{VERSION}'", f"lab_engine_info.host_info.ServerVersion == '{VERSION}'"]
    },
}


POSIX = [
    "awk",
    "cat",
    "chmod",
    "chown",
    "cp",
    "dirname",
    "env",
    "grep",
    "id",
    "ls",
    "mkdir",
    "mv",
    "rm",
    "sed",
    "sh",
    "sleep",
    "tr",
    "uname",
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Server]:
    with running(Engine(str(tmp_path / "engine.sock"))) as server:
        yield server


def refusal(run: Run) -> str:
    """What the one failed task of a run says that changed nothing."""
    assert run.code == 2, run.output
    assert "changed=0" in run.output
    said = re.search(r"Action failed: (.*)", run.output)
    assert said, run.output
    return said[1]


def docker_folder(folder: Path, name: str, host: str, current: str | None) -> str:
    """A folder of Docker's client with a context in it."""
    meta = folder / "docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}})
    )
    (folder / "docker/config.json").write_text(json.dumps({"currentContext": current} if current else {}))
    return str(folder / "docker")


@pytest.mark.parametrize("named_by", ["DOCKER_HOST", "DOCKER_CONTEXT", "currentContext"])
def test_modules_and_client_ask_the_one_engine_that_is_named(tmp_path, engine, named_by):
    socket = f"unix://{tmp_path}/engine.sock"
    folder = docker_folder(tmp_path, "mine", socket, "mine" if named_by == "currentContext" else None)
    environment = {
        "DOCKER_HOST": {"DOCKER_HOST": socket, "DOCKER_CONTEXT": "lost"},
        "DOCKER_CONTEXT": {"DOCKER_CONFIG": folder, "DOCKER_CONTEXT": "mine"},
        "currentContext": {"DOCKER_CONFIG": folder},
    }[named_by]
    run = enter_role(tmp_path, environment, tasks=[CLIENT, CLAIM])
    assert run.code == 0, run.output
    assert any(asked.endswith("/info") for asked in engine.asked)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DOCKER_HOST": "ssh://me@server"}, "The Docker engine at ssh://me@server, which DOCKER_HOST names"),
        ({"DOCKER_HOST": "tcp://192.0.2.7:2375"}, "The Docker engine at tcp://192.0.2.7:2375"),
        ({"DOCKER_CONTEXT": "lost"}, "There is no Docker context lost"),
        (
            {"DOCKER_HOST": "unix:///nowhere.sock"},
            "No Docker engine answers at unix:///nowhere.sock, which DOCKER_HOST",
        ),
    ],
)
def test_an_engine_that_cannot_serve(tmp_path, environment, said):
    assert refusal(enter_role(tmp_path, environment)).startswith(said)


def test_somebody_elses_default_builder_does_not_keep_the_image(tmp_path):
    environment = {"BUILDX_CONFIG": str(tmp_path / "buildx")}
    subprocess.run(
        ["docker", "buildx", "create", "--name", "theirs", "--driver", "docker-container", "--use"],
        env={**os.environ, **environment},
        check=True,
    )
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    name = "workshop-engines-builder:test"
    build = {
        "name": "Build",
        "community.docker.docker_image_build": {"path": str(tmp_path), "name": name, "rebuild": "always"},
    }
    try:
        run = enter_role(tmp_path, {**environment, "BUILDX_BUILDER": "theirs"}, tasks=[build])
        assert run.code == 0, run.output
        assert subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode == 0
    finally:
        subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False)


class User:
    """An ordinary user, who may read everything and write nothing but a folder of their own."""

    NAME = "workshop-engines"

    def __init__(self, home: Path) -> None:
        subprocess.run(["useradd", "--no-create-home", "--home-dir", str(home), self.NAME], check=True)
        entry = pwd.getpwnam(self.NAME)
        self.home = home
        home.mkdir()
        os.chown(home, entry.pw_uid, entry.pw_gid)
        # Tests of root may stand in root's home, which is read by no one else.
        self.command = [
            "setpriv",
            f"--reuid={entry.pw_uid}",
            f"--regid={entry.pw_gid}",
            "--clear-groups",
            "--inh-caps=+dac_read_search",
            "--ambient-caps=+dac_read_search",
        ]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    if os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("Only root makes users.")
    try:
        yield User(tmp_path / "home")
    finally:
        subprocess.run(["userdel", User.NAME], check=False)


def test_a_user_who_may_not_use_the_engine_is_told_just_that(user):
    said = refusal(enter_role(user.home, {"HOME": str(user.home)}, user=user.command))
    assert said.startswith("This user may not use the Docker engine at unix:///var/run/docker.sock: let root add")
    assert "install" not in said


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (False, "No Docker engine answers, and this user may not install one"),
        (True, "No Docker engine answers, and this user may not start the one that is installed"),
    ],
)
def test_a_user_without_rights_where_no_engine_answers(user, installed, said):
    silent = f"unix://{user.home}/silent.sock"
    run = enter_role(
        user.home,
        {"HOME": str(user.home)},
        user=user.command,
        workshop_docker_host=silent,
        # Of a machine that has no engine, or has one that is stopped.
        lab_engine_system_hosts=[silent],
        lab_engine_daemon="/usr/sbin/dockerd" if installed else "",
        lab_engine_startable=True,
    )
    assert refusal(run).startswith(said)
    assert "-K" in refusal(run)


def test_a_user_without_rights_where_debian_can_not_be_pulled(user):
    run = enter_role(
        user.home,
        {"HOME": str(user.home)},
        entry="packages",
        user=user.command,
        role="lab_base_images",
        lab_engine_pulled={"msg": "no such host"},
    )
    assert re.search(
        r"Action failed: .* could not be pulled \(no such host\), and this user may not make it", run.output
    )
    assert "changed=0" in run.output


def test_apt_that_would_remove_packages(tmp_path):
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho 'E: Packages need to be removed but remove is disabled.' >&2\nexit 100\n")
    apt.chmod(0o755)
    silent = f"unix://{tmp_path}/silent.sock"
    run = enter_role(
        tmp_path,
        {},
        workshop_docker_host=silent,
        lab_engine_system_hosts=[silent],
        lab_engine_daemon="",
        lab_engine_apt=str(apt),
    )
    assert "to install docker.io apt would remove other packages" in refusal(run)


def buildx() -> Path:
    """BuildKit's client, which may be a plugin of the user who runs the tests and of nobody else."""
    told = subprocess.run(["docker", "info", "--format", "{{ json .ClientInfo }}"], check=True, capture_output=True)
    (found,) = [plugin["Path"] for plugin in json.loads(told.stdout)["Plugins"] if plugin["Name"] == "buildx"]
    return Path(found)


def test_a_member_of_the_group_docker_needs_no_rights(user):
    group = grp.getgrgid(Path("/var/run/docker.sock").stat().st_gid)
    if group.gr_gid == 0:
        pytest.skip("This engine's socket belongs to no group.")
    plugins = user.home / ".docker/cli-plugins"
    plugins.mkdir(parents=True)
    shutil.copy2(buildx(), plugins)
    member = [f"--groups={group.gr_gid}" if word == "--clear-groups" else word for word in user.command]
    run = enter_role(user.home, {"HOME": str(user.home)}, entry="main", user=member)
    assert run.code == 0, run.output
    assert "changed=0" in run.output


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH with Ansible, Docker's client and what POSIX has; no apt, dpkg, sudo, setfacl or start-stop-daemon."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in [*["ansible-playbook", "docker", "bash", "python3"], *POSIX]:
        found = shutil.which(program)
        assert found, program
        (folder / program).symlink_to(found)
    return str(folder)


def test_a_machine_with_an_engine_needs_nothing_else(tmp_path, bare_path):
    run = enter_role(tmp_path, {"PATH": bare_path}, entry="main")
    assert run.code == 0, run.output
    assert "changed=0" in run.output


@pytest.mark.usefixtures("lab")
def test_nor_does_a_lab_that_is_up(playbook, bare_path, monkeypatch):
    monkeypatch.setenv("PATH", bare_path)
    run = playbook(str(ROOT / "playbooks/lab.yml"))
    assert run.code == 0, run.output


def prepare(path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts/prepare.sh")],
        env={"HOME": os.environ["HOME"], "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def fake_docker(folder: str, script: str) -> None:
    docker = Path(folder) / "docker"
    docker.unlink()
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)


def test_nothing_is_announced_where_nothing_is_needed(bare_path):
    said = prepare(bare_path)
    assert said.stdout.startswith("Nothing has to be installed on this machine.")
    assert said.stderr == ""


def test_no_package_is_announced_to_a_user_who_may_not_use_the_engine(bare_path):
    fake_docker(bare_path, "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1")
    said = prepare(bare_path)
    assert said.stderr.startswith("This user may not use the Docker engine of this machine: let root add the user")
    assert said.stdout.startswith("Nothing has to be installed")


def test_no_package_is_announced_where_there_is_no_apt(bare_path):
    fake_docker(bare_path, "exit 1")
    said = prepare(bare_path)
    assert "docker.io" not in said.stdout + said.stderr


STOPPED = """#!/bin/sh
# A Docker engine that is installed: it says which one it is, and serves where the system's engine does.
[ "$1" = --version ] && exec echo 'Docker version {version}, build fake'
cd {root}/tests/integration && PYTHONPATH={root}/.collections exec {python} -c "
from engines import Engine
Engine('/var/run/docker.sock').serve_forever()
"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root hides the engine of this machine from a process.")
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="Here systemd starts the engine.")
def test_an_engine_that_is_installed_and_stopped_is_started(tmp_path):
    """The way of a machine that was started anew, in a /run of its own, which the engine that runs here is not in."""
    programs = tmp_path / "bin"
    programs.mkdir()
    daemon = programs / "dockerd"
    daemon.write_text(STOPPED.format(version=VERSION, root=ROOT, python=sys.executable))
    daemon.chmod(0o755)
    hidden = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]
    script = 'mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log && exec "$@"'
    run = enter_role(
        tmp_path,
        {"PATH": f"{programs}:{os.environ['PATH']}"},
        entry="main",
        tasks=[CLIENT, {"name": "Look", "ansible.builtin.assert": {"that": f"client.stdout == '{VERSION}'"}}],
        user=[*hidden, script, "sh"],
    )
    assert run.code == 0, run.output
    assert re.search(r"Install the engine\] \*+\nskipping", run.output), run.output
    assert re.search(r"Start the engine\] \*+\nchanged", run.output), run.output
