# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import typing as t
from datetime import UTC, datetime

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

_LONGEST = 80
"""Characters up to which an observed value is shown whole."""

_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    'shows': {'type': 'str', 'choices': ['antipattern', 'pattern'], 'required': True},
    'observed': {'type': 'dict', 'required': True},
    'that': {'type': 'raw', 'required': True},
}


def evidence(observed: dict[str, t.Any]) -> str:
    """Observed values on one line; long ones are abbreviated."""
    return ', '.join(f'{name}={_brief(value)}' for name, value in observed.items())


def _brief(value: t.Any) -> str:
    if isinstance(value, float):
        value = round(value, 3)
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, list):
        return f'[… {len(value)} values]'
    if isinstance(value, dict):
        return f'{{… {len(value)} values}}'
    return f'{text[: _LONGEST - 2]}…"'


def _lesson_of(task: t.Any) -> str | None:
    """The role nearest to the task that is not an internal one, such as `_lesson`.

    A role's object is shared by all that include it, so its parents don't tell who included it here; the task's do.
    """
    node = task
    while node is not None:
        if node._role is not None:
            name: str = node._role.get_name(include_role_fqcn=False).rsplit('.', 1)[-1]
            if not name.startswith('_'):
                return name
        node = node._parent
    return None


def _conditions(that: object) -> list[str] | None:
    """The conditions as a list, None when they are anything but one or more expressions."""
    conditions: list[t.Any] = that if isinstance(that, list) else [that]
    if conditions and all(isinstance(condition, str) and condition.strip() for condition in conditions):
        return conditions
    return None


class ActionModule(ActionBase):
    """State what must hold, with what was observed."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        observed = arguments['observed']
        claim = self._task.name
        lesson = _lesson_of(self._task)
        conditions = _conditions(arguments['that'])

        if not claim:
            return _failure(result, "A claim needs a sentence: give the task a name that says what must hold.")
        if self._task.loop is not None:
            # The name of a looped task is templated before there is an item.
            return _failure(
                result, f'"{claim}" is in a loop, so every claim would have the same sentence: loop over include_tasks.'
            )
        if lesson is None:
            return _failure(result, f'"{claim}" belongs to no lesson: make the claim in a task of the lesson\'s role.')
        if not observed:
            return _failure(result, f'"{claim}" has no evidence: observed must hold at least one value.')
        if conditions is None:
            return _failure(
                result, f'"{claim}" states nothing: that must be one or more conditions, as expressions without braces.'
            )

        message = None
        for condition in conditions:
            try:
                outcome = self._templar.evaluate_expression(
                    condition, local_variables={'observed': observed}, escape_backslashes=False
                )
            except AnsibleError as error:
                return _failure(result, f'"{claim}": the condition "{condition}" can\'t be evaluated: {_reason(error)}')
            if not isinstance(outcome, bool):
                return _failure(
                    result,
                    f'"{claim}": the condition "{condition}" must be true or false, but gives {_brief(outcome)}.',
                )
            if not outcome:
                message = f'"{claim}" does not hold: "{condition}" is false, observed {evidence(observed)}.'
                break

        result.update(
            changed=False,
            lesson=lesson,
            claim=claim,
            shows=arguments['shows'],
            holds=message is None,
            observed=observed,
            at=datetime.now(UTC).isoformat(timespec='milliseconds'),
        )
        return result if message is None else _failure(result, message)


def _failure(result: dict[str, t.Any], message: str) -> dict[str, t.Any]:
    return {**result, 'failed': True, 'msg': message}


def _reason(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of template errors, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return ' '.join(str(error).split())
