# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from ansible_collections.workshop.production_patterns.plugins.callback.report import _message

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "no\n  such image"}, "no such image"),
        ({"msg": "non-zero return code", "stderr": "warning\nport in use\n"}, "non-zero return code: port in use"),
        ({"msg": "One or more items failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "bad"}]}, "bad"),
        ({"msg": "broken", "results": ["a package"]}, "broken"),
        ({}, "The task failed without a message."),
    ],
)
def test_the_message_of_a_failed_task(result: dict[str, t.Any], message: str) -> None:
    assert _message(result) == message


# Real runs of a playbook with small lessons.

HOLDS = {"shows": "antipattern", "observed": {"seconds": "{{ 5.25 }}", "samples": "{{ range(412) | list }}"}}
ROLES: dict[str, list[dict[str, t.Any]]] = {
    "sidecar": [
        {
            "block": [{"name": "Fail on purpose", "ansible.builtin.fail": {"msg": "expected"}}],
            "rescue": [{"name": "Go on", "ansible.builtin.debug": {}}],
        },
        {"name": "Also on purpose", "ansible.builtin.fail": {"msg": "expected"}, "ignore_errors": True},
        {"name": "Any burst is taken", "workshop.production_patterns.claim": {**HOLDS, "that": "observed.seconds > 5"}},
    ],
    "logging": [
        {"name": "A line is lost", "workshop.production_patterns.claim": {**HOLDS, "that": "observed.seconds > 5"}},
        {
            "name": "A line is kept",
            "workshop.production_patterns.claim": {
                "shows": "pattern",
                "observed": {"lines": 0},
                "that": "observed.lines == 1",
            },
        },
    ],
    "direct_pods": [
        {"name": "A pod is gone", "workshop.production_patterns.claim": {**HOLDS, "that": "observed.seconds > 5"}},
        {
            "block": [{"name": "Deploy", "ansible.builtin.fail": {"msg": "no such image"}}],
            "rescue": [
                {"name": "Diagnose", "block": [{"ansible.builtin.include_role": {"name": "_diagnosis"}}]},
            ],
            "always": [{"name": "Tidy up", "ansible.builtin.fail": {"msg": "untidy"}, "ignore_errors": True}],
        },
    ],
    "_diagnosis": [
        {
            "block": [{"name": "Read the events", "ansible.builtin.fail": {"msg": "no events"}}],
            "rescue": [{"name": "Say so", "ansible.builtin.debug": {}}],
        },
        {"block": [{"name": "Fail again", "ansible.builtin.fail": {"msg": "see above"}}]},
    ],
    "pod_quotas": [{"name": "Claim nothing", "ansible.builtin.debug": {}}],
}
LESSONS = [name for name in ROLES if not name.startswith("_")]


def a_claim(
    sentence: str, that: str = "seconds > 5", seconds: str = "{{ 5.25 }}", **keywords: t.Any
) -> dict[str, t.Any]:
    arguments = {"shows": "pattern", "observed": {"seconds": seconds}, "that": that}
    return {"name": sentence, "workshop.production_patterns.claim": arguments, **keywords}


FIGURES = {"failing_jobs_seconds": 5}
# The files of one lesson, which is like those of this collection.
SHOWN: dict[str, list[dict[str, t.Any]]] = {
    "main": [{"name": "Show it", "ansible.builtin.include_tasks": "verify.yml"}],
    "verify": [
        {"name": "Go on", "block": [a_claim("It fails"), a_claim("Nobody may see how", no_log=True)]},
        a_claim("It waits {{ failing_jobs_seconds }} seconds", when=False),
        {"name": "More", "ansible.builtin.include_tasks": "more.yml", "when": False},
        {"name": "Not by its name", "ansible.builtin.include_tasks": "{{ failing_jobs_file }}.yml", "when": False},
    ],
    "more": [a_claim("It ends after {{ failing_jobs_seconds }} seconds, with {{ failing_jobs_seen }}")],
}


@dataclass
class Run:
    code: int
    output: str
    folder: Path

    @property
    def report(self) -> dict[str, t.Any]:
        report: dict[str, t.Any] = json.loads((self.folder / "claims.json").read_text())
        return report

    @property
    def xml(self) -> ET.Element:
        return ET.parse(self.folder / "claims.xml").getroot()


def run(
    tmp_path: Path,
    lessons: list[str],
    *,
    hosts: str = "lessons",
    before: list[dict[str, t.Any]] | None = None,
    folder: str = "workshop-report",
    arguments: tuple[str, ...] = (),
    shown: dict[str, list[dict[str, t.Any]]] | None = None,
    collect: bool = False,
) -> Run:
    """Run a playbook with the callback beside it, as in this collection, and no word of it in the configuration."""
    files: dict[str, t.Any] = {f"{name}/tasks/main.yml": tasks for name, tasks in ROLES.items()}
    files |= {f"failing_jobs/tasks/{name}.yml": tasks for name, tasks in (shown or SHOWN).items()}
    for name, content in {**files, "failing_jobs/defaults/main.yml": FIGURES}.items():
        path = tmp_path / "roles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    (tmp_path / "callback_plugins").mkdir(exist_ok=True)
    link = tmp_path / "callback_plugins" / "report.py"
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT / "plugins" / "callback" / "report.py")
    name_lessons = {"ansible.builtin.add_host": {"name": "{{ item }}", "groups": "lessons"}, "loop": lessons}
    plays = [
        {"hosts": "localhost", "gather_facts": False, "tasks": [name_lessons, *(before or [])]},
        {
            "hosts": hosts,
            "gather_facts": False,
            "connection": "local",
            "strategy": "free",
            "module_defaults": {"workshop.production_patterns.claim": {"collect_in": "fell"}} if collect else {},
            "tasks": [{"ansible.builtin.include_role": {"name": "{{ inventory_hostname }}"}}],
        },
        {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {}}]},
    ]
    (tmp_path / "all.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {ROOT / '.collections'}\n")
    process = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "all.yml", *arguments],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"), "COLUMNS": "200", "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Callback dispatch" not in process.stdout, process.stdout
    return Run(process.returncode, process.stdout, tmp_path / folder)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A lesson that holds, one with a false claim, one that fails elsewhere and one that claims nothing."""
    versions = {"ansible.builtin.set_fact": {"workshop_versions": {"kubernetes": "v1.37.0", "python": "a lie"}}}
    return run(tmp_path_factory.mktemp("mixed"), LESSONS, before=[versions])


def test_the_run_fails_even_though_its_last_play_does_not(mixed: Run) -> None:
    assert mixed.code == 2, mixed.output


def test_lessons_in_json(mixed: Run) -> None:
    lessons = {lesson["lesson"]: lesson for lesson in mixed.report["lessons"]}
    assert list(lessons) == LESSONS
    assert {name: (lesson["status"], lesson["claims"], lesson["message"]) for name, lesson in lessons.items()} == {
        "sidecar": ("held", 1, None),
        "logging": (
            "failed",
            2,
            '"A line is kept" does not hold: "observed.lines == 1" is false, observed lines=0.',
        ),
        "direct_pods": ("failed", 1, "no such image"),
        "pod_quotas": ("not run", 0, None),
    }
    assert lessons["logging"]["fallen"] == ["A line is kept"]
    assert lessons["sidecar"]["seconds"] > 0


def test_a_lesson_has_its_beginning_and_its_end(mixed: Run) -> None:
    report = mixed.report
    for lesson in report["lessons"]:
        started, ended = (datetime.fromisoformat(lesson[key]) for key in ("started", "ended"))
        assert (ended - started).total_seconds() == pytest.approx(lesson["seconds"], abs=0.01)
        assert report["run"]["started"] <= lesson["started"] <= lesson["ended"] <= report["run"]["finished"]


def test_claims_in_json(mixed: Run) -> None:
    claims = {claim["claim"]: claim for claim in mixed.report["claims"]}
    assert {name: claim["holds"] for name, claim in claims.items()} == {
        "Any burst is taken": True,
        "A line is lost": True,
        "A line is kept": False,
        "A pod is gone": True,
    }
    burst = claims["Any burst is taken"]
    assert (burst["lesson"], burst["shows"]) == ("sidecar", "antipattern")
    assert burst["observed"] == {"seconds": 5.25, "samples": list(range(412))}


def test_times_of_claims_and_lessons_agree(mixed: Run) -> None:
    report = mixed.report
    total = sum(claim["seconds"] for claim in report["claims"] if claim["lesson"] == "logging")
    lesson = next(lesson for lesson in report["lessons"] if lesson["lesson"] == "logging")
    assert 0 < total == pytest.approx(lesson["seconds"], abs=0.01)
    times = [datetime.fromisoformat(claim["at"]) for claim in report["claims"]]
    started, finished = (datetime.fromisoformat(report["run"][key]) for key in ("started", "finished"))
    assert all(started <= time <= finished for time in times)
    assert report["run"]["seconds"] >= lesson["seconds"]


def test_versions(mixed: Run) -> None:
    versions = mixed.report["run"]["versions"]
    assert set(versions) == {"kubernetes", "ansible_core", "python", "collection"}
    assert versions["kubernetes"] == "v1.37.0"
    assert versions["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert versions["collection"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]


def test_junit(mixed: Run) -> None:
    root = mixed.xml
    counts = ("tests", "failures", "errors", "skipped")
    assert {suite.get("name"): tuple(suite.get(count) for count in counts) for suite in root} == {
        "sidecar": ("1", "0", "0", "0"),
        "logging": ("2", "1", "0", "0"),
        "direct_pods": ("2", "0", "1", "0"),
        "pod_quotas": ("1", "0", "0", "1"),
    }
    assert tuple(root.get(count) for count in counts) == ("6", "1", "1", "1")
    failed = root.find('testsuite/testcase[@name="A line is kept"]/failure')
    assert failed is not None
    assert "observed.lines == 1" in str(failed.get("message"))
    error = root.find('testsuite/testcase[@name="Deploy"]/error')
    assert error is not None
    assert error.get("message") == "no such image"


def test_summary_in_the_terminal(mixed: Run) -> None:
    summary = mixed.output[mixed.output.index("CLAIMS **") :]
    assert mixed.output.count("CLAIMS **") == 1
    lines = [line.strip() for line in summary.splitlines()]
    assert any(line.startswith("✓ anti-pattern  Any burst is taken (") for line in lines)
    assert any(line.startswith("✗ pattern       A line is kept (") for line in lines)
    assert "seconds=5.25" in lines
    assert "✗ Deploy: no such image" in lines
    # What failed is told last.
    statuses = [line.partition(",")[0] for line in lines if line.partition(":")[0] in LESSONS]
    assert statuses == ["sidecar: held", "pod_quotas: not run", "logging: failed", "direct_pods: failed"]
    assert lines[-1] == (
        "3 claims hold, 1 failed, 2 lessons failed (logging, direct_pods), 1 lesson not run (pod_quotas);"
        " report: workshop-report/index.html"
    )


def lesson_of(run: Run) -> dict[str, t.Any]:
    (lesson,) = run.report["lessons"]
    return t.cast("dict[str, t.Any]", lesson)


def test_no_claim_vanishes_from_a_lesson_that_is_held(tmp_path: Path) -> None:
    held = run(tmp_path, ["failing_jobs"])
    assert held.code == 0, held.output
    lesson = lesson_of(held)
    assert (lesson["status"], lesson["claims"], lesson["fallen"], lesson["not_reached"]) == ("held", 2, [], [])
    assert lesson["skipped"] == [
        "It waits 5 seconds",
        # The second figure is one that only the run would have brought.
        "It ends after {{ failing_jobs_seconds }} seconds, with {{ failing_jobs_seen }}",
    ]
    hidden = held.report["claims"][1]
    assert (hidden["claim"], hidden["shows"], hidden["holds"]) == ("Nobody may see how", "pattern", True)
    assert hidden["observed"] == {"no_log": True}
    skipped = [case.get("name") for case in held.xml.iter("testcase") if case.find("skipped") is not None]
    assert skipped == lesson["skipped"]
    assert "- pattern       It waits 5 seconds (skipped)" in held.output
    assert "2 claims hold, 2 skipped; report" in held.output


def test_a_claim_that_falls_under_no_log_is_told(tmp_path: Path) -> None:
    verify = [a_claim("Nobody may see how", "seconds > 6", no_log=True), a_claim("It ends", seconds="{{ 5.5 }}")]
    fallen = run(tmp_path, ["failing_jobs"], shown={**SHOWN, "verify": verify}, collect=True)
    lesson = lesson_of(fallen)
    assert (lesson["status"], lesson["claims"], lesson["fallen"]) == ("failed", 2, ["Nobody may see how"])
    assert "5.25" not in fallen.output + (fallen.folder / "claims.json").read_text()


def test_claims_that_a_failed_task_kept_from_being_made_are_not_left_out(tmp_path: Path) -> None:
    verify = [
        {
            "block": [
                a_claim("It begins"),
                {"name": "Look", "ansible.builtin.fail": {"msg": "no pod"}},
                a_claim("It waits {{ failing_jobs_seconds }} seconds"),
                {"name": "More", "ansible.builtin.import_tasks": "more.yml"},
            ],
            "always": [{"name": "Tidy up", "ansible.builtin.fail": {"msg": "untidy"}}],
        }
    ]
    more = [a_claim("It ends after {{ failing_jobs_seconds }} seconds")]
    broken = run(tmp_path, ["failing_jobs"], shown={**SHOWN, "verify": verify, "more": more})
    lesson = lesson_of(broken)
    assert (lesson["status"], lesson["claims"], lesson["fallen"], lesson["skipped"]) == ("failed", 1, [], [])
    assert lesson["not_reached"] == ["It waits 5 seconds", "It ends after 5 seconds"]
    # What comes always came after it.
    assert lesson["message"] == "no pod"
    assert "✗ Look: no pod" in broken.output
    assert "- pattern       It waits 5 seconds (not reached)" in broken.output
    assert "1 claim holds, 2 not reached, 1 lesson failed (failing_jobs); report" in broken.output


def test_a_lesson_whose_first_task_fails_has_reached_none_of_its_claims(tmp_path: Path) -> None:
    main = [{"name": "Build", "ansible.builtin.fail": {"msg": "no image"}}, *SHOWN["main"]]
    lesson = lesson_of(run(tmp_path, ["failing_jobs"], shown={**SHOWN, "main": main}))
    assert (lesson["status"], lesson["claims"], len(lesson["not_reached"])) == ("failed", 0, 4)


def test_a_claim_whose_evidence_cannot_be_had_is_told_once(tmp_path: Path) -> None:
    verify = [a_claim("It begins", seconds="{{ failing_jobs_seen.pods[0].seconds }}"), a_claim("It ends")]
    broken = run(tmp_path, ["failing_jobs"], shown={**SHOWN, "verify": verify})
    lesson = lesson_of(broken)
    assert (lesson["status"], lesson["claims"], lesson["not_reached"]) == ("failed", 0, ["It ends"])
    assert [case.get("name") for case in broken.xml.iter("testcase")] == ["It begins", "It ends"]


def test_collected_claims_are_made_to_the_last_and_the_fallen_are_seen_where_they_stand(tmp_path: Path) -> None:
    verify = [a_claim("First", "seconds > 6"), a_claim("Second"), a_claim("Third", "seconds > 7")]
    end = {"name": "Say which", "ansible.builtin.fail": {"msg": '{{ fell.fallen | join(", ") }}'}}
    main = [*SHOWN["main"], end]
    shown = run(tmp_path, ["failing_jobs"], shown={"main": main, "verify": verify}, collect=True)
    assert shown.code == 2
    lesson = lesson_of(shown)
    assert (lesson["status"], lesson["claims"], lesson["fallen"]) == ("failed", 3, ["First", "Third"])
    assert (lesson["not_reached"], lesson["skipped"]) == ([], [])
    assert [claim["false_conditions"] for claim in shown.report["claims"]] == [
        [{"condition": "seconds > 6", "reason": None}],
        [],
        [{"condition": "seconds > 7", "reason": None}],
    ]
    assert '"First" does not hold: "seconds > 6" is false, observed seconds=5.25.' in shown.output
    assert shown.output.count("...ignoring") == 2
    assert shown.output.index("...ignoring") < shown.output.index("TASK [failing_jobs : Second]")
    # The last task says nothing that the claims do not.
    assert [case.get("name") for case in shown.xml.iter("testcase")] == ["First", "Second", "Third"]


def test_numbers_that_json_does_not_know_make_no_invalid_report(tmp_path: Path) -> None:
    verify = [a_claim("It ends", "true", seconds="{{ 'nan' | float }}")]
    odd = run(tmp_path, ["failing_jobs"], shown={**SHOWN, "verify": verify})
    assert odd.code == 0, odd.output
    assert odd.report["claims"][0]["observed"] == {"seconds": "NaN"}


def test_an_earlier_report_is_overwritten_by_a_good_run(tmp_path: Path) -> None:
    assert run(tmp_path, ["logging"]).code == 2
    good = run(tmp_path, ["sidecar"])
    assert good.code == 0, good.output
    assert good.report["lessons"][0]["status"] == "held"
    assert len(good.report["lessons"]) == len(good.xml) == 1
    assert good.output.rstrip().endswith("1 claim holds; report: workshop-report/index.html")


def test_check_mode_claims_too(tmp_path: Path) -> None:
    checked = run(tmp_path, ["logging"], arguments=("--check",))
    assert checked.code == 2
    assert [claim["holds"] for claim in checked.report["claims"]] == [True, False]


def test_a_lab_that_fails_leaves_every_lesson_not_run(tmp_path: Path) -> None:
    broken = run(tmp_path, ["sidecar", "logging"], before=[{"ansible.builtin.fail": {"msg": "no engine"}}])
    assert broken.code == 2
    assert [lesson["status"] for lesson in broken.report["lessons"]] == ["not run", "not run"]
    assert [suite.get("skipped") for suite in broken.xml] == ["1", "1"]


def test_a_claim_outside_of_the_lessons_is_no_success(tmp_path: Path) -> None:
    stray = {"ansible.builtin.include_role": {"name": "sidecar"}}
    report = run(tmp_path, ["logging"], before=[stray]).report
    assert [(lesson["lesson"], lesson["status"]) for lesson in report["lessons"]] == [
        ("logging", "failed"),
        ("sidecar", "failed"),
    ]
    assert report["lessons"][1]["message"] == "sidecar made claims, but is no host of the group lessons."


def test_without_a_play_of_lessons_nothing_is_reported(tmp_path: Path) -> None:
    quiet = run(tmp_path, ["sidecar"], hosts="lessons:&all")
    assert quiet.code == 0, quiet.output
    assert not quiet.folder.exists()
    assert "CLAIMS" not in quiet.output


@pytest.mark.parametrize("where", ["extra", "group"])
def test_the_folder_is_a_variable(tmp_path: Path, where: str) -> None:
    arguments: tuple[str, ...] = ()
    if where == "extra":
        arguments = ("-e", "workshop_report_dir=deep/er")
    else:
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / "lessons.yml").write_text('base: deep\nworkshop_report_dir: "{{ base }}/er"\n')
    named = run(tmp_path, ["sidecar"], folder="deep/er", arguments=arguments)
    assert named.report["lessons"][0]["status"] == "held"
    assert not (tmp_path / "workshop-report").exists()


def test_a_folder_that_cannot_be_written_is_said_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "workshop-report").write_text("a file")
    blocked = run(tmp_path, ["sidecar"])
    assert blocked.code == 0
    assert "1 claim holds; no report" in blocked.output
    assert "The report can't be written: " in blocked.output
    assert "workshop_report_dir" in blocked.output
    assert (tmp_path / "workshop-report").read_text() == "a file"


def test_the_playbooks_bring_the_callback_along() -> None:
    link = ROOT / "playbooks" / "callback_plugins" / "report.py"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "plugins" / "callback" / "report.py"
