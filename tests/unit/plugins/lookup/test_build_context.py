# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.workshop.production_patterns.plugins.lookup.build_context import LookupModule


def test_a_build_context_is_a_folder_of_the_collection() -> None:
    (folder,) = LookupModule().run(["registry"])
    assert (Path(folder) / "Dockerfile").is_file()


def test_one_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(AnsibleLookupError, match=r"no build context postgres: name one of .*registry"):
        LookupModule().run(["postgres"])
