# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Each program stands in the cache with its checksum, and nowhere on PATH."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = Path.home() / ".cache/workshop.production_patterns"


def test_kind_has_the_version_that_is_pinned(host):
    (pinned,) = re.findall(r"sigs\.k8s\.io/kind (v\S+)", (ROOT / "files/programs/go.mod").read_text())
    newest = max(CACHE.glob("programs-*/kind"), key=lambda path: path.stat().st_mtime)
    assert pinned in host.check_output("%s version", str(newest))
    assert host.file(str(newest)).sha256sum == newest.with_name("kind.sha256").read_text()
