# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A second lab is broken in every way that a run may meet, and the next run mends it.

It also serves as a cluster that somebody else brought.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
import typing as t
import uuid
from pathlib import Path

import pytest
from runs import ROOT, Playbook, Run

NAME = "workshop-mend"
NODE = f"{NAME}-control-plane"
PORT = 5002
KUBECTL = ["docker", "exec", NODE, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
PLAYBOOKS = ROOT / "playbooks"
OWN_FILES = [Path.home() / ".kube/config", Path.home() / ".docker/config.json"]


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def cluster_id() -> str:
    return output(*KUBECTL, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")


def assert_whole(lab: dict[str, t.Any], port: int = PORT) -> None:
    nodes = json.loads(output(*KUBECTL, "get", "nodes", "-o", "json"))["items"]
    conditions = [{item["type"]: item["status"] for item in node["status"]["conditions"]} for node in nodes]
    assert [condition["Ready"] for condition in conditions] == ["True"]
    # What a node pulls is what this machine pushed, under the same name.
    image = f"localhost:{port}/workshop/busybox:trixie"
    pull = ["ctr", "--namespace", "k8s.io", "images", "pull", "--hosts-dir", "/etc/containerd/certs.d", image]
    output("docker", "exec", NODE, *pull)
    assert (Path(lab["workshop_state_dir"]) / "kubeconfig").stat().st_mode & 0o777 == 0o600


def remove_what_killed_tests_left() -> None:
    """Their lab belongs to a folder of theirs, and so would be left alone."""
    containers = output("docker", "ps", "--all", "--quiet", "--filter", f"name={NAME}").split()
    if containers:
        output("docker", "rm", "--force", "--volumes", *containers)
    for kind in "volume", "network":
        left = output("docker", kind, "ls", "--quiet", "--filter", f"name={NAME}").split()
        if left:
            output("docker", kind, "rm", *left)


@pytest.fixture(scope="module")
def lab_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """A second lab, whose folders have spaces in their names."""
    folder = tmp_path_factory.mktemp("a lab with spaces")
    (folder / "the cache").symlink_to(Path.home() / ".cache/workshop.production_patterns")
    return {
        "workshop_lab_name": NAME,
        "workshop_registry_port": PORT,
        "workshop_state_dir": str(folder / "the state"),
        "workshop_cache_dir": str(folder / "the cache"),
    }


@pytest.fixture(scope="module")
def bring_up(
    lab: None, lab_variables: dict[str, t.Any], tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[t.Callable[..., Run]]:
    """Runs the playbook of the second lab, and must succeed. The lab goes after the last test."""
    playbook = Playbook(tmp_path_factory.mktemp("mending"))
    remove_what_killed_tests_left()

    def run(**variables: t.Any) -> Run:
        run = playbook(str(PLAYBOOKS / "lab.yml"), **{**lab_variables, **variables})
        assert run.code == 0, run.output
        return run

    run()
    assert_whole(lab_variables)
    yield run
    playbook(str(PLAYBOOKS / "clean.yml"), **lab_variables, workshop_lessons=[], workshop_clean_lab=True)


def hashed(text: bytes | str) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:16]


def things_of_others() -> dict[str, str]:
    """The user's files, and all on the engine that is not a lab's, each as a hash."""
    found = {str(path): hashed(path.read_bytes() + str(path.stat().st_mtime_ns).encode()) for path in OWN_FILES}
    for kind, shown, every in [
        ("container", "{{.Names}} {{.ID}}", ["--all"]),
        ("image", "{{.Repository}} {{.ID}}", []),
        ("network", "{{.Name}} {{.ID}}", []),
        ("volume", "{{.Name}}", []),
    ]:
        listed = output("docker", kind, "ls", *every, "--format", shown).splitlines()
        of_others = sorted(line for line in listed if not line.startswith(("workshop", "localhost:", "<none>")))
        found[f"{kind}s"] = hashed("\n".join(of_others) + output("docker", kind, "inspect", "somebodys"))
    return found


@pytest.fixture(scope="module", autouse=True)
def somebodys_things(lab: None, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, str]]:
    """A user's files and things on the engine, which no run may change; who has none gets them for a while."""
    made = [path for path in OWN_FILES if not path.exists()]
    for path in made:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    # Those of a test that was killed.
    remove_somebodys_things()
    nothing = tmp_path_factory.mktemp("image") / "nothing.tar"
    tarfile.open(nothing, "w").close()
    output("docker", "import", str(nothing), "somebodys")
    output("docker", "create", "--name", "somebodys", "somebodys", "nothing")
    for kind in "network", "volume":
        output("docker", kind, "create", "somebodys")
    yield things_of_others()
    remove_somebodys_things()
    for path in made:
        path.unlink()


def remove_somebodys_things() -> None:
    for kind in "container", "image", "network", "volume":
        if (
            subprocess.run(["docker", kind, "inspect", "somebodys"], check=False, stdout=subprocess.DEVNULL).returncode
            == 0
        ):
            output("docker", kind, "rm", "somebodys")


def test_a_whole_lab_is_left_as_it_is(bring_up, lab_variables):
    before = cluster_id()
    assert re.findall(r"changed=(\d+)", bring_up().output) == ["0"]
    assert cluster_id() == before


def kill_the_node(_lab: dict[str, t.Any]) -> None:
    output("docker", "kill", NODE)


def pause_the_node(_lab: dict[str, t.Any]) -> None:
    output("docker", "pause", NODE)


def freeze_the_api(_lab: dict[str, t.Any]) -> None:
    """It accepts every connection and answers none."""
    output("docker", "exec", NODE, "pkill", "-STOP", "kube-apiserver")


def delete_the_folder(lab: dict[str, t.Any]) -> None:
    shutil.rmtree(lab["workshop_state_dir"])


def forget_the_registry(_lab: dict[str, t.Any]) -> None:
    output("docker", "exec", NODE, "rm", "-r", "/etc/containerd/certs.d")


def remove_the_registry(_lab: dict[str, t.Any]) -> None:
    output("docker", "rm", "--force", f"{NAME}-registry")


def pause_the_registry(_lab: dict[str, t.Any]) -> None:
    output("docker", "pause", f"{NAME}-registry")


def empty_the_registry(_lab: dict[str, t.Any]) -> None:
    remove_the_registry(_lab)
    output("docker", "volume", "rm", f"{NAME}-registry")


@pytest.mark.parametrize(
    "damage",
    [
        kill_the_node,
        pause_the_node,
        freeze_the_api,
        delete_the_folder,
        forget_the_registry,
        remove_the_registry,
        pause_the_registry,
        empty_the_registry,
    ],
)
def test_a_damaged_lab_is_mended_and_stays_the_same_cluster(bring_up, lab_variables, damage):
    before = cluster_id()
    damage(lab_variables)
    bring_up()
    assert_whole(lab_variables)
    assert cluster_id() == before


def test_another_port_is_one_that_the_nodes_pull_from(bring_up, lab_variables):
    before = cluster_id()
    other = PORT + 10
    bring_up(workshop_registry_port=other)
    assert_whole(lab_variables, other)
    assert cluster_id() == before
    bring_up()


def test_a_registry_of_other_content_is_replaced(bring_up, lab_variables):
    """One that answers is compared with what it should be."""
    image = output("docker", "container", "inspect", "--format", "{{.Config.Image}}", f"{NAME}-registry")
    remove_the_registry(lab_variables)
    output("docker", "tag", image, "workshop/registry:of-yesterday")
    publish = f"127.0.0.1:{PORT}:5000"
    output(
        *("docker", "run", "--detach", "--name", f"{NAME}-registry", "--publish", publish, "--network", NAME),
        *("--label", f"workshop.production-patterns/owner={owner(lab_variables)}", "workshop/registry:of-yesterday"),
    )
    bring_up()
    assert output("docker", "container", "inspect", "--format", "{{.Config.Image}}", f"{NAME}-registry") == image
    output("docker", "rmi", "workshop/registry:of-yesterday")
    assert_whole(lab_variables)


def owner(lab: dict[str, t.Any]) -> str:
    return output("id", "-un") + ":" + lab["workshop_state_dir"]


@pytest.mark.parametrize("name", ["lab.yml", "clean.yml"])
def test_somebody_elses_lab_is_left_alone(bring_up, lab_variables, playbook, name):
    """Another folder stands for another user."""
    before = output("docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", f"name={NAME}")
    somebody = {**lab_variables, "workshop_state_dir": str(playbook.folder / "state")}
    run = playbook(str(PLAYBOOKS / name), **somebody, workshop_lessons="pod_quotas", workshop_clean_lab=True)
    assert run.code != 0
    assert f"The network {NAME} on this Docker engine belongs to {owner(lab_variables)}" in run.output
    assert "workshop_lab_name" in run.output
    assert sum(map(int, re.findall(r"changed=(\d+)", run.output))) == 0
    assert output("docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", f"name={NAME}") == before
    assert not (playbook.folder / "state").exists()


@pytest.fixture(scope="module")
def published_node(bring_up: t.Callable[..., Run]) -> t.Iterator[str]:
    """A node image in a registry that answers, by tag and digest as kind publishes its own."""
    image = output("docker", "container", "inspect", "--format", "{{.Config.Image}}", NODE)
    # Another tag each time, or the image of an earlier time would do.
    name = f"localhost:{PORT}/kindest/node:{uuid.uuid4().hex}"
    output("docker", "tag", image, name)
    digest = re.search(r"sha256:[0-9a-f]{64}", output("docker", "push", name))
    assert digest
    output("docker", "rmi", name)
    before = node_images()
    yield f"{name}@{digest[0]}"
    output("docker", "rmi", "--force", *(node_images() - before))


def node_images() -> set[str]:
    return set(output("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "workshop/node").split())


def test_a_node_image_that_can_be_pulled_is_pulled(bring_up, lab_variables, published_node):
    run = bring_up(lab_node_image_source=published_node)
    assert f"{published_node} could not be pulled" not in " ".join(run.output.split())
    assert_whole(lab_variables)
    image = output("docker", "container", "inspect", "--format", "{{.Image}}", NODE)
    digests = output("docker", "image", "inspect", "--format", "{{.RepoDigests}}", image)
    assert published_node.partition("@")[2] in digests


def test_a_broken_node_image_is_replaced(bring_up, lab_variables, published_node):
    """The name alone does not make it the right one."""
    image = output("docker", "container", "inspect", "--format", "{{.Config.Image}}", NODE)
    output("docker", "rm", "--force", "--volumes", NODE)
    output("docker", "tag", f"localhost:{PORT}/workshop/busybox:trixie", image)
    bring_up(lab_node_image_source=published_node)
    assert_whole(lab_variables)


def test_a_run_that_was_killed_half_way_is_made_good(bring_up, lab_variables, tmp_path):
    output("docker", "rm", "--force", "--volumes", NODE)
    half = subprocess.Popen(
        ["ansible-playbook", PLAYBOOKS / "lab.yml", "--extra-vars", json.dumps(lab_variables)],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while NODE not in output("docker", "ps", "--format", "{{.Names}}").split():
        assert time.monotonic() < deadline
        assert half.poll() is None
        time.sleep(0.5)
    os.killpg(half.pid, signal.SIGKILL)
    half.wait()

    bring_up()
    assert_whole(lab_variables)


def test_a_cluster_that_somebody_brought_serves_as_well_and_keeps_what_else_it_has(bring_up, lab_variables, playbook):
    output(*KUBECTL, "create", "namespace", "somebodys")
    output(*KUBECTL, "--namespace", "somebodys", "create", "secret", "generic", "kept", "--from-literal=a=b")
    theirs = [*KUBECTL, "get", "namespaces,secrets,configmaps,serviceaccounts", "--all-namespaces", "-o", "json"]

    def theirs_now() -> list[tuple[str, str]]:
        """What there is, each with its version."""
        items = json.loads(output(*theirs))["items"]
        return sorted((one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in items)

    before = theirs_now()
    brought = {
        "workshop_lab": False,
        "workshop_kubeconfig": str(Path(lab_variables["workshop_state_dir"]) / "kubeconfig"),
        "workshop_context": f"kind-{NAME}",
        "workshop_registry": f"localhost:{PORT}",
        "workshop_namespace_prefix": "brought-",
        "workshop_lessons": "pod_quotas",
    }
    run = playbook(str(PLAYBOOKS / "all.yml"), **brought)
    assert run.code == 0, run.output
    assert run.statuses == {"pod_quotas": "held"}
    assert set(before) < set(theirs_now())
    namespaces = output(*KUBECTL, "get", "namespaces", "-o", "name").split()
    assert "namespace/brought-pod-quotas" in namespaces
    cleaned = playbook(str(PLAYBOOKS / "clean.yml"), **brought)
    assert cleaned.code == 0, cleaned.output
    assert theirs_now() == before


def test_the_loss_of_a_worker_loses_the_pod_that_nobody_owns(bring_up, lab_variables, playbook):
    workers = {**lab_variables, "lab_cluster_workers": 2}
    run = playbook(str(PLAYBOOKS / "all.yml"), **workers, workshop_lessons="direct_pods", direct_pods_watch_seconds=1)
    assert run.code == 0, run.output
    shown = [claim["claim"] for claim in run.claims]
    assert any(sentence.startswith("A pod that nobody owns is lost with its node") for sentence in shown), shown
    assert any(sentence.startswith("The Deployment's pod is replaced on another node") for sentence in shown), shown


def test_a_removed_lab_leaves_nothing_but_the_cache(bring_up, lab_variables, playbook):
    run = playbook(str(PLAYBOOKS / "clean.yml"), **lab_variables, workshop_lessons=[], workshop_clean_lab=True)
    assert run.code == 0, run.output
    assert lab_variables["workshop_cache_dir"] in " ".join(run.output.split())
    for kind in ["ps", "--all"], ["volume", "ls"], ["network", "ls"]:
        assert not output("docker", *kind, "--quiet", "--filter", f"name={NAME}")
    assert not Path(lab_variables["workshop_state_dir"]).exists()


def test_nothing_of_anybody_else_was_touched(somebodys_things, record_property):
    """By anything that was done to the lab above, its removal too."""
    after = things_of_others()
    record_property("untouched", [(name, before, after[name]) for name, before in somebodys_things.items()])
    assert after == somebodys_things
