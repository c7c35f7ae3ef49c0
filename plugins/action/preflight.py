# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils import settings, surroundings

ROLES = Path(__file__).resolve().parents[2] / "roles"


class ActionModule(ActionBase):
    """Check what was asked for, before anything is changed."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(
            argument_spec={
                "reach": {"type": "bool", "default": False},
                "allow_no_lesson": {"type": "bool", "default": False},
            }
        )
        variables = task_vars or {}
        try:
            options = settings.documented(ROLES)
            names = variables.keys() - settings.made_by(ROLES)
            settings.check_names(names, options, [path.name for path in ROLES.iterdir()])
            values = settings.check_types(self._values(variables, options), options)
            settings.check_all_are_set(values)
            surroundings.check_environment(os.environ, lab=values["workshop_lab"])
            lessons = settings.lessons(
                values["workshop_lessons"], values["workshop_taught"], none=arguments["allow_no_lesson"]
            )
            settings.check_teaching(values["workshop_teach"], lessons)
            settings.check_namespaces(values["workshop_namespace_prefix"], lessons)
            settings.check_values(values, str(Path.home()))
            if arguments["reach"]:
                self._reach(values)
                if values["workshop_teach"]:
                    self._have_somebody_there(lessons[0])
        except Problem as problem:
            return {**result, "failed": True, "msg": str(problem)}
        return {**result, "changed": False, "lessons": lessons}

    def _values(self, variables: dict[str, Any], options: settings.Options) -> dict[str, Any]:
        """What the variables that are options are set to."""
        values = {}
        for name in sorted(options.keys() & variables.keys()):
            try:
                values[name] = self._templar.template(variables[name])
            except AnsibleError as error:
                raise Problem(f"The value of {name} can't be worked out: {error}") from error
        return values

    def _have_somebody_there(self, lesson: str) -> None:
        """Raise Problem where nobody can press a key, and else wait until somebody does."""
        try:
            self._display.prompt_until(
                f"\n{lesson} will stop before each of its claims, so that a class can guess. Press Enter to begin."
            )
        except AnsiblePromptNoninteractive as error:
            raise Problem(
                "workshop_teach waits for Enter before each claim, and there is no terminal: leave it out here."
            ) from error

    def _reach(self, values: dict[str, Any]) -> None:
        """Raise Problem where something is not there that a run relies on."""
        for variable in ("workshop_state_dir", "workshop_cache_dir"):
            surroundings.check_folder(variable, Path(values[variable]))
        if values["workshop_lab"]:
            workers = values.get("lab_cluster_workers")
            if workers:
                surroundings.check_inotify(1 + workers)
            # What the play sets for its tasks counts for what is asked here, too.
            plays: dict[str, str] = {}
            self._compute_environment_string(plays)
            surroundings.check_port_is_free(
                values["workshop_registry_port"], f"{values['workshop_lab_name']}-registry", {**os.environ, **plays}
            )
        else:
            surroundings.check_kubeconfig(values["workshop_kubeconfig"], values["workshop_context"])
            surroundings.check_cluster(values["workshop_kubeconfig"], values["workshop_context"])
            surroundings.check_registry_answers(values["workshop_registry"])
