# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import html
import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import (
    pictures,
    reading,
)
from report_data import claim_of, lesson_of, lesson_with, requests, run_of

NOON = 1769860800.0
MEBIBYTE = 1024**2


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


# Pictures that somebody has looked at. They stand in approved_pictures.html, to be seen in a browser.

APPROVED = Path(__file__).parent / "approved_pictures.html"
BEGIN = """\
<!DOCTYPE html>
<!--
SPDX-License-Identifier: GPL-3.0-or-later
SPDX-FileCopyrightText: The workshop.production_patterns authors
-->
<meta charset="utf-8">
<title>Pictures of the report that were looked at and are right</title>
<link rel="stylesheet" href="../../../../plugins/plugin_utils/report/templates/report.css">
"""


def at(seconds: float) -> float:
    return NOON + seconds


def sample(began: float, seconds: float = 0.01, status: int = 200, **fields: t.Any) -> dict[str, t.Any]:
    return {"at": at(began), "seconds": seconds, "status": status, **fields}


def spell(state: str, began: float, seconds: float) -> dict[str, t.Any]:
    return {"state": state, "at": at(began), "seconds": seconds}


def pod_of(name: str, created: float, **moments_: float) -> dict[str, t.Any]:
    ends = moments_.pop("ended_at", None)
    containers = {"app": {"finished_at": None if ends is None else at(ends)}}
    known = {key: at(value) for key, value in moments_.items()}
    return {"name": name, "uid": name, "created_at": at(created), "containers": containers, **known}


SPELLS = [spell("closed", 0, 10), spell("open", 10, 30), spell("half-open", 40, 0.5), spell("closed", 40.5, 19.5)]
PICTURES: dict[str, tuple[list[dict[str, t.Any]], t.Any]] = {
    "bars": (
        [
            claim_of("sidecar", shows="antipattern", observed={"big_bytes": 800 * MEBIBYTE, "stop_seconds": 30.2}),
            claim_of(
                "sidecar", observed={"small_bytes": 3 * MEBIBYTE, "stop_seconds": 0.006, "none_bytes": 0, "owed": -1}
            ),
        ],
        {
            "Sizes": {"With all that it was built with": "big_bytes", "With nothing else": "small_bytes"},
            "Times": {"Killed": "antipattern.stop_seconds", "Told": "pattern.stop_seconds", "Less than none": "owed"},
            "Nothing": {"Nothing": "none_bytes"},
        },
    ),
    "requests": (
        [
            claim_of(
                "sidecar",
                "Some requests are lost while the pods are exchanged",
                observed={
                    "samples": [
                        *(sample(number / 4, body="version 1 of shop") for number in range(100)),
                        *(sample(20 + number / 2, body="version 2 of shop") for number in range(60)),
                        *(sample(21 + number / 5, status=0, error="connection refused") for number in range(9)),
                        sample(23.5, status=503),
                        sample(24.5, body="web-5d9c7b6f4-x2x9z"),
                        sample(26, body="anything else"),
                    ],
                    "old": {"told_to_end_at": at(19.75), "spec": {"ready_since": at(1)}},
                    "new": {"created_at": at(12), "ready_since": at(18.5)},
                    "changed_epoch_seconds": at(11.5),
                    "before_at": at(-1),
                    "after_at": at(99),
                    "looked_at": at(10),
                    "stop_seconds": 30,
                },
            )
        ],
        None,
    ),
    "burst": (
        [
            claim_of(
                "sidecar",
                "Eight requests at once wait for one another",
                observed={
                    "burst": [sample(number / 20, number + 0.5, 200 if number < 6 else 429) for number in range(8)]
                },
            )
        ],
        None,
    ),
    "breaker": (
        [
            claim_of(
                "sidecar", observed={"open": {"passed_requests": 2, "rejected_requests": 25}, "passed_requests": 44}
            )
        ],
        None,
    ),
    "requests around a breaker": (
        [
            claim_of(
                "sidecar", observed={"spells": SPELLS, "samples": [sample(number * 2, 0.02) for number in range(30)]}
            ),
            claim_of("sidecar", observed={"samples": [sample(number * 2 + 1, 0.001 * number) for number in range(30)]}),
            claim_of(
                "sidecar", shows="antipattern", observed={"samples": [sample(number, 30.05) for number in range(20)]}
            ),
            claim_of(
                "sidecar", observed={"proxied": {"samples": [sample(number * 3, 1.02, 503) for number in range(9)]}}
            ),
        ],
        None,
    ),
    "seconds of pages around a breaker": (
        [
            claim_of(
                "sidecar",
                "Without a breaker each page waits",
                shows="antipattern",
                observed={"slowest_page_seconds": 30.1},
            ),
            claim_of(
                "sidecar",
                "Behind a breaker it does not",
                observed={"spells": SPELLS, "pages_seconds": [0.01, 0.02, 0.3]},
            ),
        ],
        None,
    ),
    "pods of Jobs": (
        [
            claim_of(
                "sidecar",
                "A Job without a limit makes pod after pod",
                observed={
                    "storm": {
                        "uid": "a",
                        "created_at": [at(0), at(0.2), at(10), at(10), at(30), at(70), at(150)],
                        "ended": None,
                    },
                    "limit": {
                        "uid": "b",
                        "created_at": [at(1), at(12)],
                        "ended": "Failed",
                        "reason": "BackoffLimitExceeded",
                        "ended_at": at(24),
                    },
                    "good": {"name": "done", "created_at": [at(2), "soon"], "ended": "Complete", "ended_at": at(149)},
                },
            )
        ],
        None,
    ),
    "what stood when": (
        [
            claim_of(
                "sidecar",
                observed={
                    "old": pod_of("old", 0, ready_since=10, deleted_at=30, gone_at=40, ended_at=39),
                    "new": {"deep": pod_of("new", 20, ready_since=33)},
                    "lost": pod_of("lost", 25, deleted_at=35),
                    "sad": {**pod_of("sad", 28, ended_at=30), "terminations": [{"finished_at": at(34)}, {}]},
                },
            )
        ],
        None,
    ),
    "layers": (
        [
            claim_of(
                "sidecar",
                "It holds what it was built with",
                observed={
                    "image": {
                        "id": "sha256:1",
                        "size_bytes": 900,
                        "layers": [
                            {"created_by": None, "size_bytes": 75 * MEBIBYTE},
                            {"created_by": "RUN apt-get install", "size_bytes": 210 * MEBIBYTE},
                            {"created_by": "ENV A=1", "size_bytes": 0},
                        ],
                    },
                    "small_image": {"size_bytes": 1, "layers": [{"created_by": "COPY hello /", "size_bytes": 15952}]},
                },
            )
        ],
        None,
    ),
    "processes": (
        [
            claim_of(
                "sidecar",
                observed={
                    "pid1": {"pid": 1, "name": "sleep", "command": "sleep 1000", "state": "S"},
                    "children": [
                        {"pid": 30, "name": "sh", "command": "sh -c 'sleep 5'", "state": "S"},
                        *({"pid": pid, "name": "sleep", "command": "", "state": "Z"} for pid in range(7, 20)),
                    ],
                },
            ),
            claim_of("sidecar", observed={"pid1": {"name": "dumb-init", "command": "dumb-init sleep"}, "children": []}),
        ],
        None,
    ),
    "images by their names": (
        [
            claim_of(
                "sidecar",
                observed={
                    "first": {
                        "containers": {
                            "app": {"image": "r:5001/shop/app:latest", "image_digest": "sha256:1" + "a" * 63}
                        },
                        "created_at": 1.0,
                    },
                    "second": {
                        "name": "web-2",
                        "created_at": 2.0,
                        "containers": {
                            "app": {"image": "r:5001/shop/app:latest", "image_digest": "sha256:2" + "b" * 63}
                        },
                    },
                    "third": {
                        "name": "web-3",
                        "created_at": 3.0,
                        "containers": {
                            "app": {"image": "r:5001/shop/app:latest", "image_digest": "sha256:1" + "a" * 63}
                        },
                    },
                },
            )
        ],
        None,
    ),
    "lines of logs": (
        [
            claim_of("sidecar", observed={"lines_in_file": ["hello", "seen"], "lines_in_log": ["seen"]}),
            claim_of(
                "sidecar",
                observed={"lines_in_log": ["oops"], "kept_on_node": [["stderr", "oops"], ["stdout", "lost"], ["x"]]},
            ),
            claim_of("sidecar", observed={"added_line": "more", "log_of_sidecar": ["more"], "log_of_program": []}),
            claim_of("sidecar", observed={"added_line": "own", "log_of_sidecar": [], "log_of_program": ["own"]}),
        ],
        None,
    ),
    "kills": (
        [
            claim_of(
                "sidecar",
                observed={
                    "limit_bytes": 20 * MEBIBYTE,
                    "endings": [{"started_at": at(began), "finished_at": at(began + 3)} for began in (0, 14, 45)],
                    "held_last_mebibytes": [19, 18.5, 21],
                },
            )
        ],
        None,
    ),
    "a change that arrives": (
        [
            claim_of(
                "sidecar",
                observed={
                    "answer": {"asked_at": at(0), "written_at": at(-10), "greeting": "Hello"},
                    "answer_after": {"asked_at": at(90), "written_at": at(82.5), "greeting": "Good evening"},
                },
            )
        ],
        None,
    ),
}


def pictures_of(name: str) -> list[pictures.Picture]:
    if name == "a run":
        names = ("failing_jobs", "held"), ("sidecar", "failed"), ("a_lesson_with_a_name_that_is_longer", "not run")
        lessons = [
            lesson_of(
                lesson,
                status,
                started=f"2026-01-31T12:0{number}:05+00:00",
                ended=f"2026-01-31T12:0{number + 1}:3{number}+00:00",
            )
            for number, (lesson, status) in enumerate(names)
        ]
        claims = [
            claim_of(lesson, at=f"2026-01-31T12:0{number}:50+00:00", holds=lesson != "sidecar")
            for number, (lesson, _status) in enumerate(names)
        ]
        claims += [claim_of("sidecar", at=f"2026-01-31T{hour}:00+00:00") for hour in ("11:59", "12:30")]
        never = lesson_of("never", "not run", started=None, ended=None)
        found = pictures.of_run(reading.run(json.dumps(run_of(*lessons, never, claims=claims))))
        return [] if found is None else [found]
    claims, bars = PICTURES[name]
    return pictures.of_lesson(lesson_with(*claims), bars)


def section(name: str) -> str:
    """The pictures of a name, a line for each element."""
    drawn_ = "".join(
        f"<figure><figcaption>{html.escape(picture.caption)}</figcaption>{drawing}</figure>"
        for picture in pictures_of(name)
        for _kind, drawing in picture.drawings
    )
    return f"<section><h2>{name}</h2>{drawn_}</section>".replace("><", ">\n<").replace("></path>", "/>") + "\n"


@pytest.mark.parametrize("name", ["a run", *PICTURES])
def test_a_picture_is_as_it_was_approved(name, tmp_path) -> None:
    made = section(name)
    approved = APPROVED.read_text() if APPROVED.is_file() else ""
    if made not in approved:
        new = tmp_path / "pictures.html"
        new.write_text(BEGIN + "".join(map(section, ["a run", *PICTURES])))
        seen = next(
            (part for part in re.findall("<section>.*?</section>\n", approved, re.DOTALL) if f"<h2>{name}<" in part), ""
        )
        assert made == seen, f"Look at {new}, and copy it to {APPROVED} if it is right."


def test_no_picture_was_approved_that_is_not_made() -> None:
    assert re.findall("<h2>(.*?)</h2>", APPROVED.read_text()) == ["a run", *PICTURES]


def test_the_mark_of_a_claim_that_fell_is_seen_on_the_bar_of_its_lesson() -> None:
    style = (Path(pictures.__file__).parent / "templates/report.css").read_text()
    # Both are of that colour, and of rules that weigh the same the last one counts.
    assert re.findall(r"^svg (.*\.mark\b.*) { stroke: ", style, re.MULTILINE)[-1] == ".span ~ .mark"
