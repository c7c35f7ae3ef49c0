# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""How the service is served. Where it listens, the manifest says."""

from __future__ import annotations

workers = 1
worker_class = "gthread"
threads = 32
accesslog = "-"
# Workers say that they live by touching a file, and the image's user has no other place to write to.
worker_tmp_dir = "/dev/shm"
# On SIGTERM it takes no more requests, and gives those under way so many seconds.
graceful_timeout = 30
