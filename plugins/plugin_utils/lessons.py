# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""The play of the lessons, the lesson that a task belongs to, and the claims that its files hold."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.playbook.block import Block
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.task_include import TaskInclude
from ansible.template import Templar

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible.parsing.dataloader import DataLoader
    from ansible.playbook.play import Play
    from ansible.playbook.role import Role
    from ansible.playbook.task import Task
    from ansible.vars.manager import VariableManager

CLAIM = "workshop.production_patterns.claim"
"""The action that states a claim."""
GROUP = "lessons"
"""The group of the inventory whose hosts are the lessons of a run."""
_DEFAULT_DIR = "workshop-report"


def is_of_lessons(play: Play) -> bool:
    """Whether the hosts of a play are the lessons."""
    # A play that was not reached still has its hosts as they were written.
    return GROUP in (play.hosts if isinstance(play.hosts, list) else [play.hosts])


def variables_of(play: Play) -> dict[str, t.Any]:
    """The variables of the play as its first lesson sees them, or as this machine does while there is none."""
    manager = play.get_variable_manager()
    variables: dict[str, t.Any] = manager.get_vars(play=play)
    host = manager._inventory.get_host(next(iter(variables["groups"].get(GROUP, [])), "localhost"))
    return variables if host is None else t.cast("dict[str, t.Any]", manager.get_vars(play=play, host=host))


def report_folder(play: Play, variables: dict[str, t.Any]) -> Path:
    """The folder of the report, as the variables of a play name it.

    Raises AnsibleError where they can't be worked out.
    """
    return Path(Templar(play.get_loader(), variables).template(variables.get("workshop_report_dir") or _DEFAULT_DIR))


def role_of(task: Task) -> Role | None:
    """The role nearest to the task that is not an internal one, such as `_lesson`.

    A role's object is shared by all that include it, so its parents don't tell who included it here; the task's do.
    """
    node: t.Any = task
    while node is not None:
        if node._role is not None and not name_of(node._role).startswith("_"):
            return node._role
        node = node._parent
    return None


def name_of(role: Role) -> str:
    """The name of a role without its collection."""
    name: str = role.get_name().rpartition(".")[2]
    return name


def claims_in(role: Role, loader: DataLoader, variables: VariableManager) -> list[Task]:
    """The claims of a role's `verify` and of the files that it includes by their names, in the order written."""
    folder = Path(role._role_path) / "tasks"
    files = (folder / f"verify{suffix}" for suffix in (".yml", ".yaml"))
    found = next((path for path in files if path.is_file()), None)
    return [] if found is None else list(_claims(found, role, loader, variables, frozenset()))


def _claims(
    path: Path, role: Role, loader: DataLoader, variables: VariableManager, outer: frozenset[Path]
) -> Iterator[Task]:
    written = loader.load_from_file(str(path), trusted_as_template=True)
    try:
        blocks = load_list_of_blocks(written, play=role._play, role=role, variable_manager=variables, loader=loader)
    except AnsibleError:
        # A file that Ansible can't read fails the lesson when it gets there, with Ansible's own sentence.
        return
    for task in _tasks(blocks):
        if task.resolved_action == CLAIM:
            yield task
        elif isinstance(task, TaskInclude):
            included = path.parent / str(task.args.get("_raw_params"))
            if included.is_file() and included not in outer:
                yield from _claims(included, role, loader, variables, outer | {path})


def _tasks(items: list[t.Any]) -> Iterator[Task]:
    for item in items:
        if isinstance(item, Block):
            yield from _tasks([*item.block, *item.rescue, *item.always])
        else:
            yield item
