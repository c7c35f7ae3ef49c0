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
from ansible_collections.workshop.production_patterns.plugins.action.claim import ActionModule

SENTENCE = 'A process ignores SIGTERM'


def role(name: str) -> SimpleNamespace:
    return SimpleNamespace(get_name=lambda include_role_fqcn: name)


def node(role_name: str | None, parent: SimpleNamespace | None = None) -> SimpleNamespace:
    """A block, an include or a task, in a role or in none."""
    return SimpleNamespace(_role=role(role_name) if role_name else None, _parent=parent)


def decide(
    that: t.Any,
    *,
    observed: t.Any = None,
    shows: str = 'pattern',
    name: str = SENTENCE,
    inside: SimpleNamespace | None = None,
    loop: list[t.Any] | None = None,
    check_mode: bool = False,
    variables: dict[str, t.Any] | None = None,
    **arguments: t.Any,
) -> dict[str, t.Any]:
    place = inside or node('zombies_and_orphans')
    task = SimpleNamespace(
        name=name,
        args={
            'shows': shows,
            'that': trusted(that),
            'observed': {'a': 1} if observed is None else observed,
            **arguments,
        },
        loop=loop,
        async_val=0,
        check_mode=check_mode,
        action='workshop.production_patterns.claim',
        **vars(place),
    )
    loader = DataLoader()
    action = ActionModule(task, mock.MagicMock(), mock.MagicMock(), loader, Templar(loader, variables or {}))
    return action.run(task_vars=variables or {})


def trusted(that: t.Any) -> t.Any:
    """Conditions as they are when they come from a file of tasks."""
    if isinstance(that, list):
        return [trusted(condition) for condition in that]
    return trust_as_template(that) if isinstance(that, str) else that


def test_a_claim_that_holds() -> None:
    observed = {'caught_signals': [], 'stop_seconds': 5.31}
    result = decide(
        ["'SIGTERM' not in observed.caught_signals", 'observed.stop_seconds >= grace'],
        observed=observed,
        shows='antipattern',
        variables={'grace': 5},
    )
    at = datetime.fromisoformat(result.pop('at'))
    assert at.utcoffset() == timedelta(0)
    assert result == {
        'changed': False,
        'lesson': 'zombies_and_orphans',
        'claim': SENTENCE,
        'shows': 'antipattern',
        'holds': True,
        'observed': observed,
    }


def test_a_claim_that_does_not_hold_names_the_false_condition_and_the_evidence() -> None:
    result = decide(['observed.a == 1', 'observed.a > 7', 'observed.a > 8'], observed={'a': 1, 'signals': ['SIGHUP']})
    assert (result['failed'], result['holds'], result['observed']) == (True, False, {'a': 1, 'signals': ['SIGHUP']})
    assert result['msg'] == f'"{SENTENCE}" does not hold: "observed.a > 7" is false, observed a=1, signals=["SIGHUP"].'


def test_one_condition_needs_no_list() -> None:
    assert decide('observed.a == 1')['holds'] is True
    assert decide('observed.a == 2')['holds'] is False


def test_a_variable_named_observed_does_not_replace_the_evidence() -> None:
    assert decide('observed.a == 1', variables={'observed': {'a': 2}})['holds'] is True


def test_check_mode_decides_too() -> None:
    assert decide('observed.a == 2', check_mode=True)['holds'] is False


@pytest.mark.parametrize('condition', ['observed.a', "'yes'", "'true'", '1', 'none', '[]'])
def test_only_a_boolean_decides(condition: str) -> None:
    result = decide(condition)
    assert result['failed']
    assert 'must be true or false' in result['msg']
    assert 'holds' not in result


@pytest.mark.parametrize(
    ('condition', 'reason'),
    [
        ('observed.missing > 1', "no attribute 'missing'"),
        ('missing', "'missing' is undefined"),
        ("observed.a > 'x'", "not supported between instances of 'int' and 'str'"),
        ('observed.a >', 'unexpected'),
    ],
)
def test_a_condition_that_cannot_be_evaluated(condition: str, reason: str) -> None:
    result = decide(condition)
    assert result['failed']
    assert result['msg'].startswith(f'"{SENTENCE}": the condition "{condition}" can\'t be evaluated: ')
    assert reason in result['msg']
    assert '\n' not in result['msg']
    assert 'holds' not in result


def test_a_condition_from_outside_is_not_evaluated() -> None:
    with mock.patch(f'{__name__}.trusted', side_effect=lambda that: that):
        result = decide('1 == 1')
    assert result['failed']
    assert 'untrusted' in result['msg']


@pytest.mark.parametrize('that', ['', ' ', [], [''], True, [True], {'a': 1}, 1])
def test_that_must_state_something(that: t.Any) -> None:
    result = decide(that)
    assert result['failed']
    assert 'states nothing' in result['msg']


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'name': ''}, 'A claim needs a sentence'),
        ({'observed': {}}, 'has no evidence'),
        ({'loop': [1]}, 'is in a loop'),
        ({'inside': node(None)}, 'belongs to no lesson'),
        ({'inside': node('_lesson')}, 'belongs to no lesson'),
    ],
)
def test_bad_input(change: dict[str, t.Any], message: str) -> None:
    result = decide('true', **change)
    assert result['failed']
    assert message in result['msg']
    assert 'holds' not in result


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'shows': 'patern'}, 'value of shows must be one of: antipattern, pattern, got: patern'),
        ({'observed': 'nothing'}, "'observed' is of type str"),
        ({'message': 'x'}, 'Unsupported parameters .*: message'),
    ],
)
def test_bad_arguments(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        decide('true', **change)


@pytest.mark.parametrize(
    'inside',
    [
        node('pod_quotas'),
        node('workshop.production_patterns.pod_quotas'),
        node('_lesson', node('_lesson', node('pod_quotas'))),
        node('pod_quotas', node('_lesson')),
        node('pod_quotas', node('sidecar')),
        node(None, node('pod_quotas')),
    ],
)
def test_the_lesson_is_the_nearest_role_that_is_not_internal(inside: SimpleNamespace) -> None:
    assert decide('true', inside=inside)['lesson'] == 'pod_quotas'


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        (5.12345, 'value=5.123'),
        (137, 'value=137'),
        (True, 'value=true'),
        ('OOMKilled', 'value="OOMKilled"'),
        ('two\nlines', r'value="two\nlines"'),
        ([1, 2], 'value=[1, 2]'),
        (list(range(412)), 'value=[… 412 values]'),
        ({str(number): number for number in range(50)}, 'value={… 50 values}'),
        ('x' * 200, f'value="{"x" * 77}…"'),
    ],
)
def test_evidence(value: t.Any, shown: str) -> None:
    assert evidence({'value': value}) == shown


def test_evidence_of_several_values() -> None:
    assert evidence({'a': 1, 'b': None}) == 'a=1, b=null'
