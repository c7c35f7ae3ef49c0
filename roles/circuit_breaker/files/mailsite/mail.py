# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""The mail, which is what the users come for."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/")
def mail() -> list[dict[str, str]]:
    return [
        {"from": "bob@example.com", "subject": "lunch at noon tomorrow"},
        {"from": "alice@example.com", "subject": "compiler docs"},
    ]


@app.get("/healthz")
def healthz() -> str:
    return "healthy\n"
