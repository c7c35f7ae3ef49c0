# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import pages, reading


class ActionModule(ActionBase):
    """Write the pages of a report."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(
            argument_spec={
                "claims": {"type": "path", "required": True},
                "folder": {"type": "path"},
                "earlier": {"type": "path"},
            }
        )
        claims = Path(arguments["claims"])
        folder = Path(arguments["folder"]) if arguments["folder"] else claims.parent
        try:
            run = reading.read(claims)
            earlier = reading.read(Path(arguments["earlier"])) if arguments["earlier"] else None
            written = pages.write(folder, run, earlier, dry=bool(self._task.check_mode))
        except Problem as problem:
            return {**result, "failed": True, "msg": str(problem)}
        except OSError as error:
            return {**result, "failed": True, "msg": f"The pages can't be written: {error}. Name another folder."}
        result.update(
            changed=bool(written.changed), index=str(written.first), files=written.changed, missing=written.missing
        )
        if written.summary is not None:
            result["changes"] = written.summary
        return result
