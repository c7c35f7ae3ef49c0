# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A service that says which pod answers. Each answer takes a moment, so that some are always under way."""

from __future__ import annotations

import os
import socket
import time

from flask import Flask

ANSWER_SECONDS = float(os.environ.get("ANSWER_SECONDS", "0"))

app = Flask(__name__)


@app.get("/")
def pod() -> str:
    time.sleep(ANSWER_SECONDS)
    return f"{socket.gethostname()}\n"


@app.get("/ready")
def ready() -> str:
    """Answers as soon as the server does. A service that needs more to be of use has to look for it here."""
    return "ready\n"
