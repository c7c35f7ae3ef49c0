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
# By number: of a name Kubernetes can't tell that it isn't root's, and refuses it where a pod says runAsNonRoot.
USER 65534:65534
ENTRYPOINT ["/hello"]
