# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Cluster, in_namespace
from ansible_collections.workshop.production_patterns.plugins.module_utils.jobs import job_outcomes, pod_outcomes
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.watching import (
    Look,
    Seen,
    Source,
    look,
    observe,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.conditions import (
    LONG_SECONDS,
    answer,
    conditions,
    unmet,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.saying import say

_WHERE = {
    "namespace": {"type": "str", "required": True},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
}
_ARGUMENTS = {
    **AUTH_ARG_SPEC,
    "jobs": {"type": "dict", "options": _WHERE},
    "pods": {"type": "dict", "options": _WHERE},
    "for": {"type": "raw", "required": True},
    "seconds": {"type": "float", "required": True},
}


class ActionModule(ActionBase):
    """Watch Jobs or pods until conditions hold, and say whether they came to."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS, mutually_exclusive=[("jobs", "pods")])
        try:
            return {**result, **self._watch(arguments)}
        except Problem as problem:
            return {**result, **problem.seen, "failed": True, "msg": str(problem)}

    def _watch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        # A name may be given with null for its value, which no rule of the arguments meets.
        what = next((name for name in ("jobs", "pods") if arguments[name]), None)
        if what is None:
            raise Problem("Nothing is named to watch: give jobs or pods, with their namespace.")
        wanted, seconds = conditions(arguments["for"]), arguments["seconds"]
        if wanted is None:
            raise Problem("for must be one or more conditions, as expressions without braces.")
        if not 0 < seconds < float("inf"):
            raise Problem(f"seconds is {seconds}: give more than 0.")
        # A condition that is no expression never will be.
        self._unmet(wanted, what, {})
        if importlib.util.find_spec("kubernetes") is None:
            raise Problem(
                f"watch needs the Python package kubernetes on the controller: install it for {sys.executable}."
            )
        sources, cluster = _sources(what, arguments[what]), Cluster(arguments)
        seen = {name: Seen() for name in sources}
        begun = time.monotonic()
        outcomes: dict[str, Any] = {}
        missed: dict[str, str | None] = dict.fromkeys(wanted, "Nothing was seen.")
        pods_at_end: Look | None = None
        said = False

        def result() -> dict[str, Any]:
            return {
                "changed": False,
                what: outcomes,
                **answer(missed, time.monotonic() - begun),
                "seen_at": round(time.time(), 3),
                "gaps": sum(one.gaps for one in seen.values()),
            }

        try:
            for part in observe(cluster, sources, seconds):
                for source, news in part:
                    seen[source].take(news)
                outcomes = job_outcomes(**seen) if what == "jobs" else pod_outcomes(**seen)
                missed = self._unmet(wanted, what, outcomes)
                if not missed:
                    # The watch of the pods may be behind that of their Jobs, and miss their last endings.
                    if what == "jobs" and pods_at_end is None:
                        pods_at_end = look(cluster, sources["pods"], begun + seconds)
                    if pods_at_end is None or seen["pods"].has_come_to(pods_at_end):
                        break
                elif not said and seconds >= LONG_SECONDS:
                    say(f"Waiting {seconds:g} seconds at most for: {'; '.join(missed)}")
                    said = True
        except Problem as problem:
            raise Problem(str(problem), **result()) from problem
        return result()

    def _unmet(self, wanted: list[str], what: str, outcomes: dict[str, Any]) -> dict[str, str | None]:
        """The conditions that do not hold, each with the reason why it can't be evaluated, if it can't."""
        return unmet(self._templar, wanted, {**outcomes, what: outcomes})


def _sources(what: str, where: dict[str, Any]) -> dict[str, Source]:
    namespace, selector = where["namespace"], ",".join(where["label_selectors"] or ())
    pods = f"{in_namespace(namespace)}/pods"
    if what == "pods":
        return {"pods": Source(pods, selector)}
    jobs = f"{in_namespace(namespace, '/apis/batch/v1')}/jobs"
    return {"jobs": Source(jobs, selector), "pods": Source(pods, "job-name")}
