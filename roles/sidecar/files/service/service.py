# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A service with a quick path and a slow one, which knows nothing of limits."""

from __future__ import annotations

import os
import time

from flask import Flask, request

SLOW_SECONDS = float(os.environ.get("SLOW_SECONDS", "1"))

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return "Hello World\n"


@app.get("/slow")
def slow() -> str:
    """Take the time that others take for a report or an upload."""
    # The access log has a request only when it is over.
    print(f"begun {request.full_path}", flush=True)
    time.sleep(SLOW_SECONDS)
    return "Hello at last\n"


@app.get("/healthz")
def healthz() -> str:
    return "ok\n"
