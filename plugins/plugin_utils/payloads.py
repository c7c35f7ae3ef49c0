# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Ansible makes of modules, kept from one run to the next.

Ansible makes a payload of each module that a run uses: an archive of it and of all that it imports, which it reads all
sources to find out. That takes up to a third of a second for each, and was a third of what a short run takes.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import importlib.util
import io
import os
import shutil
import zipfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ansible import constants as C
from ansible.executor import module_common
from ansible.plugins.loader import module_utils_loader
from ansible.release import __version__


def keep_payloads(folder: Path, *, collections: Collection[str]) -> None:
    """Let this run begin with the payloads that earlier ones made, and leave those that it makes to the next.

    Kept is only what is made of ansible-core and these collections, and as long as none of their sources changes.
    A folder that can't be used spares nothing, and breaks nothing.

    :param folder: Where they are kept. It is the user's alone.
    :param collections: Full names of collections. One that is not installed is passed over.
    """
    made = Path(C.DEFAULT_LOCAL_TMP, "ansiballz_cache")
    kept = folder / _told((name, path.read_bytes()) for name, path in sources(collections))
    run = os.getpid()

    def leave() -> None:
        # A fork of this process may come here too.
        if os.getpid() == run:
            with suppress(OSError):
                _leave(made, kept, collections)

    with suppress(OSError):
        made.mkdir(mode=0o700)
        for path in kept.glob("*/*"):
            payload = path.read_bytes()
            # One that was cut short is made again.
            if path.parent.name == _told([(path.name, payload)]):
                (made / path.name).write_bytes(payload)
    # Ansible removes its own at the end, and what is registered later comes first.
    atexit.register(leave)


def sources(collections: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """The files that payloads are made of: modules, what they may import, and where collections redirect to others.

    Each comes with a name that says whose it is, and not where that is installed.
    """
    core = Path(module_common.__file__).parent.parent
    roots = [
        ("modules", core / "modules"),
        *(("module_utils", Path(path)) for path in module_utils_loader._get_paths()),
    ]
    for collection in collections:
        # Not before Ansible has looked for collections.
        with suppress(ModuleNotFoundError):
            found = importlib.util.find_spec(f"ansible_collections.{collection}")
            for place in found.submodule_search_locations or [] if found else []:
                roots += [
                    (collection, Path(place, part)) for part in ("plugins/modules", "plugins/module_utils", "meta")
                ]
    for name, root in roots:
        for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".yml")):
            yield f"{name}/{path.relative_to(root)}", path


def _told(files: Iterable[tuple[str, bytes]]) -> str:
    """What tells these files, with their names, from others, and this ansible-core, in short."""
    told = hashlib.sha256(__version__.encode())
    for name, inside in files:
        told.update(f"\0{name}\0{len(inside)}\0".encode() + inside)
    return told.hexdigest()[:16]


def _leave(made: Path, kept: Path, collections: Collection[str]) -> None:
    """Keep the payloads that were made, each in a folder that tells its content, and none of other sources."""
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in kept.parent.iterdir():
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
    # Those of a debugger or of the measuring of coverage end otherwise.
    for path in made.glob("*-none"):
        place = kept / _told([(path.name, path.read_bytes())])
        if not place.exists() and _made_of(path, collections):
            place.mkdir()
            shutil.copy(path, place)


def _made_of(payload: Path, collections: Collection[str]) -> bool:
    """Whether a payload has nothing but what is in ansible-core and these collections."""
    collected = tuple(f"ansible_collections.{collection}." for collection in collections)
    if not payload.name.startswith(("ansible.modules.", *collected)):
        return False
    known = module_common._CachedModule.load(str(payload))
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(known.zip_data))) as archive:
        names = [name.removesuffix("/__init__.py").replace("/", ".") + "." for name in archive.namelist()]
    return all(
        name.startswith(("ansible.", *collected)) or any(one.startswith(name) for one in collected) for name in names
    )
