# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""How the service is served."""

bind = "0.0.0.0:5000"
workers = 1
accesslog = "-"
# Workers say that they live by touching a file, and the image's user has no other place to write to.
worker_tmp_dir = "/dev/shm"
