# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""How each of the services is served."""

from __future__ import annotations

bind = "0.0.0.0:5000"
# One process, since the breaker's state and the weather's count are in its memory.
workers = 1
worker_class = "gthread"
# A page that waits for a slow backend holds a thread for as long, and the probes need one too.
threads = 128
# On SIGTERM don't wait for slow requests.
graceful_timeout = 1
accesslog = "-"
# Workers say that they live by touching a file, and the image's user has no other place to write to.
worker_tmp_dir = "/dev/shm"
