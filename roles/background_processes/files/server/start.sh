#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# The anti-pattern: the server goes to the background, and something else is what the container lives by.
gunicorn --bind "0.0.0.0:$PORT" "$MODULE" &

sleep 100000
