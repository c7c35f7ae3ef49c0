# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Watch objects of a cluster until a deadline, through all that happens to connections on the way."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final, Union

from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import (
    REQUEST_SECONDS,
    ApiException,
    Cluster,
    HTTPError,
    Json,
    sentence,
)
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import version as version_of
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

PAGE: Final = 500
"""How many objects are asked for at once."""

QUIET_SECONDS: Final = 10
"""How long a watch stays open, so that a peer that has died is not taken for one that has nothing to say."""

SHORTEST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True)
class Source:
    """What to watch: the path of a list, or of one object, in the API, and the selectors of the list."""

    path: str
    label_selector: str = ""
    name: str | None = None

    @property
    def query(self) -> dict[str, str]:
        query = {"labelSelector": self.label_selector} if self.label_selector else {}
        return {**query, "fieldSelector": f"metadata.name={self.name}"} if self.name else query


@dataclass(frozen=True)
class Asked:
    """A question has been sent, on the monotonic clock."""

    at: float


@dataclass(frozen=True)
class Opened:
    """A watch has been opened."""


@dataclass(frozen=True)
class Look:
    """All objects, as they were at one moment, and the version of the cluster then."""

    objects: list[Json]
    at: float
    version: str


@dataclass(frozen=True)
class Change:
    """One object as it is now, or as it was when it was deleted; at seconds since the epoch."""

    object: Json
    deleted: bool
    at: float


@dataclass(frozen=True)
class Failure:
    """A question failed. It is asked again, unless that is of no use."""

    error: Exception
    final: bool = False


News = Union[Asked, Opened, Look, Change, Failure]  # noqa: UP007  # pylint takes the bar for an operation on classes


class Interrupted(ApiException):
    """The cluster ended a watch with an error, mostly since it has forgotten what came after its version (410)."""


def follow(cluster: Cluster, source: Source, deadline: float, version: str | None = None) -> Iterator[News]:
    """What the cluster says of the source until the deadline, on the monotonic clock: a look, then the changes to it.

    A watch that ends is opened again where it ended. When the cluster has forgotten what came then, there is another
    look, as there is once a second where the role may look but not watch. What fails is tried again if that can be of
    use. With a version it begins with the changes since then.
    """
    failed = 0
    may_watch = True
    while (rest := deadline - time.monotonic()) > 0:
        watching = False
        begun = time.monotonic()
        try:
            if version is None:
                yield Asked(begun)
                objects, version = _look(cluster, source, deadline)
                yield Look(objects, round(time.time(), 3), version)
            if not may_watch:
                version = None
                _pause(1.0, deadline)
                continue
            watching = True
            yield Asked(time.monotonic())
            answer = _open(cluster, source, version, rest)
            yield Opened()
            for now_at, change in _changes(answer):
                version = now_at
                if change:
                    yield change
            # One that is closed at once, every time, must not be opened without a breath.
            if time.monotonic() - begun < 1:
                _pause(SHORTEST_PAUSE, deadline)
            failed = 0
        except (ApiException, HTTPError, OSError, ValueError) as error:
            status = getattr(error, "status", None)
            if watching and status == 403:
                may_watch, version = False, None
                continue
            final = not _worth_another_try(error)
            yield Failure(error, final)
            if final:
                return
            if isinstance(error, Interrupted) or status == 410:
                version = None
            _pause(max(_retry_after(error), min(SHORTEST_PAUSE * 2**failed, LONGEST_PAUSE)), deadline)
            failed = 0 if time.monotonic() - begun > LONGEST_PAUSE else failed + 1


def _pause(seconds: float, deadline: float) -> None:
    time.sleep(max(0.0, min(seconds, deadline - time.monotonic())))


def _look(cluster: Cluster, source: Source, deadline: float) -> tuple[list[Json], str]:
    """All objects, page by page, and the version of the cluster at which they were so."""

    def bounded() -> float:
        return max(0.1, min(deadline - time.monotonic(), REQUEST_SECONDS))

    if source.name:
        try:
            found = cluster.ask(f"{source.path}/{source.name}", seconds=bounded())
        except ApiException as error:
            if error.status == 404:
                return [], ""
            raise
        return [found], version_of(found)
    objects: list[Json] = []
    query = {**source.query, "limit": PAGE}
    while True:
        page = cluster.ask(source.path, query, seconds=bounded())
        version = version_of(page)
        # Go writes an empty list as null.
        objects += page.get("items") or []
        if not page["metadata"].get("continue"):
            return objects, version
        query["continue"] = page["metadata"]["continue"]


def _open(cluster: Cluster, source: Source, version: str, rest: float) -> Any:
    seconds = math.ceil(min(rest, QUIET_SECONDS))
    query = {**source.query, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": seconds}
    if version:
        query["resourceVersion"] = version
    # The server closes it before that, if it is there.
    return cluster.request(source.path, query, seconds=seconds + QUIET_SECONDS / 2)


def _changes(answer: Any) -> Iterator[tuple[str, Change | None]]:
    """The lines of a watch: the version that each brings, and the change, which a bookmark has none of."""
    kept = b""
    try:
        for part in answer.stream(amt=None):
            *lines, kept = (kept + part).split(b"\n")
            for line in lines:
                event = json.loads(line)
                if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
                    raise ValueError("The cluster sent a line in a watch that is no change.")
                kind, found = event.get("type"), event["object"]
                if kind == "ERROR":
                    raise Interrupted(status=found.get("code"), reason=found.get("message"))
                change = Change(found, kind == "DELETED", round(time.time(), 3))
                yield version_of(found), None if kind == "BOOKMARK" else change
        if kept:
            raise ValueError("The cluster ended a watch in the middle of a line.")
    finally:
        answer.close()


def _worth_another_try(error: Exception) -> bool:
    """Whether the same question may be answered the next time: what is refused for good stays refused."""
    if isinstance(error, ApiException):
        status = error.status or 0
        # Without a status it is TLS that failed.
        certificate = status == 0 and "certificate verify failed" in str(error.reason).lower()
        return not certificate and (status in (0, 408, 410, 429) or status >= 500)
    return True


def _retry_after(error: Exception) -> float:
    """The seconds that a busy cluster asks for."""
    asked = str((getattr(error, "headers", None) or {}).get("Retry-After", ""))
    return float(asked) if asked.isdigit() else 0.0


def observe(
    cluster: Cluster, sources: Mapping[str, Source], seconds: float, versions: Mapping[str, str] | None = None
) -> Iterator[list[tuple[str, Look | Change]]]:
    """What comes of the sources in these seconds, in order; it ends when they are up.

    The first part comes when each source has had its first look, or at once for those that begin at a version. Raises
    Problem, with the cluster's own sentence, when the cluster refuses for good, or when time is up and it is not known
    how things stand, since the last question failed or is still open.
    """
    deadline = time.monotonic() + seconds
    versions = versions or {}
    news: SimpleQueue[tuple[str, News]] = SimpleQueue()
    over = threading.Event()

    # Two watches at once, and a deadline that no peer can hold up, need a thread for each.
    def report(name: str, source: Source) -> None:
        try:
            for item in follow(cluster, source, deadline, versions.get(name)):
                if over.is_set():
                    return
                news.put((name, item))
        except Exception as error:
            news.put((name, Failure(error, True)))

    for name, source in sources.items():
        threading.Thread(target=report, args=(name, source), daemon=True).start()

    failures: dict[str, Exception] = {}
    unanswered = dict.fromkeys(sources, time.monotonic())
    to_come = set(sources) - set(versions)
    part: list[tuple[str, Look | Change]] = []
    try:
        while True:
            rest = deadline - time.monotonic()
            if rest <= 0:
                # What came until now is all that is still given.
                over.set()
            try:
                name, item = news.get(timeout=max(0.0, rest))
            except Empty:
                if over.is_set():
                    break
                continue
            if isinstance(item, Failure):
                failures[name] = item.error
                if item.final:
                    raise _problem(item.error)
            elif isinstance(item, Asked):
                unanswered.setdefault(name, item.at)
            else:
                failures.pop(name, None)
                unanswered.pop(name, None)
            if isinstance(item, Look | Change):
                part.append((name, item))
                to_come.discard(name)
            if part and not to_come and (news.empty() or len(part) >= PAGE):
                yield part
                part = []
    finally:
        over.set()
    for error in failures.values():
        raise _problem(error)
    for asked_at in unanswered.values():
        # One that was asked only now could not be answered.
        if to_come or deadline - asked_at > QUIET_SECONDS / 2:
            raise Problem(
                f"The cluster does not answer: its last answer was awaited for {deadline - asked_at:.0f} seconds. "
                "See that it runs and that the context is its own."
            )


def look(cluster: Cluster, source: Source, deadline: float) -> Look | None:
    """One look, tried again until the deadline; None when it did not come. Raises Problem when it is refused."""
    for news in follow(cluster, source, deadline):
        if isinstance(news, Look):
            return news
        if isinstance(news, Failure) and news.final:
            raise _problem(news.error)
    return None


def _problem(error: Exception) -> Exception:
    known = isinstance(error, ApiException | HTTPError | OSError | ValueError)
    return Problem(sentence(error)) if known else error


@dataclass
class Seen:
    """The objects of a source, also those that are gone by now, by their uids."""

    objects: dict[str, Json] = field(default_factory=dict)
    """Each as it was last."""

    gone_at: dict[str, float] = field(default_factory=dict)
    """When it was seen to be gone, in seconds since the epoch."""

    deleting: dict[str, Json] = field(default_factory=dict)
    """Each as it was when its deletion was seen first; the last step of a deletion overwrites its grace period."""

    endings: dict[str, list[Json]] = field(default_factory=dict)
    """Of pods: each version that told of a container's ending that was not known before."""

    ended_seen_at: dict[tuple[str, str, str], float | None] = field(default_factory=dict)
    """When each of them came, in seconds since the epoch; None for what a look found. By uid, name and identity."""

    gaps: int = 0
    """How often there was a new look instead of the changes, so that what was short in between may be missing."""

    _looked: bool = False

    def take(self, news: Look | Change) -> None:
        """Add what a look or a change says."""
        if isinstance(news, Change):
            uid = self._add(news.object, news.at)
            if news.deleted:
                self.gone_at[uid] = news.at
            return
        self.gaps += self._looked
        self._looked = True
        there = {self._add(found, None) for found in news.objects}
        for uid in self.objects.keys() - there - self.gone_at.keys():
            self.gone_at[uid] = news.at

    def has_come_to(self, look: Look) -> bool:
        """Whether it knows all that the look shows, and that the others are gone."""
        shown = {found["metadata"]["uid"]: _version(found) for found in look.objects}
        known = {uid: _version(found) for uid, found in self.objects.items() if uid not in self.gone_at}
        return all(known.get(uid, 0) >= at or uid in self.gone_at for uid, at in shown.items()) and all(
            uid in shown or at > int(look.version) for uid, at in known.items()
        )

    def _add(self, found: Json, at: float | None) -> str:
        uid: str = found["metadata"]["uid"]
        self.objects[uid] = found
        if "deletionTimestamp" in found["metadata"]:
            self.deleting.setdefault(uid, found)
        told = {(uid, name, ident): at for name, ident, _part, _status in ended_containers(found)}
        if told.keys() - self.ended_seen_at:
            self.ended_seen_at = told | self.ended_seen_at
            self.endings.setdefault(uid, []).append(found)
        return uid


def _version(found: Json) -> int:
    return int(found["metadata"]["resourceVersion"])


def ended_containers(pod: Json) -> Iterator[tuple[str, str, str, Json]]:
    """Each ending in a pod's status: the container's name, what tells the ending from others, and where it stands."""
    status = pod.get("status") or {}
    for part in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(part) or ():
            for state in ("lastState", "state"):
                ended = (container.get(state) or {}).get("terminated")
                if ended:
                    ident = ended.get("containerID") or ended.get("finishedAt") or ""
                    yield container["name"], ident, part, {**container, "lastState": {}, "state": {"terminated": ended}}
