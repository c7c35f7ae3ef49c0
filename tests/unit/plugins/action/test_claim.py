# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta
from types import SimpleNamespace
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display
from ansible_collections.workshop.production_patterns.plugins.action.claim import ActionModule

SENTENCE = "A process ignores SIGTERM"


def role(name: str) -> SimpleNamespace:
    return SimpleNamespace(
        get_name=lambda: name,
        get_default_vars=lambda: {"zombies_and_orphans_grace_seconds": 5},
        get_vars=lambda include_params: {
            "zombies_and_orphans_orphans": 3,
            # What who includes the role hands over is no figure of its own.
            **({} if include_params is False else {"handed_over": 1}),
        },
    )


def node(role_name: str | None, parent: SimpleNamespace | None = None) -> SimpleNamespace:
    """A block, an include or a task, in a role or in none."""
    return SimpleNamespace(_role=role(role_name) if role_name else None, _parent=parent)


def decide(
    that: t.Any,
    *,
    observed: t.Any = None,
    shows: str = "pattern",
    name: str = SENTENCE,
    inside: SimpleNamespace | None = None,
    loop: list[t.Any] | None = None,
    check_mode: bool = False,
    variables: dict[str, t.Any] | None = None,
    register: str | None = None,
    no_log: bool = False,
    **arguments: t.Any,
) -> dict[str, t.Any]:
    place = inside or node("zombies_and_orphans")
    task = SimpleNamespace(
        name=name,
        args={
            "shows": shows,
            "that": trusted(that),
            "observed": {"a": 1} if observed is None else observed,
            **arguments,
        },
        loop=loop,
        register=register,
        no_log=no_log,
        ignore_errors=None,
        async_val=0,
        check_mode=check_mode,
        action="workshop.production_patterns.claim",
        **vars(place),
    )
    loader = DataLoader()
    action = ActionModule(task, mock.MagicMock(), mock.MagicMock(), loader, Templar(loader, variables or {}))
    return {**action.run(task_vars=variables or {}), "ignored": bool(task.ignore_errors), "registered": task.register}


def trusted(that: t.Any) -> t.Any:
    """Conditions as they are when they come from a file of tasks."""
    if isinstance(that, list):
        return [trusted(condition) for condition in that]
    return trust_as_template(that) if isinstance(that, str) else that


def test_a_claim_that_holds() -> None:
    observed = {"caught_signals": [], "stop_seconds": 5.31}
    result = decide(
        ["'SIGTERM' not in observed.caught_signals", "stop_seconds >= zombies_and_orphans_grace_seconds"],
        observed=observed,
        shows="antipattern",
        variables={"zombies_and_orphans_grace_seconds": 5},
    )
    at = datetime.fromisoformat(result.pop("at"))
    assert at.utcoffset() == timedelta(0)
    assert result == {
        "changed": False,
        "lesson": "zombies_and_orphans",
        "claim": SENTENCE,
        "shows": "antipattern",
        "holds": True,
        "false_conditions": [],
        "observed": observed,
        "evidence": observed,
        "ignored": False,
        "registered": None,
    }


def test_a_claim_that_does_not_hold_names_all_false_conditions_and_the_evidence() -> None:
    result = decide(["observed.a == 1", "observed.a > 7", "a > b", "a > 8"], observed={"a": 1, "signals": ["SIGHUP"]})
    assert (result["failed"], result["holds"], result["observed"]) == (True, False, {"a": 1, "signals": ["SIGHUP"]})
    assert result["false_conditions"] == [
        {"condition": "observed.a > 7", "reason": None},
        {"condition": "a > b", "reason": "b is neither observed nor a figure of the lesson"},
        {"condition": "a > 8", "reason": None},
    ]
    assert result["msg"] == (
        f'"{SENTENCE}" does not hold: "observed.a > 7" is false, "a > b" is false, since b is neither observed nor a '
        'figure of the lesson, "a > 8" is false, observed a=1.'
    )


@pytest.mark.parametrize(
    ("that", "evidence"),
    [
        ("job.ended is none", {"job.ended": None}),
        ("observed.job.ended is none and 9 <= job.waits[0] < 30", {"job.ended": None, "job.waits[0]": 10}),
        ("job.of_index.values() | min >= 3", {"job.of_index": {"0": 3}}),
        ("'a' in job['of_index'] or job.lost.at is undefined", {"job.of_index": {"0": 3}, "job": ...}),
        ("pods | map(attribute='name') | list == ['a']", {"pods": [{"name": "a"}]}),
        ("1 == 1", ...),
    ],
)
def test_the_evidence_is_what_the_conditions_read(that: str, evidence: t.Any) -> None:
    job = {"ended": None, "waits": [10, 20], "of_index": {"0": 3}, "uid": "x"}
    observed = {"job": job, "pods": [{"name": "a"}], "more": 1}
    expected = observed if evidence is ... else {k: job if v is ... else v for k, v in evidence.items()}
    assert decide(that, observed=observed)["evidence"] == expected


def test_a_claim_under_no_log_keeps_its_evidence_out_of_its_message() -> None:
    result = decide("a == 2", observed={"a": "secret"}, no_log=True)
    assert result["msg"] == f'"{SENTENCE}" does not hold; no_log hides why.'


def test_without_a_word_of_it_a_claim_that_does_not_hold_ends_the_play() -> None:
    result = decide("a == 2")
    assert (result["failed"], result["ignored"], result["registered"]) == (True, False, None)
    assert "fallen" not in result


def test_with_a_variable_to_collect_it_in_the_play_goes_on() -> None:
    result = decide("a == 2", collect_in="fell")
    assert (result["failed"], result["ignored"], result["registered"]) == (True, True, "fell")
    assert result["fallen"] == [SENTENCE]
    again = decide("a == 3", collect_in="fell", name="Another", variables={"fell": result})
    assert again["fallen"] == [SENTENCE, "Another"]


def test_a_claim_that_holds_is_not_collected() -> None:
    result = decide("a == 1", collect_in="fell")
    assert (result["holds"], result["ignored"], result["registered"]) == (True, False, None)


def test_what_is_no_claim_at_all_ends_the_play_though_claims_are_collected() -> None:
    result = decide([], collect_in="fell")
    assert (result["failed"], result["ignored"], result["registered"]) == (True, False, None)


def test_a_claim_is_registered_under_one_name() -> None:
    result = decide("a == 1", collect_in="fell", register="mine")
    assert result["failed"]
    assert result["msg"] == f'"{SENTENCE}" is registered as mine, while fell collects it: do one.'


@pytest.mark.parametrize(
    "condition",
    [
        "zombies_and_orphans_grace_seconds == 5",
        "zombies_and_orphans_orphans == 3",
        "workshop_context == 'kind'",
        "observed.a == zombies_and_orphans_orphans - 2",
    ],
)
def test_figures_of_the_role_and_of_the_workshop_may_be_read(condition: str) -> None:
    figures = {"zombies_and_orphans_grace_seconds": 5, "zombies_and_orphans_orphans": 3, "workshop_context": "kind"}
    assert decide(condition, variables=figures)["holds"] is True


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ("elsewhere == 5", "elsewhere"),
        ("zombies_and_orphans_seen == 5", "zombies_and_orphans_seen"),
        ("observed.a == 1 or elsewhere", "elsewhere"),
        ('[1] | map("string") | list and elsewhere', "elsewhere"),
        ("vars['elsewhere'] == 5", "vars"),
        ("lookup('ansible.builtin.vars', 'elsewhere') == 5", "lookup"),
        ("now().year > 2000", "now"),
    ],
)
def test_nothing_else_may_be_read(condition: str, name: str) -> None:
    result = decide(condition, variables={"elsewhere": 5, "zombies_and_orphans_seen": 5})
    assert result["holds"] is False
    assert f"since {name} is neither observed nor a figure of the lesson" in result["msg"]


@pytest.mark.parametrize("name", ["observed", "zombies_and_orphans_grace_seconds", "workshop_lab"])
def test_a_name_that_could_mean_either_is_refused(name: str) -> None:
    result = decide("true", observed={name: 1, "a": 1})
    assert result["failed"]
    assert result["msg"].startswith(f'"{SENTENCE}" observes {name}, which is the name of something else')
    assert "holds" not in result


def test_a_play_variable_does_not_replace_what_was_observed() -> None:
    assert decide("a == 1", variables={"a": 2})["holds"] is True


def test_outside_of_a_role_there_is_no_lesson() -> None:
    result = decide("a == 1", inside=node(None))
    assert (result["holds"], result["lesson"]) == (True, None)
    assert decide("a == 1", inside=node("_lesson"))["lesson"] is None


def test_one_condition_needs_no_list() -> None:
    assert decide("observed.a == 1")["holds"] is True
    assert decide("observed.a == 2")["holds"] is False


def test_a_variable_named_observed_does_not_replace_the_evidence() -> None:
    assert decide("observed.a == 1", variables={"observed": {"a": 2}})["holds"] is True


def test_check_mode_decides_too() -> None:
    assert decide("observed.a == 2", check_mode=True)["holds"] is False


@pytest.mark.parametrize("condition", ["observed.a", "'yes'", "'true'", "1", "none", "[]"])
def test_only_a_boolean_decides(condition: str) -> None:
    result = decide(condition)
    assert result["holds"] is False
    assert "must be true or false" in result["msg"]


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("observed.missing > 1", "no attribute 'missing'"),
        ("observed.a > 'x'", "not supported between instances of 'int' and 'str'"),
        ("observed.a >", "unexpected"),
        ("observed.none[0] > 1", "evaluated: the list has no element 0"),
    ],
)
def test_a_condition_that_cannot_be_evaluated(condition: str, reason: str) -> None:
    result = decide([condition, "observed.a == 2"], observed={"a": 1, "none": []})
    assert result["holds"] is False
    assert result["msg"].startswith(
        f'"{SENTENCE}" does not hold: "{condition}" is false, since it can\'t be evaluated: '
    )
    assert reason in result["msg"]
    assert "\n" not in result["msg"]
    assert '"observed.a == 2" is false' in result["msg"]


def test_a_condition_from_outside_is_not_evaluated() -> None:
    with mock.patch(f"{__name__}.trusted", side_effect=lambda that: that):
        result = decide("1 == 1")
    assert result["failed"]
    assert "untrusted" in result["msg"]


@pytest.mark.parametrize("that", ["", " ", [], [""], True, [True], {"a": 1}, 1])
def test_that_must_state_something(that: t.Any) -> None:
    result = decide(that)
    assert result["failed"]
    assert "states nothing" in result["msg"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "A claim needs a sentence"),
        ({"observed": {}}, "has no evidence"),
        ({"loop": [1]}, "is in a loop"),
    ],
)
def test_bad_input(change: dict[str, t.Any], message: str) -> None:
    result = decide("true", **change)
    assert result["failed"]
    assert message in result["msg"]
    assert "holds" not in result


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shows": "patern"}, "value of shows must be one of: antipattern, pattern, got: patern"),
        ({"observed": "nothing"}, "'observed' is of type str"),
        ({"message": "x"}, "Unsupported parameters .*: message"),
    ],
)
def test_bad_arguments(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        decide("true", **change)


@pytest.mark.parametrize(
    "inside",
    [
        node("pod_quotas"),
        node("workshop.production_patterns.pod_quotas"),
        node("_lesson", node("_lesson", node("pod_quotas"))),
        node("pod_quotas", node("_lesson")),
        node("pod_quotas", node("sidecar")),
        node(None, node("pod_quotas")),
    ],
)
def test_the_lesson_is_the_nearest_role_that_is_not_internal(inside: SimpleNamespace) -> None:
    assert decide("true", inside=inside)["lesson"] == "pod_quotas"


def test_what_is_handed_over_to_a_role_may_not_be_read():
    assert "handed_over is neither observed nor a figure" in decide("observed.a == handed_over")["msg"]


def test_a_text_in_a_condition_is_read_as_it_is_written():
    assert decide(r"text == 'a\tb'", observed={"text": "a\tb"})["holds"] is True


def test_what_is_neither_true_nor_false_is_told():
    assert "it must be true or false, but gives 1" in decide("a")["msg"]


@pytest.mark.parametrize(
    ("that", "evidence"),
    [
        (["a ==", "b == 2"], {"b": 2}),
        (["pods['x']['ready'] == 1"], {"pods.x.ready": 1}),
        (["pods[which].ready == 1"], {"pods": {"x": {"ready": 1}}, "which": "x"}),
    ],
    ids=["beside one that is no expression", "in brackets", "by a name"],
)
def test_the_evidence_of_a_condition_is_what_it_reads(that, evidence):
    observed = {"a": 1, "b": 2, "pods": {"x": {"ready": 1}}, "which": "x"}
    assert decide(that, observed=observed)["evidence"] == evidence


@pytest.mark.parametrize(
    ("ask_first", "no_log", "asked", "shown"),
    [
        (True, False, 1, ["It holds: a=1\n"]),
        (True, True, 1, []),
        (False, False, 0, []),
    ],
)
def test_in_a_class_the_claim_is_told_first_and_then_what_was_measured(monkeypatch, ask_first, no_log, asked, shown):
    display, prompt = mock.Mock(), mock.Mock()
    monkeypatch.setattr(Display, "display", lambda _self, text, *_more, **_how: display(text))
    monkeypatch.setattr(Display, "prompt_until", lambda _self, text: prompt(text))
    assert decide("a == 1", ask_first=ask_first, no_log=no_log)["holds"] is True
    assert [call.args[0] for call in display.call_args_list] == shown
    assert prompt.call_count == asked
    assert not asked or prompt.call_args.args[0].startswith(f"\n{SENTENCE}\n\nDoes it hold? ")
