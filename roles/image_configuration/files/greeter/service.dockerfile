# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN}
RUN apt-get update && apt-get install -y --no-install-recommends gunicorn python3-flask \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv
COPY greeter.py gunicorn.conf.py ./
USER 65534:65534
EXPOSE 5000
ENTRYPOINT ["gunicorn", "greeter:app"]
