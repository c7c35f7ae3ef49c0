# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""Search all layers of an image, and its description, for a text: docker image save IMAGE | search_image.py

The text is in the environment variable SEARCHED_TEXT, where fewer can see it than among the arguments. Prints the
digests of what was searched and of what has the text, as they are before compression.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import tarfile

GZIP = b"\x1f\x8b"


def main() -> None:
    text = os.environ["SEARCHED_TEXT"].encode()
    searched, found = [], []
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as image:
        for member in image:
            file = image.extractfile(member)
            if file is None:
                continue
            content = file.read()
            # Some engines save layers as they are, some compress them.
            if content.startswith(GZIP):
                content = gzip.decompress(content)
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            searched.append(digest)
            if text in content:
                found.append(digest)
    print(json.dumps({"searched": searched, "found": found}))


if __name__ == "__main__":
    main()
