# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_server import ApiServer


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """A Kubernetes API server that answers as it is told to."""
    server = ApiServer()
    yield server
    server.close()
