# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
ARG BUSYBOX=busybox

FROM ${BUSYBOX}
COPY version-2.txt /version.txt
USER 65534:65534
CMD ["sh", "-c", "trap 'exit 0' TERM; cat /version.txt; sleep 100000 & wait"]
