#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# Does nothing, and ends when it is told to: 1 for SIGUSR1, which stands for a crash, and 0 for SIGTERM.
trap 'exit 1' USR1
trap 'exit 0' TERM
while :; do
    sleep 3600 &
    wait
done
