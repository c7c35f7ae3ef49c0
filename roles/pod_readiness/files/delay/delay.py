# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A service that says which version it is, and of which pod."""

from __future__ import annotations

import os
import socket

from flask import Flask

VERSION = os.environ.get("VERSION", "0")

app = Flask(__name__)


@app.get("/")
def version() -> str:
    return f"version {VERSION} of {socket.gethostname()}\n"


@app.get("/ready")
def ready() -> str:
    """Answers as soon as the server does. A service that needs more to be of use has to look for it here."""
    return "ready\n"
