# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# Goes with the buildbox, which has put the program hello beside this file.
ARG DEBIAN=debian:trixie-slim

# The program is linked to the C library of the system it was compiled on, so it needs that system's here.
FROM ${DEBIAN}
COPY hello /hello
USER 65534:65534
ENTRYPOINT ["/hello"]
