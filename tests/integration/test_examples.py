# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The example of each module does what it says: it passes what is well, and refuses what is not, by its sentence."""

from __future__ import annotations

import json
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import KUBECTL, ROOT

EXAMPLES = ROOT / "playbooks/examples"
# Modules that only this collection's own programs and lab have a use for.
WITHOUT_EXAMPLE = {"circuit_breaker", "go_toolchain", "preflight", "report_pages", "traffic"}
NAMESPACE = "workshop-examples"
IMAGE = "localhost:5001/workshop/debian:trixie"
ENDS = ["bash", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
IGNORES = ["sleep", "1000"]
LEAVES_A_ZOMBIE = ["bash", "-c", "sleep 0.1 & exec sleep 1000"]


def kubectl(*words: str, given: str | None = None) -> None:
    subprocess.run([*KUBECTL, *words], input=given, text=True, check=True, capture_output=True)


def pod(name: str, command: list[str], **container: t.Any) -> dict[str, t.Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "terminationGracePeriodSeconds": 2,
            "containers": [{"name": "box", "image": IMAGE, "command": command, **container}],
        },
    }


def job(name: str, code: int) -> dict[str, t.Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "box", "image": IMAGE, "command": ["bash", "-c", f"exit {code}"]}],
                }
            },
        },
    }


@pytest.fixture(scope="module")
def namespace(lab: None) -> Iterator[str]:
    pods = [pod("ends", ENDS), pod("ignores", IGNORES), pod("zombie", LEAVES_A_ZOMBIE), pod("tidy", IGNORES)]
    kubectl("create", "namespace", NAMESPACE)
    try:
        manifest = {"apiVersion": "v1", "kind": "List", "items": [*pods, job("well", 0), job("badly", 1)]}
        kubectl("apply", "-f", "-", given=json.dumps(manifest))
        kubectl(
            "wait",
            "-n",
            NAMESPACE,
            "--for=condition=Ready",
            "--timeout=120s",
            *(f"pod/{found['metadata']['name']}" for found in pods),
        )
        yield NAMESPACE
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def containers() -> Iterator[None]:
    names = {"workshop-example-tidy": IGNORES, "workshop-example-zombie": LEAVES_A_ZOMBIE}
    try:
        for name, command in names.items():
            subprocess.run(
                ["docker", "run", "--detach", "--name", name, IMAGE, *command], check=True, capture_output=True
            )
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", *names], check=False, capture_output=True)


@pytest.fixture(scope="module")
def heavy_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with what is called like a compiler, and a source."""
    folder, name = tmp_path_factory.mktemp("heavy"), "workshop-example:heavy"
    (folder / "hello.c").write_text("int main(void) { return 0; }\n")
    (folder / "Dockerfile").write_text(
        "FROM scratch\nCOPY hello.c /src/hello.c\nCOPY --chmod=755 hello.c /usr/bin/gcc\n"
    )
    subprocess.run(["docker", "build", "--quiet", "--tag", name, str(folder)], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], check=False, capture_output=True)


@pytest.fixture
def example(playbook, lab) -> t.Callable[..., t.Any]:
    kubeconfig = Path.home() / ".local/state/workshop.production_patterns/workshop/kubeconfig"

    def run(name: str, **variables: t.Any) -> t.Any:
        cluster = {"kubeconfig": str(kubeconfig), "context": "kind-workshop", "pod_namespace": NAMESPACE}
        return playbook(str(EXAMPLES / f"{name}.yml"), **cluster, **variables)

    return run


def test_every_module_of_use_elsewhere_has_an_example():
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert {path.stem for path in EXAMPLES.glob("*.yml")} == modules - WITHOUT_EXAMPLE


@pytest.mark.parametrize(
    ("name", "well", "badly", "sentence"),
    [
        ("pod_processes", {"pod": "tidy"}, {"pod": "zombie"}, "zombie has 1 zombies"),
        ("pod_stop", {"pod": "ends"}, {"pod": "ignores"}, "ignores took"),
        ("watch", {"job": "well"}, {"job": "badly"}, "badly after"),
    ],
)
@pytest.mark.usefixtures("namespace")
def test_an_example_on_the_cluster(example, name, well, badly, sentence):
    passed = example(name, **well)
    assert passed.code == 0, passed.output
    refused = example(name, **badly)
    assert refused.code == 2, refused.output
    assert sentence in refused.output


@pytest.mark.usefixtures("namespace")
def test_the_example_on_pods_that_did_not_do_well(example):
    passed = example("pod_outcome")
    assert passed.code == 0, passed.output
    kubectl("apply", "-f", "-", given=json.dumps(pod("huge", IGNORES, resources={"requests": {"memory": "1Ti"}})))
    kubectl("wait", "-n", NAMESPACE, "--for=condition=PodScheduled=false", "--timeout=60s", "pod/huge")
    refused = example("pod_outcome")
    assert refused.code == 2, refused.output
    assert "without a node: huge." in refused.output


@pytest.mark.usefixtures("containers")
def test_the_example_on_a_container(example):
    passed = example("container_processes", container="workshop-example-tidy")
    assert passed.code == 0, passed.output
    refused = example("container_processes", container="workshop-example-zombie")
    assert refused.code == 2, refused.output
    assert "workshop-example-zombie has 1 zombies" in refused.output


def test_the_example_on_the_end_of_an_image(example):
    passed = example("container_stop", image=IMAGE, command=ENDS)
    assert passed.code == 0, passed.output
    refused = example("container_stop", image=IMAGE, command=IGNORES)
    assert refused.code == 2, refused.output
    assert "ended by SIGKILL" in refused.output


@pytest.mark.parametrize(("name", "sentence"), [("image_contents", "/usr/bin/gcc"), ("claim", "It brings no compiler")])
def test_an_example_on_an_image(example, heavy_image, name, sentence):
    passed = example(name, image=IMAGE)
    assert passed.code == 0, passed.output
    refused = example(name, image=heavy_image)
    assert refused.code == 2, refused.output
    assert sentence in refused.output
