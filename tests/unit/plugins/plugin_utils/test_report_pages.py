# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import html
import json
import math
import re
import typing as t
from html.parser import HTMLParser

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import pages, pictures, prose, reading
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.changes import compare, summary
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.figures import figure
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Failure,
    Lesson,
    Unmade,
)

VOID = {"meta", "link", "input", "br", "hr", "img"}
HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)> \x00\x1b[31m\u202egnp {{ 7*7 }} <!--"


class Page(HTMLParser):
    """Reads a page, and minds what is not well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [value or "" for _tag, attribute, value in self.attributes if attribute == name]


def made(data: dict[str, t.Any] | str, earlier: dict[str, t.Any] | None = None) -> dict[str, Page]:
    text = data if isinstance(data, str) else json.dumps(data)
    before = None if earlier is None else reading.run(json.dumps(earlier))
    texts = pages.pages(reading.run(text), before)
    assert sum(len(page.encode()) for page in texts.values()) < 5_000_000
    return {name: Page(page) for name, page in texts.items() if name.endswith(".html")}


def lesson_of(name: str, status: str = "held", **fields: t.Any) -> dict[str, t.Any]:
    return {
        "lesson": name,
        "status": status,
        "seconds": 12.5,
        "started": "2026-01-31T12:00:01.000+00:00",
        "ended": "2026-01-31T12:00:13.500+00:00",
        "claims": 1,
        "fallen": [],
        "skipped": [],
        "not_reached": [],
        "message": None,
        **fields,
    }


def claim_of(lesson: str, sentence: str = "It serves", **fields: t.Any) -> dict[str, t.Any]:
    return {
        "lesson": lesson,
        "claim": sentence,
        "shows": "pattern",
        "holds": True,
        "observed": {"served": 6},
        "at": "2026-01-31T12:00:10.000+00:00",
        "seconds": 1.5,
        "false_conditions": [],
        **fields,
    }


def run_of(*lessons: dict[str, t.Any], claims: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    about = {
        "started": "2026-01-31T12:00:00.000+00:00",
        "finished": "2026-01-31T12:01:00.000+00:00",
        "seconds": 60.0,
        "versions": {"kubernetes": "v1.37.2"},
    }
    return {"run": about, "lessons": list(lessons), "claims": claims}


def requests(count: int, **fields: t.Any) -> list[dict[str, t.Any]]:
    sample = {"seconds": 0.01, "status": 200, "error": None, **fields}
    return [{"number": number, "at": 1795931128 + number * 0.05, **sample} for number in range(count)]


def test_the_report_of_this_version_becomes_pages(claim, report) -> None:
    fell = claim(
        "It is fast",
        holds=False,
        observed={"stop_seconds": 30.249, "size_bytes": 104857600, "page": "all"},
        evidence={"stop_seconds": 30.249},
        false_conditions=[{"condition": "stop_seconds < 1", "reason": None}],
    )
    lesson = Lesson("sidecar", "failed", 3.5, claims=[claim(), fell], not_reached=[Unmade("It ends", "pattern")])
    other = Lesson("logging", "failed", 1, failure=Failure("Deploy", "no such image"))
    shown = made(report(lesson, other, Lesson("direct_pods")).as_json())
    assert sorted(shown) == ["direct_pods.html", "index.html", "logging.html", "sidecar.html"]
    index, page = shown["index.html"].text, shown["sidecar.html"].text
    assert "1 of 2 claims hold , 2 lessons failed" in index.replace("hold, ", "hold , ")
    assert index.index("What failed") < index.index("It is fast") < index.index("The lessons")
    assert "stop_seconds < 1" in index
    assert "30.2 s" in index
    assert "no such image" in index
    assert "1 claim was not reached" in index
    assert "size 100 MiB" in page
    assert "– not reached It ends" in page
    assert "no such image" in shown["logging.html"].text
    assert "This lesson did not run" in shown["direct_pods.html"].text


def test_every_link_leads_somewhere() -> None:
    names = ["failing_jobs", "sidecar", "pod_readiness", "build_and_runtime", "logging"]
    shown = made(run_of(*map(lesson_of, names), claims=[claim_of(name) for name in names]))
    for page in shown.values():
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        for address in page.values("href"):
            file, _hash, anchor = address.partition("#")
            if address.startswith(("https://", "data:,")):
                continue
            assert not file or file in shown, address
            assert not anchor or anchor in (shown[file] if file else page).values("id"), address


def test_hostile_text_is_text() -> None:
    observed = {
        HOSTILE: HOSTILE,
        "lines": [HOSTILE],
        "samples": requests(3, status=500, error=HOSTILE, body=HOSTILE),
        "storm": {HOSTILE: {"created_at": [1795931128, 1795931130], "ended_at": 1795931131, "reason": HOSTILE}},
        "spells": [
            {"state": HOSTILE, "at": 1795931128, "seconds": 30},
            {"state": "open", "at": 1795931158, "seconds": 1},
        ],
        "pages_seconds": [0.1],
    }
    claims = [
        claim_of(HOSTILE, HOSTILE, observed=observed),
        claim_of(
            "../../etc/passwd",
            HOSTILE,
            holds=False,
            observed=observed,
            false_conditions=[{"condition": HOSTILE, "reason": HOSTILE}],
        ),
    ]
    data = run_of(
        lesson_of(HOSTILE, not_reached=[HOSTILE], skipped=[HOSTILE]),
        lesson_of("../../etc/passwd", "failed", message=HOSTILE),
        lesson_of("index", "failed", message=HOSTILE),
        lesson_of("INDEX", "failed", message=HOSTILE),
        claims=claims,
    )
    data["run"]["versions"] = {HOSTILE: HOSTILE}
    shown = made(data, run_of(*data["lessons"], claims=[]))
    assert all(re.fullmatch(r"[a-z0-9_-]+\.html", name) for name in shown)
    assert len(shown) == 6
    for page in shown.values():
        assert page.tags.count("script") == 1
        assert "img" not in page.tags
        assert not [name for _tag, name, _value in page.attributes if name.startswith("on") or name == "style"]
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page.text)
        assert "alert(1)" in page.text
        assert "{{ 7*7 }}" in page.text


def test_nothing_is_loaded_from_anywhere_and_only_what_stands_in_the_page_runs() -> None:
    for page in made(run_of(lesson_of("failing_jobs"), claims=[claim_of("failing_jobs")])).values():
        policy = next(value for value in page.values("content") if "default-src" in value)
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert set(page.values("src")) == set()
        assert [value for tag, name, value in page.attributes if tag == "link" and name == "href"] == ["data:,"]


def test_a_password_is_shown_nowhere() -> None:
    claims = [
        claim_of("image_configuration", observed={"password_read": "c5SPB0LSzg", "password_found": True, "tokens": []}),
        claim_of(
            "image_configuration",
            "The page holds c5SPB0LSzg",
            holds=False,
            observed={"page": "it is c5SPB0LSzg.", "nested": {"db_secret": ["hunter22"]}},
            false_conditions=[{"condition": "page == 'c5SPB0LSzg' or hunter22", "reason": None}],
        ),
    ]
    lesson = lesson_of("image_configuration", "failed", message="observed c5SPB0LSzg")
    for page in pages.pages(reading.run(json.dumps(run_of(lesson, claims=claims)))).values():
        assert "c5SPB0LSzg" not in page
        assert "hunter22" not in page
    shown = made(run_of(lesson, claims=claims))["image_configuration.html"].text
    assert "password read (not shown)" in shown
    assert "password found yes" in shown


def test_the_name_of_a_secret_hides_no_other_word() -> None:
    claims = [claim_of("logging", "The greeter reads it", observed={"secret_name": "greeter", "page": "greeter 1"})]
    page = made(run_of(lesson_of("logging"), claims=claims))["logging.html"].text
    assert "The greeter reads it" in page
    assert "secret name (not shown)" in page
    assert "page greeter 1" in page


def test_a_claim_under_no_log_says_only_whether_it_holds() -> None:
    hidden = {"observed": {"no_log": True}, "evidence": {"no_log": True}}
    page = made(run_of(lesson_of("logging"), claims=[claim_of("logging", **hidden)]))["logging.html"].text
    assert "not shown, since the claim is under no_log" in page


def test_megabytes_of_samples_become_a_small_page() -> None:
    samples = requests(60_000, body="x" * 100)
    text = json.dumps(run_of(lesson_of("pod_readiness"), claims=[claim_of("pod_readiness", observed={"s": samples})]))
    assert len(text) > 10_000_000
    texts = pages.pages(reading.run(text))
    assert sum(map(len, texts.values())) < 300_000
    assert "60,000 samples" in texts["pod_readiness.html"]


def test_a_text_of_megabytes_is_cut() -> None:
    data = run_of(lesson_of("logging"), claims=[claim_of("logging", observed={"log": "line\n" * 1_000_000})])
    assert len(pages.pages(reading.run(json.dumps(data)))["logging.html"]) < 200_000


@pytest.mark.parametrize(
    "observed",
    [
        {},
        {"samples": []},
        {"samples": [{"at": None, "seconds": 1}, {"at": "NaN", "seconds": "Infinity"}, {}, 3, None]},
        {"samples": [{**sample, "at": 5} for sample in requests(3)]},
        {"samples": [{"at": 1e300, "seconds": 1, "status": 200}] * 3},
        {"created_at": [], "ended_at": None},
        {"created_at": [None, "x", 3.5], "ended_at": "Infinity", "uid": None},
        {"spells": [{"state": "open", "at": 5, "seconds": 0}] * 2, "pages_seconds": [0, None, "NaN"]},
        {"spells": [{"state": "open", "at": 5, "seconds": 0}] * 2, "pages_seconds": [0.5]},
        {
            "at": 1e17,
            "x_seconds": -3,
            "x_bytes": -3.5,
            "y_bytes": 1e17,
            "z_per_second": 0,
            "t_at": 3,
            "m_seconds": 7200,
        },
    ],
)
def test_missing_values_are_no_error(observed: dict[str, t.Any]) -> None:
    claims = [claim_of(name, observed=observed) for name in ("failing_jobs", "circuit_breaker", "build_and_runtime")]
    shown = made(run_of(*(lesson_of(claim["lesson"]) for claim in claims), claims=claims))
    assert len(shown) == 4
    assert not re.search(r"\b(nan|inf)\b", " ".join(value for page in shown.values() for value in page.values("d")))


def test_a_report_with_little_in_it() -> None:
    bare = {"run": {}, "lessons": [{"lesson": "logging"}, {}, 5], "claims": [{"lesson": "logging"}, {"lesson": "x"}, 7]}
    shown = made(bare)
    assert "When unknown" in shown["index.html"].text
    assert "0 of 1 claims hold" in shown["index.html"].text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is not JSON"),
        ("[]", "it needs run, lessons and claims"),
        ('{"run": {}, "lessons": {}, "claims": []}', "it needs run, lessons and claims"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_report_is_told_in_a_sentence(tmp_path, text, said) -> None:
    file = tmp_path / "claims.json"
    file.write_text(text)
    with pytest.raises(Problem, match=said):
        reading.read(file)


def test_a_report_that_is_not_there_is_told_in_a_sentence(tmp_path) -> None:
    with pytest.raises(Problem, match=r"There is no .*claims\.json: name the claims\.json"):
        reading.read(tmp_path / "claims.json")


def test_pages_are_written_when_they_differ_and_those_of_no_lesson_are_removed(tmp_path) -> None:
    run = reading.run(json.dumps(run_of(lesson_of("logging"), claims=[claim_of("logging")])))
    (tmp_path / "sidecar.html").write_text("of an earlier run")
    (tmp_path / "mine.html").write_text("mine")
    told = pages.write(tmp_path, run, dry=True)
    assert told.changed == ["index.html", "logging.html", "sidecar.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.html", "sidecar.html"]
    assert pages.write(tmp_path, run).changed == told.changed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "logging.html", "mine.html"]
    assert pages.write(tmp_path, run).changed == []


def test_manifests_and_dockerfiles_are_files_to_do_it_by_hand(tmp_path) -> None:
    applied = {"pod.yml": "kind: Pod\n", "../../index.html": "not a manifest"}
    lesson = lesson_of("direct_pods", manifests=applied)
    run = reading.run(json.dumps(run_of(lesson, lesson_of("logging", status="not run"), claims=[])))
    told = pages.write(tmp_path, run, dry=True)
    written = ["manifests/direct_pods/pod.yml", "manifests/direct_pods/web/Dockerfile"]
    assert set(written) < set(told.changed)
    assert not list(tmp_path.iterdir())
    pages.write(tmp_path, run)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == set(told.changed)
    assert (tmp_path / written[0]).read_text() == "kind: Pod\n"
    assert pages.write(tmp_path, run).changed == []
    (tmp_path / written[1]).write_text("FROM mine")
    assert pages.write(tmp_path, run).changed == [written[1]]


def test_what_was_applied_stands_on_the_page_of_its_lesson() -> None:
    text = "spec:\n  restartPolicy: Always # <b>\n"
    shown = made(run_of(lesson_of("direct_pods", manifests={"pod.yml": text}), claims=[]))["direct_pods.html"]
    assert "applied-file-pod-yml" in shown.values("id")
    assert "restartPolicy : Always # <b>" in shown.text
    assert "b" not in shown.tags


def test_without_the_libraries_the_pages_say_what_they_lack(monkeypatch) -> None:
    monkeypatch.setattr(prose, "_Markdown", None)
    monkeypatch.setattr(prose, "_highlight", None)
    shown = made(run_of(lesson_of("failing_jobs"), claims=[claim_of("failing_jobs")]))
    for page in shown.values():
        assert "markdown-it-py is not installed" in page.text
        assert "pygments is not installed" in page.text
    assert "## What goes wrong" in shown["failing_jobs.html"].text


def lesson_with(*claims: dict[str, t.Any]) -> reading.Lesson:
    return reading.run(json.dumps(run_of(lesson_of("sidecar"), claims=list(claims)))).lessons[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("{stop_seconds} or {pattern.stop_seconds}", "30 s or 0.006 s"),
        ("{Behind a breaker: stop_seconds}", "0.006 s"),
        ("{storm.pods} pods", "30 pods"),
        ("{antipattern.storm.pods} pods", "30 pods"),
        ("{pattern.storm.pods} pods", None),
        ("{gone}", None),
        ("{storm}", None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_the_figure_of_a_lesson(asked, said) -> None:
    lesson = lesson_with(
        claim_of("sidecar", "Alone", shows="antipattern", observed={"stop_seconds": 30.0, "storm": {"pods": 30}}),
        claim_of("sidecar", "Behind a breaker it is fast", observed={"stop_seconds": 0.006}),
    )
    assert figure(lesson, asked) == said


def drawn(*claims: dict[str, t.Any], bars: t.Any = None) -> list[str]:
    return [
        str(drawing)
        for picture in pictures.of_lesson(lesson_with(*claims), bars)
        for _kind, drawing in picture.drawings
    ]


def test_requests_over_time_say_what_became_of_them() -> None:
    samples = [*requests(40, body="version 1 of a"), *requests(3, status=0, error="refused")]
    observed = {"samples": samples, "pod": {"created_at": 1795931129}, "old_told_to_end_at": 1795931129.5}
    wide, narrow = drawn(claim_of("sidecar", "Some are lost", observed=observed))
    for picture in wide, narrow:
        assert 'role="img"' in picture
        assert "✓ served by version 1: 40" in picture
        assert "✗ refused: 3" in picture
        assert "old told to end, 1.5 s" in picture
        assert "pod created, 1 s" in picture
    assert 'width="720"' in wide
    assert 'width="320"' in narrow


def test_a_burst_is_told_by_its_answers() -> None:
    burst = [{"at": 1795931128, "seconds": number, "status": 200 if number < 6 else 503} for number in range(8)]
    picture = drawn(claim_of("sidecar", observed={"burst": burst}))[0]
    assert "6 requests served, between 0 s and 5 s; 2 requests status 503, between 6 s and 7 s" in picture


def test_pods_over_time_name_each_job_once() -> None:
    job = {"uid": "a", "created_at": [1795931128, 1795931138, 1795931138], "ended": None, "ended_at": None}
    ended = {"uid": "b", "created_at": [1795931128], "ended": "Failed", "reason": "Late", "ended_at": 1795931158}
    picture = drawn(
        claim_of("sidecar", "It goes on", observed=job),
        claim_of("sidecar", "It ends", observed={"deadline": ended, "unbounded": job}),
    )[0]
    assert "unbounded: 3 pods, no end seen" in picture
    assert "deadline: 1 pod, Failed Late" in picture
    assert "It goes on" not in picture
    assert "×2" in picture


def test_pods_are_told_by_what_became_of_them_and_each_once() -> None:
    old = {
        "name": "old",
        "uid": "a",
        "created_at": 1795931100,
        "ready_since": 1795931110,
        "containers": {"app": {"started_at": 1795931101, "finished_at": None}},
    }
    gone = {**old, "deleted_at": 1795931130, "gone_at": 1795931140, "containers": {"app": {"finished_at": 1795931139}}}
    new = {"name": "new", "uid": "b", "created_at": 1795931120, "containers": {}, "terminations": None}
    picture = drawn(
        claim_of("sidecar", observed={"before": old}),
        claim_of("sidecar", observed={"after": {"old": gone, "new": new}}),
        claim_of("sidecar", observed={"again": old}),
    )[0]
    assert "old: ready 10 s, deleted 30 s, a container ended 39 s, gone 40 s" in picture
    assert picture.count(">old:") == 1
    assert ">new<" in picture


def test_layers_are_told_by_what_made_them() -> None:
    base = {"created_by": None, "size_bytes": 79045836}
    image = {
        "id": "a",
        "size_bytes": 79061788,
        "layers": [base, {"created_by": "COPY hello /hello", "size_bytes": 15952}],
    }
    picture = drawn(claim_of("sidecar", "It is small", observed={"image": image, "empty": {"layers": []}}))[0]
    assert "It is small" in picture
    assert "the base image" in picture
    assert "COPY hello /hello" in picture
    assert "75.4 MiB" in picture


def test_zombies_are_told_from_the_other_children_of_pid_1() -> None:
    pid1 = {"pid": 1, "name": "sleep", "command": "sleep 1000", "state": "S"}
    zombies = [{"pid": pid, "name": "sleep", "command": "", "state": "Z"} for pid in range(7, 27)]
    living = {"pid": 30, "name": "sh", "command": "sh -c <b>", "state": "S"}
    init = {"pid": 1, "name": "dumb-init", "command": "dumb-init sleep 1000", "state": "S"}
    picture = drawn(
        claim_of("sidecar", observed={"pid1": pid1, "children": [living, *zombies]}),
        claim_of("sidecar", observed={"pid1": pid1, "children": "the same again"}),
        claim_of("sidecar", observed={"pid1": init, "children": []}),
    )[0]
    assert "sleep 1000 as PID 1 has 21 children, 20 of them zombies" in picture
    assert "dumb-init sleep 1000 as PID 1 has 0 children" in picture
    assert picture.count(", a zombie<") == 11
    assert "and 9 more" in picture
    assert "30  sh -c &lt;b&gt;<" in picture


def test_a_name_that_meant_two_images_is_drawn_with_what_each_pod_got() -> None:
    def pod(at: float, digest: str, image: str = "localhost:5001/shop/app:latest") -> dict[str, t.Any]:
        app = {"image": image, "image_digest": f"sha256:{digest * 64}"}
        return {"name": f"pod-{at:.0f}", "created_at": at, "containers": {"app": app}}

    two = claim_of("sidecar", observed={"one": pod(2.0, "b"), "other": pod(1.0, "a")})
    picture = drawn(two)[0]
    assert (
        "pod-1 asked for app:latest and got sha256:aaaaaaaa…; pod-2 asked for app:latest and got sha256:bb" in picture
    )
    assert drawn(claim_of("sidecar", observed={"one": pod(2.0, "a"), "other": pod(1.0, "a")})) == []
    assert drawn(claim_of("sidecar", observed={"one": pod(2.0, "a"), "other": pod(1.0, "b", "app:1")})) == []


def test_a_breaker_is_drawn_on_standby_and_tripped_with_what_it_counted() -> None:
    counted = {"passed_requests": 0, "rejected_requests": 25, "seconds": 12.5}
    picture = drawn(claim_of("sidecar", observed={"open": counted, "passed_requests": 44}))[0]
    assert "Standby: 44 requests went on. Tripped: 25 answered at once, 0 went on." in picture
    assert picture.count('class="mark bad"') == 1
    assert drawn(claim_of("sidecar", observed={"open": counted})) == []
    assert drawn(claim_of("sidecar", observed={"open": {"passed_requests": 0}, "passed_requests": 44})) == []


def test_a_line_is_told_by_the_log_that_it_went_to() -> None:
    written = {"lines_in_file": ["hello"], "lines_in_log": []}
    streams = {
        "lines_in_log": ["oops", "hello"],
        "kept_on_node": [["stderr", "oops"], ["stdout", "hello"], ["stdout", "lost"]],
    }
    streamed = {"added_line": "more", "log_of_sidecar": ["hello", "more"], "log_of_program": []}
    seen = [claim_of("sidecar", observed=observed) for observed in (written, streams, streamed)]
    picture = html.unescape(drawn(*seen)[0])
    assert (
        '"hello" by a file: no log; "oops" by stderr: its log; "hello" by stdout: its log; "lost" by stdout: no log; '
        '"more" by a file with a sidecar: the sidecar\'s log'
    ) in picture
    assert picture.count('class="mark bad"') == 2
    assert drawn(seen[0]) == []


def test_kills_are_drawn_by_what_was_held_under_the_limit() -> None:
    endings = [{"started_at": 1e9 + at, "finished_at": 1e9 + at + 1} for at in (1, 5)]
    killed = {"limit_bytes": 20 * 1024**2, "endings": endings, "held_last_mebibytes": [19, 18.5]}
    picture = drawn(claim_of("sidecar", observed=killed))[0]
    assert (
        "The limit is 20 MiB. started at 0 s, killed at 1 s when it held 19 MiB; "
        "started at 4 s, killed at 5 s when it held 18.5 MiB."
    ) in picture
    assert "killed twice, at 18.5 MiB" in picture
    # The second bar ends below the first one, and both below the line of the limit.
    (limit,) = re.findall(r'd="M4 ([0-9.]+)H', picture)
    first, second = re.findall(r'd="M[0-9.]+ 150.0L[0-9.]+ ([0-9.]+)H', picture)
    assert float(limit) < float(first) < float(second)
    assert drawn(claim_of("sidecar", observed={**killed, "endings": []})) == []


def test_a_change_is_told_from_the_answer_before_it_to_the_answer_after_it() -> None:
    before = {"asked_at": 1e9 + 10, "written_at": 1e9, "greeting": "Hello"}
    after = {"asked_at": 1e9 + 100, "written_at": 1e9 + 92.5, "greeting": "Good evening"}
    picture = html.unescape(drawn(claim_of("sidecar", observed={"answer": before, "answer_after": after}))[0])
    assert '0 s: it says "Hello"; 82.5 s: the file in the container changes; 90 s: it says "Good evening".' in picture
    # Where the file is the old one, nothing has arrived.
    assert drawn(claim_of("sidecar", observed={"answer": before, "answer_after": {**after, "written_at": 1e9}})) == []


def test_requests_around_a_breaker_stand_before_its_states() -> None:
    spells = [
        {"state": "closed", "at": 1795931128, "seconds": 1.0},
        {"state": "open", "at": 1795931129, "seconds": 30.0},
    ]
    picture = drawn(
        claim_of("sidecar", observed={"spells": spells, "samples": requests(40)}),
        claim_of("sidecar", shows="antipattern", observed={"samples": requests(10, seconds=30.05)}),
        claim_of("sidecar", observed={"proxied": {"samples": requests(10, seconds=1.02)}}),
    )[0]
    assert "without the breaker: 30.1 s" in picture
    assert "behind the breaker: 0.01 s" in picture
    assert "behind the proxy: 1.02 s" in picture
    assert "The breaker was closed from 0 s for 1 s; open from 1 s for 30 s" in picture


def test_bars_leave_out_what_was_not_measured() -> None:
    bars = {"Sizes": {"One stage": "big_bytes", "Two": "gone"}, "Nothing": {"Nothing": "gone"}, "Wrong": 5}
    pictures_ = drawn(claim_of("sidecar", observed={"big_bytes": 104857600}), bars=bars)
    assert len(pictures_) == 2
    assert "One stage" in pictures_[0]
    assert "100 MiB" in pictures_[0]
    assert "Two" not in pictures_[0]


def test_what_changed_between_two_runs() -> None:
    before = run_of(
        lesson_of("sidecar"),
        lesson_of("logging", "failed"),
        lesson_of("direct_pods"),
        claims=[
            claim_of("sidecar", "It serves within 30 seconds", observed={"took_seconds": 2.0, "ended_at": 1795931128}),
            claim_of("sidecar", "It is gone"),
            claim_of("logging", "A line is kept", holds=False),
            claim_of("direct_pods"),
        ],
    )
    now = run_of(
        lesson_of("sidecar", "failed"),
        lesson_of("logging"),
        lesson_of("direct_pods"),
        claims=[
            claim_of(
                "sidecar",
                "It serves within 15 seconds",
                holds=False,
                observed={"took_seconds": 40.0, "ended_at": 1795999999},
            ),
            claim_of("sidecar", "It is new"),
            claim_of("logging", "A line is kept"),
            claim_of("direct_pods"),
        ],
    )
    changes = compare(reading.run(json.dumps(before)), reading.run(json.dumps(now)))
    assert [(change.name, change.before, change.now) for change in changes] == [
        ("sidecar", "held", "failed"),
        ("logging", "failed", "held"),
    ]
    assert [(claim.sentence, claim.verdict) for claim in changes[0].claims] == [
        ("It serves within 15 seconds", "fell"),
        ("It is new", "new"),
        ("It is gone", "gone"),
    ]
    assert changes[0].claims[0].values == [("took", "2 s", "40 s")]
    assert summary(changes) == (
        "Since the earlier run: 1 fell, 1 hold again, 1 new, 1 gone, 2 lessons have another status."
    )
    shown = made(now, before)
    assert "took 2 s 40 s" in shown["changes.html"].text
    assert "changes.html" in shown["index.html"].values("href")
    assert "Nothing of note differs" in made(now, now)["changes.html"].text


def test_numbers_that_json_does_not_know_are_words(claim, report) -> None:
    lesson = Lesson("sidecar", "held", claims=[claim(observed={"share": math.nan, "most_seconds": math.inf})])
    assert "share NaN most Infinity" in made(report(lesson).as_json())["sidecar.html"].text
