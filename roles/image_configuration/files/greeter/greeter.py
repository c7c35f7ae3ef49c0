# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A service that greets as its configuration says, which it reads anew for each request."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

from flask import Flask

CONFIG = Path("/etc/greeter/config.toml")

app = Flask(__name__)


def source() -> str:
    """Say whether the configuration is part of the image or was mounted, be it as a folder or as a file."""
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    return "image" if mounts.isdisjoint({str(CONFIG), str(CONFIG.parent)}) else "volume"


@app.get("/")
def greet() -> dict[str, str | float]:
    config = tomllib.loads(CONFIG.read_text())
    written_at = CONFIG.stat().st_mtime
    return {"greeting": config["greeting"], "source": source(), "written_at": written_at, "asked_at": time.time()}


@app.get("/health")
def health() -> str:
    return "healthy\n"
