# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""How the service is served, and what makes it slow to start."""

from __future__ import annotations

import os
import time
from typing import Any

bind = "0.0.0.0:5000"
workers = 1
worker_class = "gthread"
threads = 32
# On SIGTERM it ends at once, whatever is under way.
graceful_timeout = 0
accesslog = "-"
# Workers say that they live by touching a file, and the image's user has no other place to write to.
worker_tmp_dir = "/dev/shm"


def on_starting(server: Any) -> None:
    """Take the time that others take to fill a cache or to migrate a database. The port is not open yet."""
    seconds = float(os.environ.get("START_SECONDS", "0"))
    print(f"Starting up, which takes {seconds:g} seconds", flush=True)
    time.sleep(seconds)
    print("Started up successfully", flush=True)
