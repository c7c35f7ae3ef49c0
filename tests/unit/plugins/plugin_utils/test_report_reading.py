# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import json
import time
import typing as t

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import reading
from report_data import claim_of, lesson_of, run_of


def read(data: t.Any) -> reading.Run:
    return reading.run(json.dumps(data))


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


def test_a_report_that_cannot_be_read_is_told_in_a_sentence(tmp_path) -> None:
    (tmp_path / "claims.json").write_bytes(b"\xff{}")
    with pytest.raises(Problem, match=r"^.*claims\.json can't be read: 'utf-8' codec"):
        reading.read(tmp_path / "claims.json")
    with pytest.raises(Problem, match="can't be read: .*Is a directory"):
        reading.read(tmp_path)


def test_what_is_no_report_is_told_with_its_place(tmp_path) -> None:
    (tmp_path / "claims.json").write_text('{"run": {}, "lessons": []}')
    with pytest.raises(Problem) as problem:
        reading.read(tmp_path / "claims.json")
    assert str(problem.value) == f"{tmp_path}/claims.json is no report of a run: it needs run, lessons and claims."


def test_a_report_in_utf_8_is_read_wherever_it_is(tmp_path) -> None:
    file = tmp_path / "claims.json"
    file.write_bytes(json.dumps(run_of(lesson_of("café"), claims=[]), ensure_ascii=False).encode())
    assert reading.read(file).lessons[0].name == "café"


def test_all_that_a_run_says() -> None:
    lesson = lesson_of(
        "sidecar",
        "failed",
        message="It broke",
        skipped=["One"],
        not_reached=["Two", 3],
        manifests={"pod.yml": "kind: Pod", "../a.yml": "x", "b.yml": 5},
    )
    fell = claim_of(
        "sidecar",
        "It fell",
        shows="antipattern",
        holds=False,
        evidence={"served": 1},
        false_conditions=[{"condition": "a > 1"}, {"condition": "b", "reason": "b is undefined"}, "c"],
    )
    run = read(run_of(lesson, lesson_of("logging"), claims=[claim_of("sidecar"), fell, claim_of("gone")]))
    noon = 1769860800.0
    assert (run.started, run.finished, run.seconds) == (noon, noon + 60, 60.0)
    assert run.versions == {"kubernetes": "v1.37.2"}
    assert [(one.name, one.status) for one in run.lessons] == [("sidecar", "failed"), ("logging", "held")]
    assert run.claims == run.lessons[0].claims
    first = run.lessons[0]
    assert (first.seconds, first.message) == (12.5, "It broke")
    assert (first.started, first.ended) == (noon + 1, noon + 13.5)
    assert (first.skipped, first.not_reached, first.manifests) == (["One"], ["Two", "3"], {"pod.yml": "kind: Pod"})
    assert first.fallen == [first.claims[1]]
    held, fallen = first.claims
    assert (held.lesson, held.sentence, held.shows, held.holds) == ("sidecar", "It serves", "pattern", True)
    assert (held.at, held.seconds, held.observed, held.evidence) == (noon + 10, 1.5, {"served": 6}, {})
    assert (fallen.shows, fallen.holds, fallen.evidence) == ("antipattern", False, {"served": 1})
    assert fallen.false_conditions == [("a > 1", None), ("b", "b is undefined")]


def test_what_is_missing_or_of_another_kind_is_as_good_as_nothing() -> None:
    bare = {"run": {"versions": []}, "lessons": [{"status": "odd"}], "claims": [{"lesson": "?", "holds": 1}, {}]}
    run = read(bare)
    assert (run.started, run.finished, run.seconds, run.versions) == (None, None, None, {})
    (lesson,) = run.lessons
    assert (lesson.name, lesson.status, lesson.message, lesson.manifests) == ("?", "not run", None, {})
    assert (lesson.seconds, lesson.started, lesson.ended) == (None, None, None)
    assert (lesson.skipped, lesson.not_reached) == ([], [])
    (claim,) = lesson.claims
    assert (claim.sentence, claim.shows, claim.holds) == ("?", "pattern", False)
    assert (claim.observed, claim.evidence, claim.false_conditions) == ({}, {}, [])
    assert (claim.at, claim.seconds) == (None, None)


def test_a_lesson_that_is_told_twice_is_the_first_of_its_name() -> None:
    run = read(run_of(lesson_of("a", seconds=1), lesson_of("a", seconds=2), claims=[claim_of("a")]))
    assert [(lesson.seconds, len(lesson.claims)) for lesson in run.lessons] == [(1, 1)]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-01-31T12:00:00+00:00", 1769860800.0),
        ("2026-01-31T13:00:00+01:00", 1769860800.0),
        # Without a zone it is that of the cluster, UTC.
        ("2026-01-31T12:00:00", 1769860800.0),
        ("noon", None),
        (1769860800.0, None),
        ("0001-01-01T00:00:00+23:00", -62135679600.0),
    ],
)
def test_a_moment_is_told_in_seconds_since_the_epoch_wherever_it_is_read(monkeypatch, said, at) -> None:
    with monkeypatch.context() as place:
        place.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert read(run_of(lesson_of("a", started=said), claims=[])).lessons[0].started == at
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"), [(3, 3.0), (True, None), ("3", None), (1e18, None), (-1e18, None), (9e17, 9e17), (None, None)]
)
def test_a_number_is_one_that_can_be_drawn(value, seconds) -> None:
    assert read(run_of(lesson_of("a", seconds=value), claims=[])).lessons[0].seconds == seconds


def test_what_is_no_text_is_told_as_json() -> None:
    run = read(run_of(lesson_of("a", message={"café": [1, None]}), claims=[]))
    assert run.lessons[0].message == '{"café": [1, null]}'


def observed(observed: dict[str, t.Any], sentence: str = "It serves") -> tuple[t.Any, str]:
    """What is read of what was observed, and of the sentence of its claim."""
    claim = read(run_of(lesson_of("a"), claims=[claim_of("a", sentence, observed=observed)])).claims[0]
    return claim.observed, claim.sentence


@pytest.mark.parametrize("name", ["password", "db_PASSWD", "Secrets", "access_token", "credentials"])
def test_what_a_name_says_to_be_secret_is_shown_nowhere(name) -> None:
    shown, sentence = observed({name: "hunter22", "page": ["it is hunter22."]}, "hunter22 is read, hunter is not")
    assert shown == {name: "(not shown)", "page": ["it is (not shown)."]}
    assert sentence == "(not shown) is read, hunter is not"


def test_secrets_in_lists_and_in_names_are_hidden_too() -> None:
    shown, _sentence = observed({"tokens": ["abcdefg1", ["abcdefg2"]], "abcdefg1": 1, "n": {"abcdefg2 is": "abcdefg2"}})
    assert shown == {
        "tokens": ["(not shown)", ["(not shown)"]],
        "(not shown)": 1,
        "n": {"(not shown) is": "(not shown)"},
    }


def test_a_secret_that_begins_like_another_is_hidden_whole() -> None:
    assert observed({"password": "hunter22", "token": "hunter2233", "page": "hunter2233"})[0]["page"] == "(not shown)"


@pytest.mark.parametrize("plain", ["hunter2", "hunterhunter", "hunter 22 hunter", "path/hunter22", "(.*)"])
def test_a_secret_that_is_a_plain_word_is_hidden_under_its_name_alone(plain) -> None:
    shown, sentence = observed({"password": plain}, f"It says {plain}")
    assert (shown, sentence) == ({"password": "(not shown)"}, f"It says {plain}")


def test_the_marks_of_a_pattern_in_a_secret_are_its_own() -> None:
    assert observed({"password": "a.b*c+d1", "page": "a.b*c+d1 aXbbccd1"})[0]["page"] == "(not shown) aXbbccd1"


def test_what_is_no_secret_under_such_a_name_is_shown() -> None:
    shown = {"password_found": True, "token_count": 3, "secret": "", "passwords": [], "tokens": {"used": "hunter22"}}
    assert observed(shown)[0] == shown


def test_what_cannot_be_seen_is_marked() -> None:
    assert observed({"a\x00": "b\x1b[31m\u202egnp\tc\n"})[0] == {"a\ufffd": "b\ufffd[31m\ufffdgnp\tc\n"}
