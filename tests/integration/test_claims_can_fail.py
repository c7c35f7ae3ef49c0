# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""A claim fails when its workload is swapped for the opposite one, so that a claim which holds says something."""

from __future__ import annotations

import functools
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from runs import ROOT, TAUGHT, Playbook, Run

LESSONS = str(ROOT / "playbooks/lessons.yml")
CLEAN = str(ROOT / "playbooks/clean.yml")

SHORT_PROBE = {
    "background_processes_probe_period_seconds": 2,
    "background_processes_grace_seconds": 2,
    "background_processes_timeout_seconds": 20,
}
SHORT_START = {"pod_readiness_start_seconds": 15, "pod_readiness_drain_seconds": 5}

SHORT_JOBS = {"failing_jobs_deadline_seconds": 15, "failing_jobs_ttl_seconds": 10}

SHORT_OUTAGE = {
    "circuit_breaker_slow_seconds": 4,
    "circuit_breaker_open_seconds": 20,
    "circuit_breaker_watch_seconds": 3,
    "circuit_breaker_timeout_seconds": 60,
}

OPPOSITES: list[tuple[str, dict[str, t.Any], list[str]]] = [
    (
        "build_and_runtime",
        {"build_and_runtime_antipattern": "multi-stage"},
        ["An image built in a single stage ships a C compiler and the source"],
    ),
    (
        "build_and_runtime",
        {"build_and_runtime_pattern": "single-stage"},
        [
            "An image built in a single stage is several times",
            "The image of a multi-stage build has neither compiler nor source",
        ],
    ),
    (
        "zombies_and_orphans",
        {"zombies_and_orphans_antipattern_command": ["dumb-init", "--", "sleep", "10000"]},
        [
            "A process without a handler for SIGTERM ignores it as PID 1",
            "Stopping it takes the whole grace period",
            "Ending the docker run client leaves",
            "A PID 1 that does not reap collects",
            "On the cluster, deleting the pod takes",
        ],
    ),
    (
        "zombies_and_orphans",
        # Long enough for its pod to start on a busy machine.
        {"zombies_and_orphans_pattern_command": ["sleep", "10000"], "zombies_and_orphans_timeout_seconds": 30},
        [
            "With dumb-init as PID 1 SIGTERM ends the same program at once",
            "With dumb-init as PID 1 no zombie stays",
            "With dumb-init as PID 1 the container ends",
            "On the cluster, with dumb-init as PID 1",
        ],
    ),
    (
        "direct_pods",
        {"direct_pods_antipattern": "deployment"},
        ["A deleted pod does not come back when nobody owns it"],
    ),
    (
        "direct_pods",
        {"direct_pods_pattern": "pod", "direct_pods_watch_seconds": 1, "direct_pods_timeout_seconds": 15},
        ["A Deployment of one replica has another pod ready"],
    ),
    (
        "background_processes",
        {"background_processes_module": "server:app", **SHORT_PROBE},
        ["The pod is Running and Ready with no restarts"],
    ),
    (
        "background_processes",
        {"background_processes_probed_module": "server:app", **SHORT_PROBE},
        ["A liveness probe notices that nobody answers"],
    ),
    (
        "background_processes",
        {"background_processes_foreground_module": "server:app", **SHORT_PROBE},
        ["As the container's only process the server can't end"],
    ),
    (
        "logging",
        {"logging_antipattern": "streams"},
        ["What a program writes to a file is not in its log"],
    ),
    (
        "logging",
        {"logging_chatty_mebibytes": 4, "logging_timeout_seconds": 30},
        ["The node rotates what a chatty container says"],
    ),
    (
        "immutable_containers",
        {"immutable_containers_antipattern": "/disk"},
        ["Data in the container's layer is gone"],
    ),
    (
        "immutable_containers",
        {"immutable_containers_pattern": "/data"},
        ["An emptyDir keeps its data over a restart"],
    ),
    (
        "immutable_containers",
        {"immutable_containers_medium": ""},
        ["With medium Memory it is a tmpfs"],
    ),
    (
        "immutable_containers",
        {"immutable_containers_readonly": False},
        ["With readOnlyRootFilesystem a write to the container fails"],
    ),
    (
        "latest_tag",
        {"latest_tag_opposite": "outdated"},
        ["A new pod of the image latest runs the old one"],
    ),
    (
        "latest_tag",
        {"latest_tag_opposite": "always"},
        ["Two pods with the same image name run different"],
    ),
    (
        "latest_tag",
        {"latest_tag_opposite": "defaulted"},
        ["With Always, which is the default for latest"],
    ),
    (
        "latest_tag",
        {"latest_tag_opposite": "versioned"},
        ["A version's own tag gives the same image"],
    ),
    (
        "latest_tag",
        {"latest_tag_opposite": "pinned"},
        ["A digest names one image"],
    ),
    (
        "pod_readiness",
        {"pod_readiness_antipattern": "drained", **SHORT_START},
        ["A pod without a readiness probe is ready at once", "Without a readiness probe the roll-out"],
    ),
    (
        "pod_readiness",
        {"pod_readiness_halfway": "drained", "pod_readiness_rollouts": 1, **SHORT_START},
        ["With a readiness probe alone some requests are lost"],
    ),
    (
        "pod_readiness",
        {"pod_readiness_pattern": "unprobed", "pod_readiness_timeout_seconds": 80, **SHORT_START},
        ["With a readiness probe two pods stand side by side"],
    ),
    (
        "pod_readiness",
        {"pod_readiness_pattern": "probed", **SHORT_START},
        ["By the time it gets SIGTERM nobody asks it any more"],
    ),
    (
        "failing_jobs",
        {**SHORT_JOBS, "failing_jobs_opposite": "bad"},
        ["A Job that always fails and has no bound"],
    ),
    (
        "failing_jobs",
        {**SHORT_JOBS, "failing_jobs_opposite": "storm"},
        ["With a limit for each index the failures become"],
    ),
    (
        "failing_jobs",
        {**SHORT_JOBS, "failing_jobs_opposite": "default"},
        ["By default a Job is given up after six failures"],
    ),
    (
        "failing_jobs",
        # Long enough for its pod to succeed on a busy machine.
        {**SHORT_JOBS, "failing_jobs_opposite": "bound", "failing_jobs_deadline_seconds": 120},
        ["With a deadline of"],
    ),
    (
        "failing_jobs",
        {**SHORT_JOBS, "failing_jobs_opposite": "limited"},
        ["With a limit of"],
    ),
    (
        "failing_jobs",
        {**SHORT_JOBS, "failing_jobs_opposite": "hopeless"},
        ["A policy that knows the exit code ends the Job"],
    ),
    (
        "failing_jobs",
        {**SHORT_JOBS, "failing_jobs_opposite": "expiring"},
        ["10 seconds after its end the Job is removed"],
    ),
    (
        "pod_quotas",
        {"pod_quotas_memory_limit": "200Mi", "pod_quotas_timeout_seconds": 15},
        ["With a limit the kernel kills the program"],
    ),
    (
        "pod_quotas",
        {"pod_quotas_antipattern_limit": "150Mi"},
        ["Without a limit the program takes all the memory"],
    ),
    ("pod_quotas", {"pod_quotas_excess": "16Mi"}, ["The quota of a namespace refuses a pod"]),
    (
        "pod_quotas",
        {"pod_quotas_oversized_request": "8Mi"},
        ["A pod that requests more than any node has waits"],
    ),
    ("pod_quotas", {"pod_quotas_own_limit": "16Mi"}, ["A LimitRange gives a limit to a container"]),
    (
        "image_configuration",
        {"image_configuration_antipattern": "mounted"},
        ["With the configuration inside the image"],
    ),
    (
        "image_configuration",
        {"image_configuration_password_baked": False},
        ["A password in the image can be read"],
    ),
    (
        "image_configuration",
        {"image_configuration_pattern": "baked"},
        ["The same service gets its configuration"],
    ),
    (
        "image_configuration",
        {"image_configuration_password_kind": "ConfigMap"},
        ["A Secret is mounted in memory"],
    ),
    (
        "image_configuration",
        {"image_configuration_password_mode": "0444"},
        ["Only the user of the service can read it"],
    ),
    (
        "image_configuration",
        {"image_configuration_password_removed": True},
        ["The Secret's password is in no layer"],
    ),
    (
        "image_configuration",
        {
            "image_configuration_mount": "file",
            "image_configuration_touch_pod": True,
            "image_configuration_update_timeout_seconds": 5,
        },
        ["A change of the ConfigMap reaches"],
    ),
    (
        "circuit_breaker",
        {**SHORT_OUTAGE, "circuit_breaker_antipattern": "breaker"},
        ["When the weather service is slow every page"],
    ),
    (
        "circuit_breaker",
        {**SHORT_OUTAGE, "circuit_breaker_pattern": "weather"},
        ["Behind the breaker the first page waits"],
    ),
    (
        "circuit_breaker",
        {**SHORT_OUTAGE, "circuit_breaker_failures": 1000},
        ["Once the breaker is open pages come at once"],
    ),
    (
        "circuit_breaker",
        {**SHORT_OUTAGE, "circuit_breaker_open_seconds": 5, "circuit_breaker_watch_seconds": 15},
        ["While the breaker is open the weather service gets no"],
    ),
    (
        "circuit_breaker",
        {**SHORT_OUTAGE, "circuit_breaker_weather_at_last": "slow"},
        ["Once its time is over a single request"],
    ),
    (
        "circuit_breaker",
        {**SHORT_OUTAGE, "circuit_breaker_weather_in_outage": "healthy"},
        ["When the weather service fails at once"],
    ),
    (
        "circuit_breaker",
        {
            **SHORT_OUTAGE,
            "circuit_breaker_weather_at_first": "crashing",
            "circuit_breaker_open_seconds": 4,
            "circuit_breaker_timeout_seconds": 38,
        },
        ["While the weather service is healthy"],
    ),
    ("sidecar", {"sidecar_antipattern": "native"}, ["Alone the service takes any burst"]),
    (
        "sidecar",
        {"sidecar_requests_per_second": 5},
        ["At the rate that the sidecar allows every request is served"],
    ),
    ("sidecar", {"sidecar_limits": ["connections"]}, ["Of a burst the sidecar lets one request through"]),
    ("sidecar", {"sidecar_limits": ["rate"]}, ["Connections above the limit are refused with 503"]),
    (
        "sidecar",
        {"sidecar_service_address": "0.0.0.0"},
        ["The service can't be reached but through the sidecar"],
    ),
    ("sidecar", {"sidecar_pattern": "ordinary"}, ["A native sidecar is up before the service starts"]),
]

# What would be swapped for these ends the lesson before they are made, there is nothing to swap, or it is chance.
WITHOUT_OPPOSITE = {
    "The buildbox compiles through a mounted volume": "the lesson does not get there when it has compiled nothing",
    "A statically linked program on an empty image": "it is about one Dockerfile, with nothing beside it to swap",
    "All images run the same program": "all are built from one source",
    "The pushed multi-stage image prints": "the Job has to complete before anything is claimed of it",
    "A pod that nobody owns is lost with its node": "it is not shown where no node may be lost",
    "The Deployment's pod is replaced on another": "it is not shown where no node may be lost",
    "Two servers that belong together": "a pod in which one of them does not serve never gets ready",
    "A line on stdout and one on stderr": "it is what the claim on the file is swapped for",
    "A sidecar that streams the file": "without it there is no log to read",
    "One byte more in a file of the image": "a file that is not copied is one of a volume, not of the image",
    "An emptyDir goes with its pod": "nothing that outlives a pod is part of this lesson",
    "The old pod is told to end only after": "without a probe the old pod may be gone before it is looked at",
    "With a readiness probe and an end that waits": "how many are lost without that end is chance",
    "The rest of the node is untouched": "it would take the loss of a node",
}

# Lessons run side by side, so the first opposites of all of them are one run, the second ones another, and so on.
ROUNDS = [sum(opposite[0] == earlier[0] for earlier in OPPOSITES[:number]) for number, opposite in enumerate(OPPOSITES)]


@pytest.fixture(scope="module")
def run_of_round(lab: None, tmp_path_factory: pytest.TempPathFactory) -> t.Callable[[int], Run]:
    """Runs the lessons of a round, once. What they made goes with it."""
    playbook = Playbook(tmp_path_factory.mktemp("opposites"))

    @functools.cache
    def run_of(number: int) -> Run:
        chosen = [opposite for opposite, of_round in zip(OPPOSITES, ROUNDS, strict=True) if of_round == number]
        variables = {name: value for _lesson, swapped, *_rest in chosen for name, value in swapped.items()}
        lessons = [lesson for lesson, *_rest in chosen]
        run = playbook(LESSONS, workshop_lessons=lessons, workshop_namespace_prefix="opposite-", **variables)
        assert run.code != 0
        cleaned = playbook(CLEAN, workshop_lessons=lessons, workshop_namespace_prefix="opposite-")
        assert cleaned.code == 0, cleaned.output
        return run

    return run_of


def claims_of(role: Path) -> t.Iterator[str]:
    """The sentences that a lesson claims, with # for each number."""

    def look(tasks: list[dict[str, t.Any]]) -> t.Iterator[str]:
        for task in tasks:
            if "workshop.production_patterns.claim" in task:
                yield re.sub(r"{{.*?}}|\d+", "#", task["name"])
            yield from look(task.get("block", []))

    for path in role.glob("tasks/*.yml"):
        yield from look(yaml.safe_load(path.read_text()) or [])


def test_every_claim_has_an_opposite_or_a_reason_why_not():
    sentences = [sentence for *_rest, fallen in OPPOSITES for sentence in fallen] + list(WITHOUT_OPPOSITE)
    beginnings = [re.sub(r"\d+", "#", sentence) for sentence in sentences]
    claims = [claim for lesson in TAUGHT for claim in claims_of(ROOT / "roles" / lesson)]
    assert len(claims) > len(TAUGHT)
    for claim in claims:
        assert sum(claim.startswith(beginning) for beginning in beginnings) == 1, claim
    for beginning in beginnings:
        assert any(claim.startswith(beginning) for claim in claims), beginning


@pytest.mark.parametrize(
    ("number", "lesson", "sentence"),
    sorted(
        (number, lesson, sentence)
        for number, (lesson, _swapped, fallen) in zip(ROUNDS, OPPOSITES, strict=True)
        for sentence in fallen
    ),
)
def test_a_claim_fails_on_the_opposite(run_of_round, number, lesson, sentence):
    """By its own sentence, and seen where it stands. Others may fall with it, since the lesson goes on."""
    run = run_of_round(number)
    fallen = [claim for claim in run.claims if claim["lesson"] == lesson and claim["claim"].startswith(sentence)]
    assert [claim["holds"] for claim in fallen] == [False], run.output
    assert fallen[0]["false_conditions"]
    (of_lesson,) = [of_lesson for of_lesson in run.report["lessons"] if of_lesson["lesson"] == lesson]
    assert of_lesson["status"] == "failed"
    assert fallen[0]["claim"] in of_lesson["fallen"]
    assert f'"{fallen[0]["claim"]}" does not hold' in run.output
