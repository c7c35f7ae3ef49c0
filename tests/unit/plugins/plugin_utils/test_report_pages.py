# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import math
import os
import re
import typing as t
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import pages, prose, reading
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import (
    Failure,
    Lesson,
    Unmade,
)
from report_data import claim_of, lesson_of, requests, run_of

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


def test_numbers_that_json_does_not_know_are_words(claim, report) -> None:
    lesson = Lesson("sidecar", "held", claims=[claim(observed={"share": math.nan, "most_seconds": math.inf})])
    assert "share NaN most Infinity" in made(report(lesson).as_json())["sidecar.html"].text


def test_what_changed_since_an_earlier_run_is_a_page_of_its_own() -> None:
    before, now = (
        run_of(lesson_of("sidecar"), claims=[claim_of("sidecar", holds=holds, observed={"took_seconds": seconds})])
        for holds, seconds in ((True, 2.0), (False, 40.0))
    )
    shown = made(now, before)
    assert "took 2 s 40 s" in shown["changes.html"].text
    assert "changes.html" in shown["index.html"].values("href")
    assert "Nothing of note differs" in made(now, now)["changes.html"].text


def shown_rows(observed: dict[str, t.Any], began: float | None = None) -> list[tuple[str, str]]:
    return [(row.label, row.text) for row in pages.rows(observed, began)]


@pytest.mark.parametrize(
    ("observed", "shown"),
    [
        ({"stop_seconds": 0.5}, [("stop", "0.5 s")]),
        ({"page": " "}, [("page", "empty")]),
        ({"gone": None}, [("gone", "none")]),
        ({"no": {}}, [("no", "none")]),
        ({"no": []}, [("no", "none")]),
        ({"stop_seconds": [0.5, 2.0]}, [("stop", "0.5 s, 2 s")]),
        ({"numbers": list(range(12))}, [("numbers", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]),
        ({"numbers": list(range(1300))}, [("numbers", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 1,300 in all")]),
        ({"mixed": [1, [2]]}, [("mixed", "[1, [2]]")]),
        ({"mixed": [{"a": "é"}, 2]}, [("mixed", '[{"a": "é"}, 2]')]),
        (
            {"storm": {"pods": 3, "10.0.0.1": {"up_seconds": 2}}},
            [("storm › pods", "3"), ("storm › 10.0.0.1 › up", "2 s")],
        ),
        # Further down it is told in one line.
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, [("a › b › c › d › e", "1")]),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, [("a › b › c › d › e", '{"f": 1}')]),
        # Two of one name are told apart by their units.
        ({"pages": 5, "pages_seconds": [1.0]}, [("pages", "5"), ("pages (time)", "1 s")]),
        ({"page_bytes": 5, "page_seconds": 1.0}, [("page", "5 bytes"), ("page (time)", "1 s")]),
        ({"samples": [{"a": 1}]}, [("samples", "1 sample")]),
        ({"samples": [{"a": 1}] * 1300}, [("samples", "1,300 samples")]),
        ({"text": "x" * 2001}, [("text", "x" * 2000 + "… 2,001 characters in all")]),
        ({"text": "x" * 2000}, [("text", "x" * 2000)]),
        ({"texts": ["x" * 2001]}, [("texts", "x" * 2000 + "… 2,001 characters in all")]),
        ({"x" * 201: 1}, [("x" * 200, "1")]),
    ],
)
def test_an_observed_value_is_a_line_with_its_unit(observed, shown) -> None:
    assert shown_rows(observed) == shown


def test_sixty_values_of_a_claim_are_shown() -> None:
    shown = shown_rows({f"value_{number}": number for number in range(61)})
    assert len(shown) == 61
    assert shown[-2:] == [("value 59", "59"), ("and more", "1 value in claims.json")]
    assert shown_rows({f"value_{number}": number for number in range(70)})[60:] == [
        ("and more", "10 values in claims.json")
    ]
    assert len(shown_rows({f"value_{number}": number for number in range(60)})) == 60


def table_of(samples: list[dict[str, t.Any]], began: float | None = None) -> pages.Table:
    (row,) = pages.rows({"samples": samples}, began)
    assert row.table is not None
    return row.table


def test_samples_are_a_table_with_all_their_names() -> None:
    noon = 1769860800.0
    samples: list[dict[str, t.Any]] = [
        {"at": noon + 1.5, "took_seconds": 0.25},
        {"at": noon - 1, "error": {"é": [1]}, "took_seconds": None},
        {"at": 7, "error": "x" * 121},
    ]
    table = table_of(samples, noon)
    assert table.head == ["at", "took", "error"]
    assert table.rows == [
        ["+1.500 s", "0.25 s", ""],
        ["11:59:59 UTC", "", '{"é": [1]}'],
        ["7", "", "x" * 120 + "… 121 characters in all"],
    ]
    assert table.total == 3
    assert table_of(samples).rows[0][0] == "12:00:01 UTC"
    assert table_of([{"error": ["x" * 200]}]).rows == [['["' + "x" * 118 + "… 204 characters in all"]]


def test_of_many_samples_the_first_are_shown_with_as_many_columns_as_there_is_room_for() -> None:
    table = table_of([{f"column_{number}": number for number in range(11)}] * 60 + [{"late": 1}] * 2)
    assert (len(table.head), len(table.rows), table.total) == (10, 60, 62)
    assert table_of([{"x" * 81: 1}]).head == ["x" * 80]


@pytest.mark.parametrize(
    ("text", "is_block"), [("a line\n", False), ("two\nlines", True), ("x" * 160, False), ("x" * 161, True)]
)
def test_a_text_of_several_lines_or_a_long_one_is_a_block(text, is_block) -> None:
    assert pages.Row("page", text).is_block is is_block


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["sidecar", "pod_readiness"], ["sidecar.html", "pod_readiness.html"]),
        (["Sidecar", "SIDECAR", "sidecar"], ["sidecar.html", "sidecar-2.html", "sidecar-3.html"]),
        (["index", "changes"], ["index-2.html", "changes-2.html"]),
        (["../../etc/passwd", "é", "", "a é b"], ["etc-passwd.html", "lesson.html", "lesson-2.html", "a-b.html"]),
        (["x" * 61], ["x" * 60 + ".html"]),
    ],
)
def test_each_lesson_has_a_page_of_its_own_whatever_it_is_called(names, files) -> None:
    texts = pages.pages(reading.run(json.dumps(run_of(*map(lesson_of, names), claims=[]))))
    assert list(texts) == ["index.html", *files]


def claims_shown(**fields: t.Any) -> tuple[list[str], list[str]]:
    """The names of the values that are shown with a claim, and of those that are folded below it."""
    run = reading.run(json.dumps(run_of(lesson_of("logging"), claims=[claim_of("logging", **fields)])))
    found = re.search(
        '<article class="claim good" id="claim-1">(.*?)</article>', pages.pages(run)["logging.html"], re.DOTALL
    )
    assert found is not None
    shown, _summary, folded = found[1].partition("All that was observed")
    return re.findall("<dt>(.*?)</dt>", shown), re.findall("<dt>(.*?)</dt>", folded)


OBSERVED = {"served": 6, "stop_seconds": 0.5}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"observed": OBSERVED, "evidence": {"served": 6}}, (["served"], ["served", "stop"])),
        ({"observed": OBSERVED, "evidence": OBSERVED}, (["served", "stop"], [])),
        ({"observed": {"no_log": True, "served": 6}}, (["observed"], [])),
        ({"observed": {"no_log": 1, "served": 6}}, (["no log", "served"], [])),
        # An earlier version did not say what its conditions read: what is short, what is at the top first.
        (
            {"observed": {"uid": "a", "page": "two\nlines", "samples": [{"a": 1}], "served": 6}},
            (["served"], ["uid", "page", "samples"]),
        ),
        (
            {"observed": {"deep": {"a": 1, "b": {"c": 1}}, **{f"n{number}": number for number in range(7)}}},
            ([f"n{number}" for number in range(7)] + ["deep › a"], ["deep › b › c"]),
        ),
    ],
)
def test_a_claim_is_shown_with_what_its_conditions_read_and_the_rest_is_folded(fields, shown) -> None:
    assert claims_shown(**fields) == shown


def test_two_hundred_claims_of_a_lesson_are_shown() -> None:
    data = run_of(lesson_of("logging"), claims=[claim_of("logging", f"It is {number}") for number in range(201)])
    page = made(data)["logging.html"]
    assert "It is 199" in page.text
    assert "It is 200" not in page.text
    assert "The first 200 of 201; all of them are in claims.json." in page.text


@pytest.fixture
def roles(tmp_path) -> Path:
    """The roles of two lessons, and of none."""
    for name, text in {
        "first/lesson.yml": "order: 1\ntitle: About the first\nfigure: '{served} served'\n"
        "bars: {Sizes: {One: served}}\n"
        "near_misses: [{changes: [{file: templates/pod.yml.j2, replace: Never, with: Always}]}]\n",
        "first/README.md": "# The first\n\nSee [two](../second/README.md), [none](../third/README.md), "
        "[a file](templates/pod.yml.j2), "
        "[out](https://example.org/x), [in](http://example.org) [up](../../README.md).\n",
        "first/templates/pod.yml.j2": "kind: Pod\nrestartPolicy: Never\n",
        "first/files/web/Dockerfile": "FROM scratch\n",
        "first/files/run.sh": "#!/bin/sh\n",
        "second/lesson.yml": "order: 2\ntitle: About the second\n",
        "second/files/Dockerfile": "FROM scratch\n",
        "none/tasks/main.yml": "[]",
    }.items():
        path = tmp_path / "roles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "roles/first/files/run.sh").chmod(0o755)
    return tmp_path / "roles"


def run_with(*lessons: dict[str, t.Any], earlier: bool = False) -> reading.Run:
    claims = [claim_of(lesson["lesson"], holds=not earlier) for lesson in lessons]
    return reading.run(json.dumps(run_of(*lessons, claims=claims)))


def test_the_page_of_a_lesson_says_what_its_role_says(roles) -> None:
    applied = {"pod.yml": "kind: Pod\nrestartPolicy: Never\n"}
    run = run_with(lesson_of("first", manifests=applied), lesson_of("second"), lesson_of("none"))
    texts = pages.pages(run, roles=roles)
    assert list(texts) == ["index.html", "first.html", "manifests/first/pod.yml", "second.html", "none.html"]
    shown = {name: Page(text) for name, text in texts.items() if name.endswith(".html")}
    first, second, none = (shown[f"{name}.html"] for name in ("first", "second", "none"))
    for text in ("The first", "About the first", "6 served", "See two", "templates/pod.yml.j2", "files/run.sh"):
        assert text in first.text
    assert re.search('See <a [^>]*href="second.html"[^>]*>two</a>', texts["first.html"])
    links = set(first.values("href"))
    assert {"second.html", "#file-templates-pod-yml-j2", "https://example.org/x"} <= links
    assert not {"../third/README.md", "http://example.org", "../../README.md", "third.html"} & links
    assert texts["first.html"].count('class="hll"') == 2
    assert '<div class="wide"><svg' in texts["first.html"]
    assert "About the second" in second.text
    # What is no lesson has nothing but its claims.
    assert "It serves" in none.text
    assert "<svg" not in texts["none.html"]


def test_each_page_leads_to_the_one_before_it_and_the_one_after_it(roles) -> None:
    run = run_with(*map(lesson_of, ("first", "second", "none")))
    texts = pages.pages(run, roles=roles)

    def ways(name: str) -> list[tuple[str, str]]:
        return re.findall(r'<a href="([^"]*)" rel="(prev|next)"', texts[name])

    assert ways("first.html") == [("second.html", "next")]
    assert ways("second.html") == [("first.html", "prev"), ("none.html", "next")]
    assert ways("none.html") == [("second.html", "prev")]


def test_moments_are_told_from_the_beginning_of_the_run() -> None:
    noon = 1769860800.0
    observed = {"seen": {"samples": [{"at": noon + 1.5}]}, "more": 1}
    claim = claim_of("sidecar", observed=observed, evidence={"seen": {"samples": [{"at": noon + 2.5}]}})
    text = made(run_of(lesson_of("sidecar"), claims=[claim]))["sidecar.html"].text
    assert "+1.500 s" in text
    assert "+2.500 s" in text


def test_a_page_has_its_style_and_its_script_and_the_first_one_a_time_line() -> None:
    texts = pages.pages(reading.run(json.dumps(run_of(lesson_of("sidecar"), claims=[claim_of("sidecar")]))))
    for name in ("report.css", "report.js"):
        part = (pages.TEMPLATES / name).read_text()
        assert all(part in text for file, text in texts.items() if file.endswith(".html"))
    assert "<svg" in texts["index.html"]


def test_the_dockerfiles_of_the_lessons_that_ran_are_files_as_they_are(roles, tmp_path) -> None:
    run = run_with(lesson_of("first"), lesson_of("second", "not run"), lesson_of("none"))
    told = pages.write(tmp_path / "report", run, roles=roles)
    written = {
        path.relative_to(tmp_path / "report").as_posix() for path in (tmp_path / "report").rglob("*") if path.is_file()
    }
    assert written == set(told.changed)
    assert {name for name in written if name.startswith("manifests/")} == {
        "manifests/first/web/Dockerfile",
        "manifests/first/run.sh",
    }
    assert os.access(tmp_path / "report/manifests/first/run.sh", os.X_OK)
    assert told.first == tmp_path / "report/index.html"
    assert "About the first" in told.first.with_name("first.html").read_text()
    assert (told.missing, told.summary) == ([], None)


def test_the_pages_of_lessons_that_did_not_run_this_time_are_removed(roles, tmp_path) -> None:
    both, one = run_with(lesson_of("first"), lesson_of("second")), run_with(lesson_of("first"))
    pages.write(tmp_path, both, run_with(lesson_of("first"), earlier=True), roles=roles)
    assert (tmp_path / "changes.html").is_file()
    told = pages.write(tmp_path, one, roles=roles)
    assert {"changes.html", "second.html"} < set(told.changed)
    assert not (tmp_path / "changes.html").exists()
    assert not (tmp_path / "second.html").exists()


def test_what_changed_is_said_when_the_pages_are_written(roles, tmp_path) -> None:
    run, earlier = run_with(lesson_of("first")), run_with(lesson_of("first"), earlier=True)
    told = pages.write(tmp_path, run, earlier, roles=roles)
    assert told.summary == "Since the earlier run: 1 hold again."
    assert told.summary in Page((tmp_path / "changes.html").read_text()).text
    assert told.summary in Page((tmp_path / "index.html").read_text()).text
    (tmp_path / "first.html").write_bytes(b"\xff")
    assert pages.write(tmp_path, run, earlier, roles=roles).changed == ["first.html"]
    assert pages.write(tmp_path, run, earlier, roles=roles).changed == []
