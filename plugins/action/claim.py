# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t
from datetime import UTC, datetime

from ansible.errors import AnsibleError, AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.conditions import conditions, reason
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.evidence import brief, evidence
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.lessons import name_of, role_of
from jinja2 import Environment, TemplateSyntaxError, nodes

if t.TYPE_CHECKING:
    from ansible.playbook.role import Role

_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "shows": {"type": "str", "choices": ["antipattern", "pattern"], "required": True},
    "observed": {"type": "dict", "required": True},
    "that": {"type": "raw", "required": True},
    "collect_in": {"type": "str"},
    "ask_first": {"type": "bool", "default": False},
}


class FalseCondition(t.TypedDict):
    """A condition that is not true, and why, when it is not plainly false."""

    condition: str
    reason: str | None


class ActionModule(ActionBase):
    """State what must hold, with what was observed."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        claim, observed, collect_in = self._task.name, arguments["observed"], arguments["collect_in"]
        role = role_of(self._task)
        figures = _figures(role)
        that = conditions(arguments["that"])

        if not claim:
            return _failure(result, "A claim needs a sentence: give the task a name that says what must hold.")
        if self._task.loop is not None:
            # The name of a looped task is templated before there is an item.
            return _failure(
                result, f'"{claim}" is in a loop, so every claim would have the same sentence: loop over include_tasks.'
            )
        if not observed:
            return _failure(result, f'"{claim}" has no evidence: observed must hold at least one value.')
        if ambiguous := [name for name in observed if name == "observed" or _is_figure(name, figures)]:
            return _failure(
                result,
                f'"{claim}" observes {", ".join(ambiguous)}, which is the name of something else in a condition: '
                "give what was observed another name.",
            )
        if that is None:
            return _failure(
                result, f'"{claim}" states nothing: that must be one or more conditions, as expressions without braces.'
            )
        if collect_in and self._task.register:
            return _failure(
                result, f'"{claim}" is registered as {self._task.register}, while {collect_in} collects it: do one.'
            )

        if arguments["ask_first"]:
            try:
                self._display.prompt_until(f"\n{claim}\n\nDoes it hold? Press Enter to see what was measured.")
            except AnsiblePromptNoninteractive:
                return _failure(
                    result,
                    f'"{claim}" waits for Enter, and there is no terminal: do without ask_first (workshop_teach).',
                )
        false_conditions = [
            FalseCondition(condition=condition, reason=why or None)
            for condition in that
            if (why := self._why_not(condition, observed, figures)) is not None
        ]
        result.update(
            changed=False,
            lesson=None if role is None else name_of(role),
            claim=claim,
            shows=arguments["shows"],
            holds=not false_conditions,
            false_conditions=false_conditions,
            observed=observed,
            evidence=_evidence(that, observed),
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        if not false_conditions:
            if arguments["ask_first"] and not self._task.no_log:
                self._display.display(f"It holds: {evidence(result['evidence'])}\n")
            return result
        if collect_in:
            result["fallen"] = [*(task_vars or {}).get(collect_in, {}).get("fallen", []), claim]
            # As if the task had these keywords: whether they are wanted is known only now.
            self._task.ignore_errors = True
            self._task.register = collect_in
        if self._task.no_log:
            # Ansible shows the message of a failed task all the same.
            return _failure(result, f'"{claim}" does not hold; no_log hides why.')
        return _failure(
            result, f'"{claim}" does not hold: {_listing(false_conditions)}, observed {evidence(result["evidence"])}.'
        )

    def _why_not(self, condition: str, observed: dict[str, t.Any], figures: frozenset[str]) -> str | None:
        """Why a condition is not true: None when it is, nothing more to say ("") when it is plainly false."""
        try:
            known = {"observed", *observed}
            if strange := sorted(name for name in _names(condition) - known if not _is_figure(name, figures)):
                return f"{', '.join(strange)} is neither observed nor a figure of the lesson"
            outcome = self._templar.evaluate_expression(
                condition, local_variables={**observed, "observed": observed}, escape_backslashes=False
            )
        except (AnsibleError, TemplateSyntaxError) as error:
            return f"it can't be evaluated: {reason(error)}"
        if not isinstance(outcome, bool):
            return f"it must be true or false, but gives {brief(outcome)}"
        return None if outcome else ""


def _figures(role: Role | None) -> frozenset[str]:
    """The names of a role's own options and constants, which are its defaults and vars."""
    if role is None:
        return frozenset()
    return frozenset({*role.get_default_vars(), *role.get_vars(include_params=False)})


def _is_figure(name: str, figures: frozenset[str]) -> bool:
    return name in figures or name.startswith("workshop_")


def _names(condition: str) -> set[str]:
    """The variables that an expression reads."""
    return {node.name for node in Environment().parse(f"{{{{ {condition} }}}}").find_all(nodes.Name)}


def _evidence(that: list[str], observed: dict[str, t.Any]) -> dict[str, t.Any]:
    """What of the observed values the conditions read, by the words they read it with; all where that is nothing."""
    read: dict[str, t.Any] = {}
    for condition in that:
        try:
            expression = Environment().parse(f"{{{{ {condition} }}}}")
        except TemplateSyntaxError:
            continue
        for path in _paths(expression):
            steps = path[1:] if path[0] == "observed" else path
            if steps and steps[0] in observed:
                read.update([_resolved(steps, observed)])
    return read or observed


def _paths(node: nodes.Node) -> t.Iterator[list[str | int]]:
    """What an expression reads, each as the way from a variable to a part of it, as far as it is written out."""
    steps: list[str | int] = []
    inner = node
    while isinstance(inner, nodes.Getattr | nodes.Getitem):
        if isinstance(inner, nodes.Getattr):
            steps.insert(0, inner.attr)
        elif isinstance(inner.arg, nodes.Const):
            steps.insert(0, inner.arg.value)
        else:
            break
        inner = inner.node
    if isinstance(inner, nodes.Name):
        yield [inner.name, *steps]
        return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def _resolved(steps: list[str | int], observed: dict[str, t.Any]) -> tuple[str, t.Any]:
    """The value at the end of a way, or at its last part that is a value and not a method of one."""
    name, value = "", t.cast(t.Any, observed)
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name, value


def _listing(false_conditions: list[FalseCondition]) -> str:
    return ", ".join(
        f'"{false["condition"]}" is false' + (f", since {false['reason']}" if false["reason"] else "")
        for false in false_conditions
    )


def _failure(result: dict[str, t.Any], message: str) -> dict[str, t.Any]:
    return {**result, "failed": True, "msg": message}
