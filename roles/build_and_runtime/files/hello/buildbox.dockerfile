# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# The tools alone. The source comes in, and the program goes out, through a mounted folder.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN}
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
USER 65534:65534
