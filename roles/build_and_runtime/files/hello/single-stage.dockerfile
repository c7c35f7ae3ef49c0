# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# The anti-pattern: what the program is built with goes along with it.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN}
RUN apt-get update
RUN apt-get install -y gcc libc6-dev
COPY hello.c /build/hello.c
RUN gcc /build/hello.c -o /hello
USER 65534:65534
ENTRYPOINT ["/hello"]
