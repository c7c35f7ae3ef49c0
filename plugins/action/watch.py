# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any
from urllib.parse import quote

from ansible.errors import AnsibleError, AnsibleTemplateSyntaxError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.workshop.production_patterns.plugins.module_utils.cluster import Cluster
from ansible_collections.workshop.production_patterns.plugins.module_utils.jobs import job_outcomes, pod_outcomes
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.module_utils.watching import (
    Look,
    Seen,
    Source,
    look,
    observe,
)

LONG_SECONDS = 10
"""A wait that may take so long says what it waits for."""

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
        conditions, seconds = _conditions(arguments["for"]), arguments["seconds"]
        if not 0 < seconds < float("inf"):
            raise Problem(f"seconds is {seconds}: give more than 0.")
        # A condition that is no expression never will be.
        self._unmet(conditions, what, {})
        if importlib.util.find_spec("kubernetes") is None:
            raise Problem(
                f"watch needs the Python package kubernetes on the controller: install it for {sys.executable}."
            )
        sources, cluster = _sources(what, arguments[what]), Cluster(arguments)
        seen = {name: Seen() for name in sources}
        begun = time.monotonic()
        outcomes: dict[str, Any] = {}
        unmet: dict[str, str | None] = dict.fromkeys(conditions, "Nothing was seen.")
        pods_at_end: Look | None = None
        said = False

        def result() -> dict[str, Any]:
            return {
                "changed": False,
                what: outcomes,
                "met": not unmet,
                "unmet": list(unmet),
                "why": {condition: why for condition, why in unmet.items() if why},
                "seconds": round(time.monotonic() - begun, 3),
                "seen_at": round(time.time(), 3),
                "gaps": sum(one.gaps for one in seen.values()),
            }

        try:
            for part in observe(cluster, sources, seconds):
                for source, news in part:
                    seen[source].take(news)
                outcomes = job_outcomes(**seen) if what == "jobs" else pod_outcomes(**seen)
                unmet = self._unmet(conditions, what, outcomes)
                if not unmet:
                    # The watch of the pods may be behind that of their Jobs, and miss their last endings.
                    if what == "jobs" and pods_at_end is None:
                        pods_at_end = look(cluster, sources["pods"], begun + seconds)
                    if pods_at_end is None or seen["pods"].has_come_to(pods_at_end):
                        break
                elif not said and seconds >= LONG_SECONDS:
                    Display().display(f"Waiting {seconds:g} seconds at most for: {'; '.join(unmet)}")
                    said = True
        except Problem as problem:
            raise Problem(str(problem), **result()) from problem
        return result()

    def _unmet(self, conditions: list[str], what: str, outcomes: dict[str, Any]) -> dict[str, str | None]:
        """The conditions that do not hold, each with the reason why it can't be evaluated, if it can't."""
        names = {**outcomes, what: outcomes}
        unmet: dict[str, str | None] = {}
        for condition in conditions:
            try:
                if not self._templar.evaluate_expression(condition, local_variables=names, escape_backslashes=False):
                    unmet[condition] = None
            except AnsibleTemplateSyntaxError as error:
                raise Problem(f'The condition "{condition}" is no expression: {_reason(error)}') from error
            except AnsibleError as error:
                unmet[condition] = _reason(error)
        return unmet


def _conditions(given: object) -> list[str]:
    conditions: list[Any] = given if isinstance(given, list) else [given]
    if conditions and all(isinstance(condition, str) and condition.strip() for condition in conditions):
        return conditions
    raise Problem("for must be one or more conditions, as expressions without braces.")


def _sources(what: str, where: dict[str, Any]) -> dict[str, Source]:
    namespace, selector = where["namespace"], ",".join(where["label_selectors"] or ())
    if not namespace or "/" in namespace:
        raise Problem(f"There can be no namespace {namespace!r}: correct the name.")
    pods = f"/api/v1/namespaces/{quote(namespace)}/pods"
    if what == "pods":
        return {"pods": Source(pods, selector)}
    jobs = f"/apis/batch/v1/namespaces/{quote(namespace)}/jobs"
    return {"jobs": Source(jobs, selector), "pods": Source(pods, "job-name")}


def _reason(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of template errors, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
