# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Our own pods are as we teach: all that is applied is rendered as Ansible renders it, and audited.

What a lesson does otherwise stands in its lesson.yml with the reason: `pod_security` says how far the one container
goes that needs more than restricted, `lacks` what else is missing. What stands there and is not needed fails as well.

Images are named by tags that are made from what they are built from, and given to nothing else. Their digests are known
only after a push, so no manifest could be read before; the lesson `latest_tag` shows what a digest is good for.

All containers request CPU, as little as there is: what is requested is kept free, and on a node of two cores several
runs have to find room. None but one that shows it has a limit on it, since that would slow what is measured.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import typing as t
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from near_misses import NEAR_MISSES, NearMiss
from pod_security import LEVELS, Violation, containers, level, violations

ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.parent.name for path in (ROOT / "roles").glob("*/lesson.yml"))
# What tasks set when they apply a manifest.
SET_BY_TASKS = {
    "direct_pods_node": "some-node",
    "image_configuration_greeting": "Hello",
    "latest_tag_digests": "{{ dict.fromkeys([latest_tag_version_1, latest_tag_version_2], 'sha256:' ~ '0' * 64) }}",
    "pod_readiness_version": 1,
}
# Modules that make nothing in the cluster.
LOOKING = {"k8s_cluster_info", "k8s_exec", "k8s_info", "k8s_log"}
ENFORCE = "pod-security.kubernetes.io/enforce"
NOTHING_MORE = "Its pods need nothing that restricted forbids."
KUBERNETES_VERSION = re.compile(r"^\s+k8s\.io/kubernetes v(\d+\.\d+)\.", re.M)

every_lesson = pytest.mark.parametrize("lesson", LESSONS)


class Pod(t.NamedTuple):
    """A pod, or the template of a controller's pods."""

    name: str
    namespace: str
    content: dict[str, t.Any]

    @property
    def spec(self) -> dict[str, t.Any]:
        return self.content["spec"]

    @property
    def containers(self) -> list[dict[str, t.Any]]:
        return containers(self.spec)


class Applied(t.NamedTuple):
    """What a lesson applies with its defaults."""

    manifests: list[dict[str, t.Any]]
    near_misses: dict[str, list[dict[str, t.Any]]]
    """The manifests that each near miss changes."""
    namespace: dict[str, t.Any]
    """The metadata of its namespaces."""

    @property
    def pods(self) -> list[Pod]:
        return pods_in(self.manifests)


def found_in(content: t.Any, key: str) -> Iterator[dict[str, t.Any]]:
    """All mappings in a content that have a key."""
    if isinstance(content, dict):
        if key in content:
            yield content
        for value in content.values():
            yield from found_in(value, key)
    elif isinstance(content, list):
        for value in content:
            yield from found_in(value, key)


def pods_in(manifests: list[dict[str, t.Any]]) -> list[Pod]:
    """The pods that manifests make, of whatever kind they are."""
    return [
        Pod(manifest["metadata"]["name"], manifest["metadata"]["namespace"], holder)
        for manifest in manifests
        for holder in found_in(manifest, "spec")
        if "containers" in holder["spec"]
    ]


def changed_templates(near_miss: NearMiss, folder: Path) -> list[Path]:
    """The manifests that a near miss changes, as it has them."""
    role = folder / near_miss.name / near_miss.lesson
    shutil.copytree(ROOT / "roles" / near_miss.lesson / "templates", role / "templates")
    # One that asks the cluster can't be rendered without it.
    changes = [one for one in near_miss.changes if one.file.endswith(".yml.j2") and "query(" not in one.by]
    for change in changes:
        change.apply(role)
    return sorted({role / change.file for change in changes})


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Applied]:
    """What each lesson applies, as Ansible makes it."""
    folder = tmp_path_factory.mktemp("rendered")
    playbook = folder / "playbook.yml"
    playbook.write_text(yaml.safe_dump([rendering(lesson, folder) for lesson in LESSONS]))
    command = [Path(sys.executable).with_name("ansible-playbook"), playbook]
    shared = ["-e", f"@{ROOT / 'playbooks/group_vars/all.yml'}"]
    process = subprocess.run([*command, *shared], cwd=ROOT, check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return {lesson: Applied(**json.loads((folder / f"{lesson}.json").read_text())) for lesson in LESSONS}


@pytest.fixture
def applied(lesson: str, rendered: dict[str, Applied]) -> Applied:
    """What one lesson applies."""
    return rendered[lesson]


def rendering(lesson: str, folder: Path) -> dict[str, t.Any]:
    """A play that renders a lesson with its defaults, and leaves what comes of it in a folder."""

    def manifests(files: Iterable[Path]) -> str:
        documents = f"query('ansible.builtin.template', *{list(map(str, files))}) | map('from_yaml_all') | flatten"
        return f"{{{{ {documents} | select }}}}"

    role = ROOT / "roles" / lesson
    tasks = yaml.safe_load((ROOT / "roles/_lesson/tasks/main.yml").read_text())
    namespaces = [made for made in found_in(tasks, "kind") if made["kind"] == "Namespace" and "metadata" in made]
    content = {
        "manifests": manifests(sorted(role.glob("templates/*.yml.j2"))),
        "near_misses": {one.name: manifests(changed_templates(one, folder)) for one in NEAR_MISSES[lesson]},
        "namespace": namespaces[0]["metadata"],
    }
    variables = [role / "defaults/main.yml", role / "vars/main.yml", ROOT / "roles/_lesson/vars/main.yml"]
    copy = {"content": content, "dest": f"{folder}/{lesson}.json", "mode": "0600"}
    return {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(path) for path in variables if path.exists()],
        "vars": {"role_path": str(role), "_lesson_name": lesson, "own_namespace": "own", **SET_BY_TASKS},
        "tasks": [{"ansible.builtin.copy": copy}],
    }


def about(lesson: str) -> dict[str, t.Any]:
    return yaml.safe_load((ROOT / "roles" / lesson / "lesson.yml").read_text())


def without_resources(pod: Pod, beside: list[dict[str, t.Any]]) -> list[str]:
    """Those that request no CPU or memory, or may take any memory, when the API has filled in what it does."""
    found = []
    ranges = [
        rule
        for manifest in beside
        if manifest["kind"] == "LimitRange" and manifest["metadata"]["namespace"] == pod.namespace
        for rule in manifest["spec"]["limits"]
        if rule["type"] == "Container"
    ]
    for container in pod.containers:
        given = container.get("resources", {})
        limits, requests = dict(given.get("limits", {})), dict(given.get("requests", {}))
        for rule in ranges:
            limits = {**rule.get("default", {}), **limits}
            requests = {**rule.get("defaultRequest", {}), **requests}
        # What has a limit requests as much, if it does not say how much.
        requests = {**limits, **requests}
        if not (limits.get("memory") and requests.get("memory") and requests.get("cpu")):
            found.append(container["name"])
    return found


def writable(pod: Pod) -> list[str]:
    """The containers that may write to their own filesystem."""
    contexts = [(container["name"], container.get("securityContext", {})) for container in pod.containers]
    return [name for name, context in contexts if context.get("readOnlyRootFilesystem") is not True]


def unprobed(pod: Pod) -> list[str]:
    """The containers none of whose ports a readiness probe asks, and those whose probe asks a port that nobody says."""
    owners = {
        port[key]: container["name"]
        for container in pod.containers
        for port in container.get("ports", [])
        for key in ("containerPort", "name")
        if key in port
    }
    asked = set()
    found = []
    for container in pod.containers:
        probe = container.get("readinessProbe", {})
        for port in (probe[kind]["port"] for kind in ("httpGet", "tcpSocket", "grpc") if kind in probe):
            asked.add(owners.get(port))
            found += [container["name"]] if port not in owners else []
    return sorted({*found, *(set(owners.values()) - asked)})


def portless(pod: Pod, beside: list[dict[str, t.Any]]) -> bool:
    """Whether a service sends requests to the pod, which says no port."""
    labels = pod.content.get("metadata", {}).get("labels", {})
    selected = any(
        manifest["kind"] == "Service" and manifest["spec"]["selector"].items() <= labels.items() for manifest in beside
    )
    return selected and not any(container.get("ports") for container in pod.containers)


def moving(pod: Pod) -> list[str]:
    """The containers whose image has a name that another image could get."""
    own = re.compile(r"(@sha256:[0-9a-f]{64}|:(\d+-)?[0-9a-f]{12})$")
    return [container["name"] for container in pod.containers if not own.search(container["image"])]


def lacking(applied: Applied) -> dict[str, set[str]]:
    """What the containers of a lesson lack."""
    found: dict[str, set[str]] = {}
    for pod in applied.pods:
        for what, names in {
            "readiness probe": unprobed(pod),
            "read-only root filesystem": writable(pod),
            "resources": without_resources(pod, applied.manifests),
            "tag of its own": moving(pod),
        }.items():
            found.setdefault(what, set()).update(f"{pod.name}/{name}" for name in names)
    return {what: names for what, names in found.items() if names}


@every_lesson
def test_every_lesson_applies_pods_that_can_be_audited(applied):
    assert applied.pods


@every_lesson
def test_pods_are_restricted_but_for_the_one_container_that_has_a_reason(lesson, applied):
    found = {(pod.name, violation) for pod in applied.pods for violation in violations(pod.content)}
    excused = about(lesson).get("pod_security", {"level": "restricted", "container": ""})
    assert {f"{name}/{violation.container}" for name, violation in found} == ({excused["container"]} - {""})
    assert level([violation for _name, violation in found]) == excused["level"]


@every_lesson
def test_the_namespace_admits_the_near_misses(applied):
    """One that is refused makes a claim fall that says nothing of it."""
    allowed = LEVELS.index(applied.namespace["labels"][ENFORCE])
    for near_miss, manifests in applied.near_misses.items():
        for pod in pods_in(manifests):
            found = violations(pod.content)
            assert LEVELS.index(level(found)) <= allowed, f"{near_miss}: {pod.name}: {found}"


@every_lesson
def test_containers_lack_only_what_they_have_a_reason_for(lesson, applied):
    excused = about(lesson).get("lacks", {})
    assert lacking(applied) == {what: set(names) for what, names in excused.items()}


@every_lesson
def test_a_reason_is_a_sentence(lesson):
    known = about(lesson)
    reasons = [reason for names in known.get("lacks", {}).values() for reason in names.values()]
    reasons += [known["pod_security"]["reason"]] if "pod_security" in known else []
    assert all(re.fullmatch(r"[A-Z].{20,}\.", reason) for reason in reasons)


@every_lesson
def test_no_pod_has_a_token_of_the_api(applied):
    assert {pod.spec.get("automountServiceAccountToken") for pod in applied.pods} == {False}


@every_lesson
def test_what_a_service_sends_requests_to_says_its_port(applied):
    assert [pod.name for pod in applied.pods if portless(pod, applied.manifests)] == []


@every_lesson
def test_a_namespace_enforces_what_the_lesson_says(lesson, applied):
    (version,) = KUBERNETES_VERSION.findall((ROOT / "files/node/kubernetes/go.mod").read_text())
    excused = about(lesson).get("pod_security", {"level": "restricted"})
    labels, annotations = applied.namespace["labels"], applied.namespace["annotations"]
    assert labels[ENFORCE] == excused["level"]
    # The standard that is audited here. Where the lab gets another version, look what that forbids.
    assert labels[f"{ENFORCE}-version"] == f"v{version}"
    assert labels["workshop.production-patterns/lesson"] == lesson
    assert annotations["workshop.production-patterns/pod-security"] == excused.get("reason", NOTHING_MORE)


@every_lesson
def test_no_manifest_makes_a_namespace_of_its_own(applied):
    assert "Namespace" not in [manifest["kind"] for manifest in applied.manifests]


def test_the_page_of_the_collection_says_which_namespaces_admit_more():
    (sentence,) = re.findall(r"They enforce Pod Security .*", (ROOT / "README.md").read_text())
    admits = {lesson: about(lesson)["pod_security"]["level"] for lesson in LESSONS if "pod_security" in about(lesson)}
    assert set(re.findall(r"`(\w+)`", sentence)) == {"restricted", *admits, *admits.values()}


def test_no_task_applies_what_is_not_audited():
    """Pods come from templates of lessons, and from nothing that a task says itself or finds elsewhere."""
    tasks = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml"), *ROOT.glob(".config/molecule/*.yml")]
    applied = 0
    for path in tasks:
        assert "kubectl" not in path.read_text(), path
        assert set(re.findall(r"kubernetes\.core\.(\w+)", path.read_text())) <= {"k8s", *LOOKING}, path
        for task in found_in(yaml.safe_load(path.read_text()), "kubernetes.core.k8s"):
            arguments = task["kubernetes.core.k8s"]
            assert not {"src", "resource_definition"} & arguments.keys(), path
            assert isinstance(arguments.get("definition", {}), dict), path
            assert not list(found_in(arguments.get("definition", {}), "containers")), path
            named = arguments.get("template", [])
            for template in [named] if isinstance(named, str) else named:
                assert path.parents[1].name in LESSONS, path
                assert (path.parents[1] / "templates" / template).match("*.yml.j2"), path
                assert (path.parents[1] / "templates" / template).is_file(), template
                applied += 1
    assert applied > len(LESSONS)


def test_the_lab_makes_no_pod():
    for path in [*ROOT.glob("files/node/manifests/*"), *ROOT.glob("roles/lab_*/templates/*")]:
        assert "containers:" not in path.read_text(), path


@pytest.mark.parametrize(
    "path",
    list(ROOT.glob("roles/*/files/**/*ockerfile")),
    ids=lambda path: str(path.relative_to(ROOT / "roles")),
)
def test_an_image_of_a_lesson_runs_as_a_user_by_number(path):
    """Of a name the kubelet can't tell that it isn't root's."""
    last_stage = re.split(r"^FROM ", path.read_text(), flags=re.M)[-1]
    assert re.findall(r"^USER (.*)$", last_stage, re.M)[-1:] == ["65534:65534"]


def box(**changes: t.Any) -> dict[str, t.Any]:
    """A container that lacks nothing, with changes."""
    context = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    resources = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}}
    image = "localhost:5001/box:0123456789ab"
    return {"name": "box", "image": image, "securityContext": context, "resources": resources, **changes}


def pod(container: dict[str, t.Any], **changes: t.Any) -> Pod:
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return Pod("pod", "here", {"spec": {"securityContext": context, "containers": [container], **changes}})


def context(**changes: t.Any) -> dict[str, t.Any]:
    return {**box()["securityContext"], **changes}


def test_a_pod_that_is_as_it_should_be_lacks_nothing():
    good = pod(box(ports=[{"containerPort": 80}], readinessProbe={"httpGet": {"port": 80}}))
    assert violations(good.content) == []
    assert (unprobed(good), writable(good), without_resources(good, []), moving(good)) == ([], [], [], [])


@pytest.mark.parametrize(
    ("wrong", "needs"),
    [
        (pod(box(securityContext=context(allowPrivilegeEscalation=None))), "baseline"),
        (pod(box(securityContext=context(capabilities={"drop": ["NET_RAW"]}))), "baseline"),
        (pod(box(securityContext=context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}))), "baseline"),
        (pod(box(securityContext=context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}))), "privileged"),
        (pod(box(securityContext=context(runAsNonRoot=False))), "baseline"),
        (pod(box(securityContext=context(runAsUser=0))), "baseline"),
        (pod(box(securityContext=context(privileged=True))), "privileged"),
        (pod(box(securityContext=context(seccompProfile={"type": "Unconfined"}))), "privileged"),
        (pod(box(), securityContext={"runAsNonRoot": True}), "baseline"),
        (pod(box(), hostPID=True), "privileged"),
        (pod(box(), volumes=[{"name": "node", "hostPath": {"path": "/"}}]), "privileged"),
        (pod(box(), volumes=[{"name": "far", "nfs": {"server": "far", "path": "/"}}]), "baseline"),
        (pod(box(), initContainers=[box(name="first", securityContext={})]), "baseline"),
        (pod(box(ports=[{"containerPort": 80, "hostPort": 80}])), "privileged"),
        (pod(box(readinessProbe={"httpGet": {"port": 80, "host": "192.0.2.1"}})), "privileged"),
    ],
)
def test_what_restricted_forbids_is_found(wrong, needs):
    found = violations(wrong.content)
    assert len(found) == 1 or wrong.spec.get("initContainers")
    assert level(found) == needs


def test_a_folder_of_the_node_is_laid_to_the_container_that_mounts_it():
    mounts = [{"name": "node", "mountPath": "/node"}]
    wrong = pod(box(volumeMounts=mounts), volumes=[{"name": "node", "hostPath": {"path": "/"}}])
    assert violations(wrong.content) == [Violation("box", "privileged", "hostPath")]
    assert LEVELS.index("restricted") < LEVELS.index("baseline") < LEVELS.index("privileged")


@pytest.mark.parametrize(
    ("look", "container"),
    [
        (unprobed, box(ports=[{"containerPort": 80}])),
        (unprobed, box(ports=[{"containerPort": 80}], livenessProbe={"httpGet": {"port": 80}})),
        (unprobed, box(ports=[{"containerPort": 80}], readinessProbe={"exec": {"command": ["true"]}})),
        (unprobed, box(ports=[{"containerPort": 80}], readinessProbe={"grpc": {"port": 81}})),
        (unprobed, box(readinessProbe={"tcpSocket": {"port": 80}})),
        (writable, box(securityContext=context(readOnlyRootFilesystem=False))),
        (lambda pod: without_resources(pod, []), box(resources={})),
        (lambda pod: without_resources(pod, []), box(resources={"limits": {"memory": "32Mi"}})),
        (lambda pod: without_resources(pod, []), box(resources={"requests": {"cpu": "1", "memory": "1Gi"}})),
        (moving, box(image="localhost:5001/box:latest")),
        (moving, box(image="localhost:5001/box:1.4.2")),
        (moving, box(image="localhost:5001/box")),
    ],
)
def test_what_a_container_lacks_is_found(look, container):
    assert look(pod(container)) == ["box"]


def test_a_container_may_be_asked_by_another_and_on_one_of_its_ports():
    proxy = box(name="proxy", ports=[{"containerPort": 80}, {"name": "health", "containerPort": 81}])
    assert unprobed(pod(box(readinessProbe={"httpGet": {"port": "health"}}), initContainers=[proxy])) == []
    assert unprobed(pod(box(readinessProbe={"httpGet": {"port": 82}}), initContainers=[proxy])) == ["box", "proxy"]
    assert unprobed(
        pod(box(ports=[{"containerPort": 90}], readinessProbe={"grpc": {"port": 90}}), initContainers=[proxy])
    ) == ["proxy"]


def test_what_the_namespace_gives_is_not_lacking():
    rule = {"type": "Container", "default": {"memory": "32Mi", "cpu": "1"}}
    given = {"kind": "LimitRange", "metadata": {"namespace": "here"}, "spec": {"limits": [rule]}}
    elsewhere = {**given, "metadata": {"namespace": "elsewhere"}}
    assert without_resources(pod(box(resources={})), [given]) == []
    assert without_resources(pod(box(resources={})), [elsewhere]) == ["box"]


def test_pods_are_found_in_whatever_makes_them():
    template = {"spec": {"containers": [box()]}}
    metadata = {"name": "nightly", "namespace": "here"}
    job = {"kind": "CronJob", "metadata": metadata, "spec": {"jobTemplate": {"spec": {"template": template}}}}
    assert pods_in([job]) == [Pod("nightly", "here", template)]


def test_a_pod_behind_a_service_must_say_its_port():
    service = {"kind": "Service", "spec": {"selector": {"app": "box"}}}
    behind = pod(box())
    behind.content["metadata"] = {"labels": {"app": "box", "more": "yes"}}
    assert portless(behind, [service])
    assert not portless(pod(box()), [service])
