# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an action says while it works."""

from __future__ import annotations

from ansible.utils.display import Display

_on_screen = True


def keep_off_the_screen(quiet: bool) -> None:
    """Have what actions say in the log only, or on the screen again. It is for the tasks that begin after that."""
    # Each task runs in a fork of this process.
    global _on_screen
    _on_screen = not quiet


def say(text: str) -> None:
    """Say a line for those who watch."""
    Display().display(text, log_only=not _on_screen)
