# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# As the multi-stage one, but the program needs nothing, so nothing is there but the program.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY hello.c /build/hello.c
RUN gcc -static -s /build/hello.c -o /build/hello

FROM scratch
COPY --from=build /build/hello /hello
# There is no /etc/passwd to have names in.
USER 65534:65534
ENTRYPOINT ["/hello"]
