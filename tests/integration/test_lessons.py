# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Whole runs: every lesson holds, one alone runs alone, and the built archive does the same."""

from __future__ import annotations

import os
import re
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest
from runs import KUBECTL, ROOT, TAUGHT, Playbook, begin_until

ALL = str(ROOT / "playbooks/all.yml")


def assert_measured(claims):
    """Claims that hold, each with something observed."""
    assert claims
    for claim in claims:
        assert claim["holds"], claim
        assert claim["observed"], claim
        assert claim["seconds"] >= 0, claim


def test_every_lesson_holds(playbook):
    run = playbook(ALL)
    assert run.code == 0, run.output
    assert run.statuses == dict.fromkeys(TAUGHT, "held")
    assert {claim["lesson"] for claim in run.claims} == set(TAUGHT)
    assert_measured(run.claims)
    for lesson in TAUGHT:
        assert {claim["shows"] for claim in run.claims if claim["lesson"] == lesson} == {"antipattern", "pattern"}
    cases = ET.parse(playbook.folder / "workshop-report/claims.xml").getroot().iter("testcase")
    made = [case for case in cases if case.find("skipped") is None]
    assert len(made) == len(run.claims)
    # On a lab of one node nothing but the loss of a node is not shown.
    skipped = {lesson["lesson"]: len(lesson["skipped"]) for lesson in run.report["lessons"] if lesson["skipped"]}
    assert skipped == {"direct_pods": 2}
    assert_can_be_applied_by_hand(playbook.folder / "workshop-report/manifests")


def assert_can_be_applied_by_hand(manifests):
    """What the report has of every lesson is what kubectl and the cluster take, or refuse as the lesson shows."""
    applied = sorted(manifests.glob("*/*.yml"))
    assert {path.parent.name for path in applied} == set(TAUGHT)
    apply = [*KUBECTL, "apply", "--dry-run=server", "--filename", "-"]
    for path in applied:
        run = subprocess.run(apply, input=path.read_text(), check=False, capture_output=True, text=True)
        # Its quota does.
        refused = "exceeded quota" in run.stderr and path.name == "excessive.yml"
        assert run.returncode == 0 or refused, f"{path}: {run.stderr}"


def test_a_lesson_waits_for_what_the_cluster_makes_in_a_new_namespace(lab, playbook):
    """The cluster refuses pods whose service account is not there yet, and on a busy one it comes late."""
    variables = {"workshop_lessons": "background_processes", "workshop_namespace_prefix": "late-"}
    pushed = "Push them to the registry, from which the cluster pulls"
    controllers = ["docker", "exec", "workshop-control-plane", "pkill", "--exact", "kube-controller"]
    subprocess.run([*controllers, "--signal", "STOP"], check=True)
    try:
        run = begin_until("_lesson", pushed, playbook.folder, "lessons.yml", variables)
        with pytest.raises(subprocess.TimeoutExpired):
            run.communicate(timeout=10)
    finally:
        subprocess.run([*controllers, "--signal", "CONT"], check=True)
    said = run.communicate()[0]
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), **variables)
    assert run.returncode == 0, said
    assert cleaned.code == 0, cleaned.output


def test_no_pod_that_a_lesson_leaves_collects_zombies(lab):
    """Probes and looks into a container leave processes to its PID 1, which must reap them, as a lesson teaches."""
    node = ["docker", "exec", "workshop-control-plane", "ps", "-e", "--no-headers", "--format", "stat,pid,ppid,comm"]

    def zombies() -> set[str]:
        seen = subprocess.run(node, check=True, capture_output=True, text=True).stdout.splitlines()
        return {line for line in seen if line.startswith("Z")}

    # The one that looks at the node's logs is looked into every other second.
    phase = ["get", "pod", "chatty", "--namespace", "workshop-logging", "--output", "jsonpath={.status.phase}"]
    assert subprocess.run([*KUBECTL, *phase], check=True, capture_output=True, text=True).stdout == "Running"
    first = zombies()
    time.sleep(5)
    # One that was just about to be reaped is gone by now.
    assert not first & zombies()


def test_one_lesson_runs_alone(playbook, lab):
    run = playbook(ALL, shown_by="workshop.production_patterns.live", workshop_lessons="pod_quotas")
    assert run.code == 0, run.output
    assert run.statuses == {"pod_quotas": "held"}
    # Without a terminal there is a line for each claim and each end.
    shown = run.output.partition("\nCLAIMS **")[0]
    for claim in run.claims:
        assert f"✓ pod_quotas: {claim['claim']}\n" in shown
    assert re.search(r"^✓ Have a Docker engine \(.+\)$", shown, re.MULTILINE)
    assert re.search(rf"^✓ pod_quotas held: {len(run.claims)} claims hold \(.+\)$", shown, re.MULTILINE)
    assert "TASK [" not in shown
    assert "PLAY RECAP" in (playbook.folder / "workshop-report/all.log").read_text()


def test_the_archive_is_installed_and_runs_from_another_folder(tmp_path, lab):
    archives = tmp_path / "archives"
    collections = tmp_path / "collections"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", archives], cwd=ROOT, check=True)
    (archive,) = archives.iterdir()
    config = tmp_path / "ansible.cfg"
    config.write_text(f"[defaults]\ncollections_path = {collections}\n")
    subprocess.run(
        ["ansible-galaxy", "collection", "install", "--offline", "-p", collections, archive],
        cwd=elsewhere,
        env={**os.environ, "ANSIBLE_CONFIG": str(config)},
        check=True,
    )

    all_of_it, live = "workshop.production_patterns.all", "workshop.production_patterns.live"
    run = Playbook(elsewhere)(all_of_it, config=config, shown_by=live, workshop_lessons="pod_quotas")
    assert run.code == 0, run.output
    assert run.statuses == {"pod_quotas": "held"}
    assert "✓ pod_quotas held: " in run.output
    assert_measured(run.claims)
