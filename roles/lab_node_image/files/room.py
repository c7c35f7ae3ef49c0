# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Print the free space below folders and the available memory, in bytes, as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path


def free_bytes(folder: Path) -> int | None:
    """The free space where folder is or will be; None where it is no folder of this machine, but of an engine's own."""
    while not folder.exists():
        if folder == folder.parent.parent:
            return None
        folder = folder.parent
    return shutil.disk_usage(folder).free


def memory_bytes() -> int | None:
    """The memory that is available without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


if __name__ == "__main__":
    free = {folder: free_bytes(Path(folder)) for folder in sys.argv[1:]}
    print(
        json.dumps(
            {
                "free_bytes": {folder: value for folder, value in free.items() if value is not None},
                "memory_bytes": memory_bytes(),
            }
        )
    )
