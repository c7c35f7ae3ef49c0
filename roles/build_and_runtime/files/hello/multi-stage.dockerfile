# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# The buildbox and its runtime image in one file.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY hello.c /build/hello.c
RUN gcc /build/hello.c -o /build/hello

FROM ${DEBIAN}
COPY --from=build /build/hello /hello
USER nobody
ENTRYPOINT ["/hello"]
