# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""The page: the weather, and the mail. It waits for the weather as long as that takes."""

from __future__ import annotations

import json
import os
from http.client import HTTPException
from urllib.request import urlopen

from flask import Flask, Response

WEATHER = os.environ.get("WEATHER_URL", "http://weather")
MAIL = os.environ.get("MAIL_URL", "http://mail")

app = Flask(__name__)


def fetch(url: str) -> str:
    with urlopen(url) as answer:
        text: str = answer.read().decode()
    return text


@app.get("/")
def page() -> Response:
    try:
        weather = fetch(WEATHER).strip()
    except (OSError, HTTPException) as error:
        app.logger.warning("weather unavailable: %s", error)
        weather = "weather unavailable"
    letters = "\n".join(f"{letter['from']}: {letter['subject']}" for letter in json.loads(fetch(MAIL)))
    return Response(f"Weather\n{weather}\n\nMail\n{letters}\n", mimetype="text/plain")


@app.get("/healthz")
def healthz() -> str:
    return "healthy\n"
