# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""Stands in front of the weather with a circuit breaker, and asks it over the loopback of their pod."""

from __future__ import annotations

import os
import time
from http.client import HTTPException
from typing import Any
from urllib.request import urlopen

from breaker import Breaker, TrippedError
from flask import Flask

BACKEND = "http://127.0.0.1:5000"
TIMEOUT_SECONDS = float(os.environ.get("TIMEOUT_SECONDS", "1"))

app = Flask(__name__)
breaker = Breaker(
    failures=int(os.environ.get("FAILURES", "1")),
    open_seconds=float(os.environ.get("OPEN_SECONDS", "30")),
    epoch=time.time() - time.monotonic(),
)


def ask() -> str:
    # A status of 4xx or 5xx is an exception too, and so a failure.
    with urlopen(BACKEND, timeout=TIMEOUT_SECONDS) as answer:
        text: str = answer.read().decode()
    return text


@app.get("/")
def weather() -> str:
    try:
        return breaker.call(ask)
    except TrippedError:
        return "weather unavailable (tripped)\n"
    except (OSError, HTTPException) as error:
        app.logger.warning("weather unavailable: %s", error)
        return "weather unavailable\n"


@app.get("/state")
def state() -> dict[str, Any]:
    return breaker.snapshot()


@app.get("/healthz")
def healthz() -> str:
    """Whether the breaker works, which it does when it is open."""
    return "healthy\n"
