# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Renews what pins the things that come from elsewhere by their content.

Versions are chosen by people, in requirements*.txt, go.mod, lab_tools and the workflow; this writes down what they are.
What can't be reached keeps its pin and is named, and then the exit code is 1.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import yaml

ROOT = Path(__file__).parents[1]
GO_DATABASE = "https://sum.golang.org"
TOOLS = ROOT / "roles/lab_tools"
WORKFLOW = ROOT / ".github/workflows/test.yml"
# The files that pin images as name:tag@digest.
IMAGES = [*sorted((ROOT / "roles").glob("lab_*/*/*.yml")), *sorted((ROOT / "roles").glob("lab_*/README.md")), WORKFLOW]


def run(*command: str, folder: Path = ROOT, **environment: str) -> str:
    process = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True
    )
    return process.stdout


def python_packages() -> None:
    """Lock both sets of requirements, so that the tests use what a run uses."""
    compile_lock = [
        *("uv", "pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"),
    ]
    run(*compile_lock, "requirements.txt", "requirements-test.txt", "--output-file", "requirements-test.lock")
    run(*compile_lock, "requirements.txt", "-c", "requirements-test.lock", "--output-file", "requirements.lock")


def go_modules() -> None:
    """Bring each go.sum up to its go.mod."""
    for file in sorted((ROOT / "files").rglob("go.mod")):
        run("go", "mod", "tidy", folder=file.parent, GOFLAGS="", GOSUMDB="sum.golang.org", GOWORK="off")


def text_of(address: str, **headers: str) -> str:
    with urlopen(Request(address, headers=headers), timeout=30) as answer:
        return str(answer.read().decode())


def go_toolchain() -> None:
    """Ask Go's checksum database, or the module proxy's copy of it, for the toolchain of each platform."""
    defaults = yaml.safe_load((TOOLS / "defaults/main.yml").read_text())
    proxy = re.split("[,|]", os.environ.get("GOPROXY") or run("go", "env", "GOPROXY").strip())[0]
    for platform, known in defaults["lab_tools_go_checksums"].items():
        module = f"golang.org/toolchain@v0.0.1-go{defaults['lab_tools_go_version']}.{platform}"
        answer = text_of(f"{proxy}/sumdb/{GO_DATABASE.partition('://')[2]}/lookup/{module}")
        (checksum,) = re.findall(rf"^{module.replace('@', ' ')} (h1:\S+)$", answer, re.MULTILINE)
        for file in TOOLS / "defaults/main.yml", TOOLS / "meta/argument_specs.yml":
            file.write_text(file.read_text().replace(known, checksum))


def digest(image: str) -> str:
    """Return the digest of an image's index, as the registry tells it for the tag."""
    answer = run("docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", image)
    return str(json.loads(answer)["digest"])


def images() -> None:
    """Ask each registry for the digest that the tag has now."""
    for file in IMAGES:
        text = file.read_text()
        for image, known in set(re.findall(r"([\w.-]+\.[\w./-]+:[\w.-]+)@(sha256:[0-9a-f]{64})", text)):
            text = text.replace(known, digest(image))
        file.write_text(text)


def actions() -> None:
    """Ask each action's repository for the commit of the version in the comment."""
    text = WORKFLOW.read_text()
    for action, known, version in set(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v\S+)", text)):
        found = run(
            "git", "ls-remote", f"https://github.com/{action}", f"refs/tags/{version}", f"refs/tags/{version}^{{}}"
        )
        # An annotated tag is followed by the commit that it stands for.
        text = text.replace(known, found.split("\n")[-2].split()[0])
    WORKFLOW.write_text(text)


def main() -> int:
    steps: list[Callable[[], None]] = [python_packages, go_modules, go_toolchain, images, actions]
    kept = []
    for step in steps:
        print(f"{step.__name__.replace('_', ' ')} ...", flush=True)
        try:
            step()
        except (OSError, ValueError, IndexError, subprocess.CalledProcessError) as error:
            kept.append(f"{step.__name__.replace('_', ' ')}: {error}")
    for line in kept:
        print(f"Kept as it was, {line}", file=sys.stderr)
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
