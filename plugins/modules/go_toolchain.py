# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: go_toolchain
short_description: Have an official Go toolchain, checked against a pinned checksum
version_added: 1.1.0
description:
  - Downloads the archive that the Go project publishes on the Go module proxy, and unpacks it.
  - The checksum is that of Go's own checksum database. What is already unpacked is checked against it too, so that a
    toolchain with a damaged or missing file is replaced.
options:
  version:
    description: The version of Go.
    type: str
    required: true
  checksums:
    description:
      - The checksum of the version for each platform, such as C(linux-amd64), as
        C(https://sum.golang.org/lookup/golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64) tells it.
    type: dict
    required: true
  path:
    description: The folder of the toolchain. Its parent must exist.
    type: path
    required: true
  proxy:
    description: Where modules are downloaded from, as in Go's own variable E(GOPROXY).
    type: str
    default: https://proxy.golang.org,direct
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
author:
  - The workshop.production_patterns authors (@workshop)
"""

EXAMPLES = r"""
- name: Have a Go toolchain
  workshop.production_patterns.go_toolchain:
    version: 1.26.8
    checksums:
      linux-amd64: h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=
      linux-arm64: h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=
    path: ~/.cache/go-1.26.8
"""

RETURN = r"""
go:
  description: The path of the program C(go).
  type: str
  returned: success
  sample: /home/me/.cache/go-1.26.8/bin/go
"""

import os
import platform
import re
import shutil
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.workshop.production_patterns.plugins.module_utils.problem import Problem

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# Go's module zip format knows no modes; these are the programs.
PROGRAMS = re.compile(r"bin/[^/]+|pkg/tool/.+")
# What "direct" means for a toolchain, as golang.org/toolchain?go-get=1 tells it.
DIRECT = "https://go.dev/dl/mod"


def this_platform() -> str:
    """Return this machine's platform as Go names it, such as linux-amd64."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"


def checksum(files: Iterable[tuple[str, IO[bytes]]]) -> str:
    """Return Go's checksum h1 over files, each given by its name in the module's archive and opened for reading."""
    hashes = {}
    for name, file in files:
        with file:
            digest = sha256()
            while block := file.read(1 << 20):
                digest.update(block)
        hashes[name] = digest.hexdigest()
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return "h1:" + b64encode(sha256(lines.encode()).digest()).decode()


def unpacked_files(folder: Path, prefix: str) -> Iterator[tuple[str, IO[bytes]]]:
    for path in folder.rglob("*"):
        if not path.is_dir():
            yield f"{prefix}{path.relative_to(folder).as_posix()}", path.open("rb")


def is_whole(folder: Path, prefix: str, pinned: str) -> bool:
    """Say whether folder holds the toolchain with the pinned checksum, and its go may be run."""
    if not os.access(folder / "bin/go", os.X_OK):
        return False
    try:
        return checksum(unpacked_files(folder, prefix)) == pinned
    except FileNotFoundError:  # A link to nowhere, which is in no toolchain.
        return False


def addresses(proxy: str) -> Iterator[tuple[str, bool]]:
    """Yield the addresses in a GOPROXY, and whether any error lets the next one be asked, or only "not found"."""
    for address, separator in re.findall(r"([^,|]+)([,|]?)", proxy):
        address = address.strip()
        if address == "off":
            return
        yield (DIRECT if address == "direct" else address.rstrip("/")), separator == "|"


def passwords(proxy: str) -> set[str]:
    return {password for address, _any in addresses(proxy) if (password := urlsplit(address).password)}


def without_credentials(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def download(proxy: str, name: str, to: IO[bytes]) -> None:
    """Write the archive of the toolchain called name to a file. Raises Problem where no proxy has it."""
    said = []
    for address, whatever_happens in addresses(proxy):
        try:
            with open_url(f"{address}/golang.org/toolchain/@v/{name}.zip", timeout=60) as answer:
                shutil.copyfileobj(answer, to)
            return
        except OSError as error:
            said.append(f"{without_credentials(address)}: {error}")
            if not whatever_happens and not (isinstance(error, HTTPError) and error.code in (404, 410)):
                break
        to.seek(0)
        to.truncate()
    raise Problem(
        f"The Go toolchain {name} can't be downloaded ({'; '.join(said) or 'GOPROXY is off'}): set GOPROXY to a module "
        "proxy that this machine reaches, or install that version of Go or a later one and put it on PATH."
    )


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Yield a new folder on the same file system as path, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def install(path: Path, name: str, pinned: str, proxy: str) -> None:
    """Put the toolchain called name at path in one step, once its archive has the pinned checksum."""
    prefix = f"golang.org/toolchain@{name}/"
    with folder_beside(path) as folder:
        with (folder / "zip").open("w+b") as file:
            download(proxy, name, file)
            try:
                archive = zipfile.ZipFile(file)
                found = checksum((item, archive.open(item)) for item in archive.namelist())
            except (zipfile.BadZipFile, EOFError) as error:
                raise Problem(f"What was downloaded as the Go toolchain {name} is no archive ({error}).") from error
            if found != pinned:
                raise Problem(f"The Go toolchain {name} that was downloaded has the checksum {found}, not {pinned}.")
            archive.extractall(folder)
        unpacked = folder / prefix
        for program in unpacked.rglob("*"):
            if program.is_file() and PROGRAMS.fullmatch(program.relative_to(unpacked).as_posix()):
                program.chmod(0o755)
        if path.exists():
            path.rename(folder / "old")
        unpacked.rename(path)


def main() -> None:
    module = AnsibleModule(
        {
            "version": {"type": "str", "required": True},
            "checksums": {"type": "dict", "required": True},
            "path": {"type": "path", "required": True},
            "proxy": {"type": "str", "default": "https://proxy.golang.org,direct"},
        },
        supports_check_mode=True,
    )
    # What -v shows of this task's options.
    module.no_log_values.update(passwords(module.params["proxy"]))
    version, path = module.params["version"], Path(module.params["path"])
    system = this_platform()
    pinned = module.params["checksums"].get(system)
    if pinned is None:
        module.fail_json(f"No checksum of Go {version} is known for {system}: install it and put it on PATH.")
    name = f"v0.0.1-go{version}.{system}"
    changed = not is_whole(path, f"golang.org/toolchain@{name}/", pinned)
    if changed and not module.check_mode:
        try:
            install(path, name, pinned, module.params["proxy"])
        except Problem as problem:
            module.fail_json(str(problem))
    module.exit_json(changed=changed, go=str(path / "bin/go"))


if __name__ == "__main__":
    main()
