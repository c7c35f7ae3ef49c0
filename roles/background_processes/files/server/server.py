# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""A web server that says hello, by its name, and that it is well."""

import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return f"hello from {os.environ.get('NAME', 'nobody')}\n"


@app.get("/healthz")
def healthz() -> tuple[str, int]:
    return "", 204
