# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.waiting import WaitingAction


class ActionModule(WaitingAction):
    """Look at the processes of a container of a pod, until conditions hold."""
