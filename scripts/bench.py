# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Measures the workshop on this machine and prints one table.

A lab of its own, workshop-bench, is made and removed for it. Each figure is the median over the repetitions.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAYBOOKS = ROOT / "playbooks"
NAME = "workshop-bench"
NODE = f"{NAME}-control-plane"
PORT = 5003
LAB = {"workshop_lab_name": NAME, "workshop_registry_port": PORT}
STATE = Path.home() / ".local/state/workshop.production_patterns" / NAME
CACHE = Path.home() / ".cache/workshop.production_patterns"
# What a plain script with docker and kubectl takes for the thirteen lessons, one after the other.
WALKED_SECONDS = 531
STAGES = "lab_engine", "lab_base_images", "lab_registry", "lab_node_image", "lab_tools", "lab_cluster"


class Row(t.NamedTuple):
    """One line of the table."""

    what: str
    values: list[float]
    unit: str
    goal: str = ""


def playbook(name: str, folder: Path, *arguments: str, **variables: t.Any) -> tuple[float, str]:
    """Run a playbook, and give its seconds and what it printed."""
    started = time.monotonic()
    process = subprocess.run(
        ["ansible-playbook", PLAYBOOKS / name, *arguments, "--extra-vars", json.dumps({**LAB, **variables})],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
            "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all",
            "PROFILE_TASKS_SORT_ORDER": "none",
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.returncode:
        sys.exit(f"{name} failed:\n{process.stdout}")
    return time.monotonic() - started, process.stdout


def stages(output: str) -> dict[str, float]:
    """The seconds that the tasks of each lab role took, from the closing table of profile_tasks."""
    seconds: dict[str, float] = {}
    for role, taken in re.findall(r"^workshop\.production_patterns\.(\w+) : .* -+ ([0-9.]+)s$", output, re.MULTILINE):
        seconds[role] = seconds.get(role, 0) + float(taken)
    return seconds


def output(*command: object, **environment: str) -> str:
    process = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return process.stdout.strip()


def clean(folder: Path) -> None:
    playbook("clean.yml", folder, workshop_lessons=[], workshop_clean_lab=True)


def plain_kind(folder: Path, image: str) -> float:
    """The seconds of kind alone with the same node image and configuration, until CoreDNS serves."""
    kind = max(CACHE.glob("programs-*/kind"), key=lambda program: program.stat().st_mtime)
    kubeconfig = folder / "plain-kubeconfig"
    started = time.monotonic()
    arguments = ["--name", NAME, "--image", image, "--config", STATE / "kind.yml"]
    environment = {"KUBECONFIG": str(kubeconfig), "KIND_EXPERIMENTAL_DOCKER_NETWORK": NAME}
    output(kind, "create", "cluster", *arguments, **environment)
    kubectl = ["docker", "exec", NODE, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    wait = ["rollout", "status", "deployment/coredns", "--timeout=180s"]
    output(*kubectl, "--namespace", "kube-system", *wait)
    seconds = time.monotonic() - started
    output(kind, "delete", "cluster", "--name", NAME, **environment)
    return seconds


def megabytes() -> float:
    """The memory of node and registry, as docker stats counts it."""
    factors = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "B": 1}
    usage = output("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", NODE, f"{NAME}-registry")
    found = re.findall(r"^([0-9.]+)(\w+) /", usage, re.MULTILINE)
    return sum(float(value) * factors[unit] for value, unit in found) / 1e6


def watched(claims: list[dict[str, t.Any]]) -> float:
    """The seconds that a lesson says it had to wait or watch, from what its claims observed."""
    values = [value for claim in claims for name, value in claim["observed"].items() if name == "watched_seconds"]
    return float(sum(value for value in values if isinstance(value, int | float)))


class Table:
    """The rows, in the order in which they were first noted."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def note(self, what: str, value: float, unit: str = "s", goal: str = "") -> None:
        self.rows.setdefault(what, Row(what, [], unit, goal)).values.append(value)

    def show(self) -> None:
        print(f"{'':<50} {'median':>9} {'':<3} {'lowest':>9} {'highest':>9} {'runs':>4}  goal")
        for what, values, unit, goal in self.rows.values():
            median = statistics.median(values)
            figures = f"{median:>9.2f} {unit:<3} {min(values):>9.2f} {max(values):>9.2f} {len(values):>4}"
            print(f"{what:<50} {figures}  {goal}".rstrip())


def measure_lab(table: Table, folder: Path) -> None:
    clean(folder)
    seconds, printed = playbook("lab.yml", folder)
    by_stage = stages(printed)
    table.note("lab from nothing but the cached node image", seconds)
    for stage in STAGES:
        table.note(f"  of it {stage}", by_stage.get(stage, 0))

    time.sleep(30)
    table.note("memory of the idle lab, node and registry", megabytes(), "MB", "under 700")
    table.note("lab again, nothing to do", playbook("lab.yml", folder)[0])

    image = output("docker", "container", "inspect", "--format", "{{.Config.Image}}", NODE)
    output("docker", "rm", "--force", "--volumes", NODE)
    alone = plain_kind(folder, image)
    by_lab, _printed = playbook("lab.yml", folder)
    table.note("kind create cluster alone, until CoreDNS serves", alone)
    table.note("cluster by the lab, until CoreDNS serves", by_lab)
    table.note("  times kind alone", by_lab / alone, "", "at most 1.15")


def clean_lessons(table: Table, folder: Path) -> None:
    table.note("all lessons removed", playbook("clean.yml", folder)[0])


def measure_lessons(table: Table, folder: Path) -> None:
    # Both begin without namespaces and images, as the script did; what BuildKit has cached stays.
    clean_lessons(table, folder)
    together, _printed = playbook("lessons.yml", folder)
    table.note("memory of the lab after all lessons", megabytes(), "MB", "under 2000")
    clean_lessons(table, folder)
    one_by_one, _printed = playbook("lessons.yml", folder, "--forks", "1")
    report = json.loads((folder / "workshop-report/claims.json").read_text())
    longest = max(lesson["seconds"] for lesson in report["lessons"])
    table.note("all lessons, side by side", together)
    table.note("  times the longest alone", together / longest, "", "at most 1.3")
    table.note("  times the sum walked by a script", together / WALKED_SECONDS, "", "at most 0.30")
    table.note("all lessons, one by one", one_by_one)
    for lesson in report["lessons"]:
        name = lesson["lesson"]
        table.note(f"  {name}", lesson["seconds"])
        waits = watched([claim for claim in report["claims"] if claim["lesson"] == name])
        table.note(f"  {name}, watched in its claims", waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labs", type=int, default=3, help="how often a lab is made (4 minutes each)")
    parser.add_argument("--lessons", type=int, default=3, help="how often all lessons are gone through (20 each)")
    repeat = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The engine and the base images are there before anything is timed.
        playbook("lab.yml", folder)
        try:
            for number in range(repeat.labs):
                print(f"making a lab, {number + 1} of {repeat.labs} ...", file=sys.stderr)
                measure_lab(table, folder)
            if repeat.lessons:
                print("building the images of the lessons ...", file=sys.stderr)
                table.note("all lessons, with their images to be built", playbook("lessons.yml", folder)[0])
            for number in range(repeat.lessons):
                print(f"going through the lessons, {number + 1} of {repeat.lessons} ...", file=sys.stderr)
                measure_lessons(table, folder)
        finally:
            table.show()
            clean(folder)


if __name__ == "__main__":
    main()
