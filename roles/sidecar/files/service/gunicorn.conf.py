# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""How the service is served. Where it listens, the manifest says."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

workers = 1
worker_class = "gthread"
threads = 32
accesslog = "-"
# Workers say that they live by touching a file, and the image's user has no other place to write to.
worker_tmp_dir = "/dev/shm"
# On SIGTERM it takes no more requests, and gives those under way so many seconds.
graceful_timeout = 30


def post_worker_init(_worker: Any) -> None:
    """Let requests know of SIGTERM, and then do what gunicorn does about it."""
    from service import told_to_end

    end: Any = signal.getsignal(signal.SIGTERM)

    def tell(number: int, frame: FrameType | None) -> None:
        told_to_end.set()
        end(number, frame)

    signal.signal(signal.SIGTERM, tell)
