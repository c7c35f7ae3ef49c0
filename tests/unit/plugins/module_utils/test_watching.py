# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import threading
import time
from itertools import repeat
from typing import Any

import pytest
from ansible_collections.workshop.production_patterns.plugins.module_utils import watching
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Cluster
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.watching import (
    Change,
    Look,
    Seen,
    Source,
    ended_containers,
    look,
    observe,
)
from api_server import CUT, SILENCE, Answer, ApiServer, changes, listing, status, too_old

PODS = "/api/v1/namespaces/quotas/pods"
JOBS = "/apis/batch/v1/namespaces/quotas/jobs"


def pod(name: str, version: int = 1, ended: str = "") -> dict[str, Any]:
    """A pod, with a container of this ID that has ended."""
    state = {"terminated": {"containerID": ended, "exitCode": 1}} if ended else {"running": {}}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)},
        "status": {"containerStatuses": [{"name": "app", "state": state}]},
    }


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Watches that are found dead soon."""
    monkeypatch.setattr(watching, "QUIET_SECONDS", 0.4)
    monkeypatch.setattr(watching, "REQUEST_SECONDS", 0.4)
    monkeypatch.setattr(watching, "SHORTEST_PAUSE", 0.02)


def watch(api: ApiServer, *enough: str, seconds: float = 10.0, source: Source | None = None) -> Seen:
    """What is seen of the pods until these names have come (with a minus, have gone), or until time is up."""
    seen = Seen()
    for part in observe(Cluster(api.connection()), {"pods": source or Source(PODS)}, seconds):
        for _name, news in part:
            seen.take(news)
        if enough and set(enough) <= names(seen):
            break
    return seen


def names(seen: Seen) -> set[str]:
    return {("-" if uid in seen.gone_at else "") + found["metadata"]["name"] for uid, found in seen.objects.items()}


def asked(api: ApiServer, name: str) -> list[str | None]:
    return [request.query.get(name) for request in api.asked(PODS) if "watch" in request.query]


def test_a_look_and_the_changes_after_it(api):
    api.on(PODS, listing(pod("a"), version="100"))
    api.on_watch(PODS, changes(("ADDED", pod("b", 101)), ("DELETED", pod("a", 102)), quiet=True))
    assert names(watch(api, "-a", "b")) == {"-a", "b"}
    assert asked(api, "resourceVersion") == ["100"]


def test_the_first_questions_are_for_a_page_of_objects_and_then_for_changes_with_bookmarks(api):
    api.on(PODS, listing(pod("a"), version="100"))
    api.on_watch(PODS, changes(("ADDED", pod("b", 101)), quiet=True))
    watch(api, "b")
    assert [request.query for request in api.requests[:2]] == [
        {"limit": "500"},
        {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "1", "resourceVersion": "100"},
    ]


def test_what_comes_is_told_with_its_moment(api):
    api.on(PODS, listing(pod("a"), version="100"))
    api.on_watch(PODS, changes(("ADDED", pod("b", 101)), ("DELETED", pod("b", 102)), quiet=True))
    begun = time.time()
    parts = observe(Cluster(api.connection()), {"pods": Source(PODS)}, 1.0)
    news: list[Any] = [item for part in parts for _name, item in part]
    first, *rest = news
    assert (first.objects, first.version) == ([pod("a")], "100")
    assert [(item.object, item.deleted) for item in rest] == [(pod("b", 101), False), (pod("b", 102), True)]
    assert all(begun - 0.001 <= item.at <= time.time() + 0.001 for item in news)
    assert all(item.at == round(item.at, 3) for item in news), "milliseconds are enough"
    assert any(item.at != round(item.at) for item in rest), "and seconds are not"


def test_it_begins_with_the_changes_since_a_version_that_is_known(api):
    api.on_watch(PODS, changes(("ADDED", pod("b", 101)), quiet=True))
    (_name, first), *_rest = next(observe(Cluster(api.connection()), {"pods": Source(PODS)}, 5, {"pods": "100"}))
    assert isinstance(first, Change)
    assert first.object == pod("b", 101)
    assert asked(api, "resourceVersion") == ["100"]


def test_a_watch_that_is_closed_goes_on_where_it_ended(api):
    api.on(PODS, listing(version="100"))
    api.on_watch(PODS, changes(("ADDED", pod("a", 101))), changes(), changes(("ADDED", pod("b", 102))))
    seen = watch(api, "a", "b")
    assert asked(api, "resourceVersion") == ["100", "101", "101"]
    assert seen.gaps == 0


def test_a_bookmark_brings_a_version_and_no_object(api):
    api.on(PODS, listing(version="100"))
    bookmark = {"metadata": {"resourceVersion": "150"}}
    api.on_watch(PODS, changes(("BOOKMARK", bookmark)), changes(("ADDED", pod("a", 151))))
    assert names(watch(api, "a")) == {"a"}
    assert asked(api, "resourceVersion") == ["100", "150"]


@pytest.mark.parametrize("forgotten", [changes(too_old()), status(410, "too old")], ids=["in the stream", "at once"])
def test_what_the_cluster_has_forgotten_is_looked_at_again_and_counted(api, forgotten):
    api.on(PODS, listing(pod("a"), pod("b")), listing(pod("b"), pod("c"), version="200"))
    api.on_watch(PODS, forgotten)
    seen = watch(api, "-a", "b", "c")
    assert seen.gaps == 1


def test_a_watch_that_ends_with_another_error_is_looked_at_again(api):
    api.on(PODS, listing(), listing(pod("a")))
    api.on_watch(PODS, changes(("ERROR", {"code": 500, "message": "etcd is away"})))
    assert names(watch(api, "a")) == {"a"}


@pytest.mark.parametrize(
    "broken",
    [
        CUT,
        SILENCE,
        status(500),
        status(503),
        status(429),
        changes(cut=True),
        changes(("ADDED", pod("a", 101)), half_line=b'{"type": "ADDED", "object": {"metadata"'),
        changes(("ADDED", pod("a", 101)), silent=True),
        Answer(lines=[], half_line=b"<html>\n"),
        Answer(lines=[], half_line=b"[]\n"),
        Answer(lines=[], half_line=b'{"type": "ADDED", "object": {}}\n'),
        Answer(lines=[], half_line=b'{"type": "ADDED"}\n'),
    ],
)
def test_a_watch_that_breaks_is_opened_again(api, broken):
    api.on(PODS, listing(version="100"))
    api.on_watch(PODS, broken, changes(("ADDED", pod("a", 101)), ("ADDED", pod("b", 102))))
    seen = watch(api, "a", "b")
    assert seen.gaps == 0


@pytest.mark.parametrize(
    "broken", [CUT, SILENCE, status(500), status(408), status(429), Answer({"code": 0}), Answer({}, code=502)]
)
def test_a_look_that_fails_is_tried_again(api, broken):
    api.on(PODS, broken, broken, listing(pod("a")))
    assert names(watch(api, "a")) == {"a"}


def test_a_busy_cluster_is_given_the_time_that_it_asks_for(api):
    api.on(PODS, status(429, Retry_After="1"), listing(pod("a")))
    begun = time.monotonic()
    watch(api, "a")
    assert 1 <= time.monotonic() - begun < 3
    assert len(api.asked(PODS)) <= 3


@pytest.fixture
def pauses(monkeypatch):
    """How many seconds were waited before a question was asked again; nobody waits for them."""
    found: list[float] = []
    monkeypatch.setattr(watching, "_pause", lambda seconds, _deadline: found.append(seconds))
    return found


def test_what_fails_is_asked_again_after_ever_longer_pauses(api, pauses):
    api.on(PODS, *[status(500)] * 10, listing(pod("a")))
    watch(api, "a")
    assert pauses[:10] == [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.0, 5.0]


def test_after_an_answer_the_pauses_are_short_again(api, pauses):
    api.on(PODS, status(500), status(500), listing())
    api.on_watch(PODS, changes(("ADDED", pod("a", 101))), status(500), changes(("ADDED", pod("b", 102)), quiet=True))
    watch(api, "a", "b")
    # A watch that is closed at once is not opened again without a breath.
    assert pauses[:4] == [0.02, 0.04, 0.02, 0.02]


@pytest.mark.parametrize(("asked", "pause"), [("3", 3.0), ("0", 0.02), ("soon", 0.02)])
def test_the_pause_is_the_one_that_the_cluster_asks_for_if_that_is_longer(api, pauses, asked, pause):
    api.on(PODS, status(429, Retry_After=asked), listing(pod("a")))
    watch(api, "a")
    assert pauses[0] == pause


def test_a_role_that_may_not_watch_looks_once_a_second(api, pauses):
    api.on(PODS, listing(pod("a")), listing(pod("b")), listing(pod("c")))
    api.on_watch(PODS, status(403), status(403))
    watch(api, "c")
    assert pauses[:2] == [1.0, 1.0]
    assert len(asked(api, "watch")) == 1


def test_a_pause_ends_with_the_time_that_there_is(api):
    api.on(PODS, status(429, Retry_After="60"))
    begun = time.monotonic()
    with pytest.raises(Problem):
        watch(api, seconds=0.5)
    assert time.monotonic() - begun < 2


def test_all_pages_are_one_look(api):
    api.on(PODS, listing(pod("a"), more="2nd"), listing(pod("b"), more="3rd"), listing(pod("c")))
    assert names(watch(api, "a", "b", "c")) == {"a", "b", "c"}
    assert [request.query.get("continue") for request in api.asked(PODS)][:3] == [None, "2nd", "3rd"]


def test_pages_that_are_forgotten_half_way_begin_again(api):
    api.on(PODS, listing(pod("a"), more="2nd"), status(410), listing(pod("b")))
    assert names(watch(api, "b")) == {"b"}


@pytest.mark.parametrize(
    "refused",
    [status(401, "who are you"), status(403, "you may not"), status(404, "no such thing"), status(400, "what")],
)
def test_a_refusal_is_final_at_once(api, refused):
    api.on(PODS, refused)
    begun = time.monotonic()
    with pytest.raises(Problem, match=r"^The cluster refused \(40\d\): (who|you|no such|what)"):
        watch(api, "a")
    assert time.monotonic() - begun < 2
    assert len(api.requests) == 1


def test_a_token_that_runs_out_on_the_way_is_final_at_once(api):
    api.on(PODS, listing())
    api.on_watch(PODS, changes(), status(401, "expired"))
    with pytest.raises(Problem, match="expired"):
        watch(api, "a")


def test_a_refusal_within_a_watch_is_final_at_once(api):
    api.on(PODS, listing())
    api.on_watch(PODS, changes(("ERROR", {"code": 401, "message": "the token has expired"})))
    with pytest.raises(Problem, match=r"^The cluster refused \(401\): the token has expired$"):
        watch(api, "a")


def test_a_certificate_that_is_not_trusted_stays_so(api, monkeypatch):
    def untrusted(*_arguments: Any) -> Any:
        raise watching.ApiException(status=0, reason="SSLError: certificate verify failed")

    monkeypatch.setattr(watching, "_look", untrusted)
    begun = time.monotonic()
    with pytest.raises(Problem, match="certificate verify failed"):
        watch(api, "a")
    assert time.monotonic() - begun < 2


def test_a_connection_that_fails_otherwise_is_tried_again(api, monkeypatch):
    looks = [watching.ApiException(status=0, reason="SSLError: the handshake timed out"), ([pod("a")], "100")]

    def once_more(*_arguments: Any) -> Any:
        found = looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(watching, "_look", once_more)
    assert names(watch(api, "a")) == {"a"}


def test_a_role_that_may_look_but_not_watch_looks_again_and_says_that_it_has_gaps(api):
    api.on(PODS, listing(pod("a")), listing(pod("b")))
    api.on_watch(PODS, status(403, "may not watch"))
    seen = watch(api, "-a", "b")
    assert seen.gaps == 1


def test_one_object_is_looked_at_by_get(api):
    api.on(f"{PODS}/a", Answer(pod("a")), status(404))
    api.on_watch(PODS, status(403))
    assert names(watch(api, "-a", source=Source(PODS, name="a"))) == {"-a"}
    assert api.requests[1].query["fieldSelector"] == "metadata.name=a"


def test_labels_select_in_looks_and_watches(api):
    api.on(PODS, listing(pod("a")))
    watch(api, seconds=0.3, source=Source(PODS, label_selector="app=a"))
    assert {request.query["labelSelector"] for request in api.requests} == {"app=a"}
    assert len(api.requests) == 2


@pytest.mark.parametrize("when", ["before the end", "at the end"])
def test_what_came_before_the_deadline_is_given(api, when):
    """A consumer that is slow loses nothing."""
    api.on(PODS, listing(pod("a")))
    api.on_watch(PODS, changes(("ADDED", pod("b", 101)), ("ADDED", pod("c", 102)), quiet=True))
    seen = Seen()
    for part in observe(Cluster(api.connection()), {"pods": Source(PODS)}, 1.0):
        for _name, news in part:
            seen.take(news)
        time.sleep(0.1 if when == "before the end" else 1.2)
    assert names(seen) == {"a", "b", "c"}


def test_the_end_of_time_is_no_failure(api):
    api.on(PODS, listing(pod("a")))
    begun = time.monotonic()
    assert names(watch(api, seconds=1.0)) == {"a"}
    assert 1.0 <= time.monotonic() - begun < 1.5


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (CUT, "^The cluster does not answer"),
        (status(503, "starting"), r"^The cluster refused \(503\): starting"),
        (status(429, "busy", Retry_After="60"), r"^The cluster refused \(429\): busy"),
        (SILENCE, "^The cluster does not answer"),
    ],
)
@pytest.mark.parametrize("before", [[], [listing(pod("a"))]], ids=["never", "no longer"])
def test_when_it_ends_unanswered_the_last_sentence_is_told(api, last, said, before):
    api.on(PODS, *before, last)
    api.on_watch(PODS, changes(too_old()))
    begun = time.monotonic()
    with pytest.raises(Problem, match=said):
        watch(api, "never", seconds=1.5)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[]\n", "The cluster sent a line in a watch that is no change."),
        (b'{"type": "ADDED"}', "The cluster ended a watch in the middle of a line."),
    ],
)
def test_a_watch_that_breaks_every_time_is_told_in_a_sentence(api, monkeypatch, line, said):
    # Whole at the level of the connection, with content that is no watch.
    monkeypatch.setattr(ApiServer, "_watch", lambda _self, handler, _request, answer: raw(handler, answer.half_line))
    api.on(PODS, listing())
    api.on_watch(PODS, *[Answer(lines=[], half_line=line)] * 999)
    with pytest.raises(Problem) as problem:
        watch(api, seconds=0.5)
    assert str(problem.value) == said


def raw(handler: Any, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def test_a_flood_is_handed_on_in_parts(api, monkeypatch):
    monkeypatch.setattr(watching, "PAGE", 3)
    api.on(PODS, listing())
    api.on_watch(PODS, changes(*(("ADDED", pod(str(number), 101 + number)) for number in range(20)), quiet=True))
    parts = []
    for part in observe(Cluster(api.connection()), {"pods": Source(PODS)}, 1.5):
        parts.append(len(part))
        time.sleep(0.05)
    assert sum(parts) == 21
    assert max(parts) <= 3


def test_a_watch_that_is_not_answered_at_the_end_is_no_answer(api):
    api.on(PODS, listing(pod("a")))
    api.on_watch(PODS, SILENCE)
    with pytest.raises(Problem, match="^The cluster does not answer: its last answer was awaited for 1 seconds"):
        watch(api, seconds=0.8)


def test_the_server_is_told_to_close_a_watch_before_it_is_taken_for_dead(api):
    api.on(PODS, listing())
    watch(api, seconds=2.5)
    assert asked(api, "timeoutSeconds")[:2] == ["1", "1"]


def test_a_cluster_that_does_not_listen():
    with pytest.raises(Problem, match="^The cluster does not answer"):
        list(observe(Cluster({"host": "http://127.0.0.1:9", "api_key": "k"}), {"pods": Source(PODS)}, 0.5))


def test_a_peer_that_sends_without_end_does_not_hold_the_deadline_up(api):
    api.on(PODS, listing())
    api.on_watch(PODS, Answer(lines=repeat({"type": "MODIFIED", "object": pod("a", 101)})))
    begun = time.monotonic()
    watch(api, seconds=1.0)
    assert 1.0 <= time.monotonic() - begun < 2


def test_no_thread_of_it_holds_up_the_end_of_a_process(api):
    api.on(PODS, listing(pod("a")))
    api.on_watch(PODS, SILENCE)
    before = set(threading.enumerate())
    next(observe(Cluster(api.connection()), {"pods": Source(PODS)}, 5))
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)


def test_two_sources_are_joined_at_their_first_looks(api):
    api.on(JOBS, listing(pod("job")))
    api.on(PODS, status(500), listing(pod("a")))
    first = next(observe(Cluster(api.connection()), {"jobs": Source(JOBS), "pods": Source(PODS)}, 5))
    assert {name for name, _news in first} == {"jobs", "pods"}


def test_an_error_of_our_own_is_not_taken_for_the_clusters(api, monkeypatch):
    def wrong(*_arguments: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(watching, "_look", wrong)
    with pytest.raises(ZeroDivisionError):
        watch(api, "a")


def test_every_ending_is_kept_once(api):
    api.on(PODS, listing(pod("a", ended="first")))
    api.on_watch(
        PODS,
        changes(
            ("MODIFIED", pod("a", 101, ended="second")),
            ("MODIFIED", pod("a", 102, ended="second")),
            ("DELETED", pod("a", 103, ended="third")),
        ),
    )
    seen = watch(api, "-a")
    assert [found["metadata"]["resourceVersion"] for found in seen.endings["uid-a"]] == ["1", "101", "103"]


def test_a_history_has_come_to_a_look_when_it_knows_all_that_it_shows():
    seen = Seen()
    seen.take(Look([pod("a", 1), pod("b", 2)], 0.0, "2"))
    assert seen.has_come_to(Look([pod("a", 1), pod("b", 2)], 0.0, "5"))
    assert not seen.has_come_to(Look([pod("a", 1), pod("b", 3)], 0.0, "5")), "b has changed"
    assert not seen.has_come_to(Look([pod("a", 1)], 0.0, "5")), "b has gone"
    assert not seen.has_come_to(Look([pod("a", 1), pod("b", 2), pod("c", 1)], 0.0, "5")), "c has come"
    assert not seen.has_come_to(Look([pod("a", 1)], 0.0, "2")), "b went at this version"
    assert seen.has_come_to(Look([pod("a", 1)], 0.0, "1")), "b came after the look"
    seen.take(Change(pod("a", 6), True, 0.0))
    assert seen.has_come_to(Look([pod("a", 1), pod("b", 2)], 0.0, "5")), "a went after the look"


def test_one_look_is_tried_again_until_it_comes(api):
    api.on(PODS, status(500), listing(pod("a"), version="100"))
    found = look(Cluster(api.connection()), Source(PODS), time.monotonic() + 5)
    assert found is not None
    assert (found.objects, found.version) == ([pod("a")], "100")
    assert asked(api, "watch") == []


def test_one_look_that_does_not_come_in_time_is_none(api):
    api.on(PODS, status(429, "busy", Retry_After="60"))
    begun = time.monotonic()
    assert look(Cluster(api.connection()), Source(PODS), begun + 0.3) is None
    assert time.monotonic() - begun < 5


def test_one_look_that_is_refused_says_so(api):
    api.on(PODS, status(403, "you may not"))
    with pytest.raises(Problem, match=r"^The cluster refused \(403\): you may not$"):
        look(Cluster(api.connection()), Source(PODS), time.monotonic() + 5)


def test_endings_are_those_of_all_containers_and_of_their_last_and_present_states():
    def container(name: str, **states: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, **{state: {"terminated": ended} for state, ended in states.items()}}

    found = {
        "status": {
            "initContainerStatuses": [container("init", state={"containerID": "1"})],
            "containerStatuses": [
                container("app", lastState={"containerID": "2"}, state={"containerID": "3", "finishedAt": "later"}),
                {"name": "runs", "state": {"running": {}}, "lastState": None},
            ],
            "ephemeralContainerStatuses": [
                container("debugger", state={"finishedAt": "noon"}),
                container("nameless", state={"exitCode": 1}),
            ],
        }
    }
    assert [(name, ident, part) for name, ident, part, _status in ended_containers(found)] == [
        ("init", "1", "initContainerStatuses"),
        ("app", "2", "containerStatuses"),
        ("app", "3", "containerStatuses"),
        ("debugger", "noon", "ephemeralContainerStatuses"),
        ("nameless", "", "ephemeralContainerStatuses"),
    ]
    last = next(status for _name, ident, _part, status in ended_containers(found) if ident == "2")
    assert (last["state"], last["lastState"]) == ({"terminated": {"containerID": "2"}}, {})
    assert (
        list(ended_containers({"status": None}))
        == list(ended_containers({"status": {"containerStatuses": None}}))
        == []
    )


def test_what_is_seen_of_a_pod_from_its_first_look_to_its_end():
    def leaving(version: int, seconds: int, ended: str = "") -> dict[str, Any]:
        found = pod("a", version, ended)
        found["metadata"] |= {"deletionTimestamp": "2026-01-31T12:00:30Z", "deletionGracePeriodSeconds": seconds}
        return found

    seen = Seen()
    seen.take(Look([pod("a", 1, "first"), pod("b", 1)], 10.0, "1"))
    assert (seen.gaps, seen.gone_at, seen.deleting) == (0, {}, {})
    seen.take(Change(leaving(2, 30), False, 11.0))
    seen.take(Change(leaving(3, 0, "second"), False, 12.0))
    seen.take(Change(leaving(4, 0, "second"), True, 13.0))
    assert seen.objects["uid-a"] == leaving(4, 0, "second")
    assert seen.deleting == {"uid-a": leaving(2, 30)}
    assert seen.gone_at == {"uid-a": 13.0}
    assert seen.ended_seen_at == {("uid-a", "app", "first"): None, ("uid-a", "app", "second"): 12.0}
    assert seen.endings == {"uid-a": [pod("a", 1, "first"), leaving(3, 0, "second")]}
    # What another look does not show has gone since, and what had gone is left as it was.
    seen.take(Look([], 20.0, "9"))
    assert (seen.gaps, seen.gone_at) == (1, {"uid-a": 13.0, "uid-b": 20.0})
    seen.take(Look([], 21.0, "10"))
    assert seen.gaps == 2
