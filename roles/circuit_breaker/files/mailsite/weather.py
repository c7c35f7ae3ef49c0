# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""The weather, from a service that is healthy, crashing or slow, as it is told."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from flask import Flask

SLOW_SECONDS = float(os.environ.get("SLOW_SECONDS", "30"))


@dataclass
class Status:
    behaviour: str
    behaves_so_since: float
    started_at: float
    requests: int = 0
    health_checks: int = 0


app = Flask(__name__)
status = Status("healthy", time.time(), time.time())
lock = Lock()


def serve() -> str:
    """The weather, or the failure that it was told."""
    with lock:
        behaviour = status.behaviour
    if behaviour == "crashing":
        raise RuntimeError("I am out of service")
    if behaviour == "slow":
        time.sleep(SLOW_SECONDS)
        raise RuntimeError("System overloaded")
    return "Pleasanton, CA: 12 C, partly cloudy\n"


@app.get("/")
def weather() -> str:
    # Counted as it comes: who asked may be gone by the time it is answered.
    with lock:
        status.requests += 1
    return serve()


@app.get("/readyz")
def readyz() -> str:
    """Whether it can do its work, which takes doing it. Such checks are counted apart."""
    with lock:
        status.health_checks += 1
    return serve()


@app.put("/behaviour/<any(healthy, crashing, slow):behaviour>")
def behave(behaviour: str) -> dict[str, Any]:
    with lock:
        if behaviour != status.behaviour:
            status.behaviour, status.behaves_so_since = behaviour, time.time()
        return asdict(status)


@app.get("/status")
def count() -> dict[str, Any]:
    """How many asked for the weather, since it was started."""
    with lock:
        return asdict(status)


@app.get("/healthz")
def healthz() -> str:
    return "healthy\n"
