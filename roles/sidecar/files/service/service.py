# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A service with a quick path and a slow one, which knows nothing of limits."""

from __future__ import annotations

import os
import threading
import time

from flask import Flask

SLOW_SECONDS = float(os.environ.get("SLOW_SECONDS", "1"))
LAST_SECONDS = float(os.environ.get("LAST_SECONDS", "1"))

# See gunicorn.conf.py.
told_to_end = threading.Event()

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return "Hello World\n"


@app.get("/slow")
def slow() -> str:
    """Take the time that others take for a report or an upload."""
    time.sleep(SLOW_SECONDS)
    return "Hello at last\n"


@app.get("/last")
def last() -> str:
    """Be under way when the service is told to end, whenever that is, and for some seconds after."""
    # The access log has a request only when it is over.
    print("begun /last", flush=True)
    told_to_end.wait()
    time.sleep(LAST_SECONDS)
    return "Goodbye\n"


@app.get("/healthz")
def healthz() -> str:
    return "ok\n"
