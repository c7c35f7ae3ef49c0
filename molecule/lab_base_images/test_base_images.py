# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Both base images are there, work, and can be pulled from the registry."""

import importlib.util
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]

REGISTRY = "localhost:5001"


def test_debian_has_a_working_apt(host):
    assert host.check_output(f"docker run --rm {REGISTRY}/workshop/debian:trixie apt-get --version").startswith("apt ")


def test_busybox_works(host):
    assert host.check_output(f"docker run --rm {REGISTRY}/workshop/busybox:trixie echo hello") == "hello"


def test_busybox_is_small(host):
    size = host.check_output("docker image inspect --format {{.Size}} %s", f"{REGISTRY}/workshop/busybox:trixie")
    assert int(size) < 5_000_000


def content_tag(folder, *extra):
    """The filter of the collection, from this checkout."""
    spec = importlib.util.spec_from_file_location("content_tag", ROOT / "plugins/filter/content_tag.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.content_tag(str(ROOT / "files" / folder), *extra)


@pytest.mark.parametrize("name", ["debian", "busybox"])
def test_the_registry_has_it_under_the_tag_that_says_what_it_is_made_from(host, name):
    source = yaml.safe_load((ROOT / "playbooks/group_vars/all.yml").read_text())["lab_base_images_debian_source"]
    debian = content_tag("debian", source)
    tag = {"debian": debian, "busybox": content_tag("busybox", debian)}[name]
    assert manifest(name, tag) == manifest(name, "trixie")
    of_tag, of_short = (
        host.check_output("docker image inspect --format {{.Id}} %s", f"{REGISTRY}/workshop/{name}:{each}")
        for each in (tag, "trixie")
    )
    assert of_tag == of_short


def manifest(name, tag):
    kinds = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    request = urllib.request.Request(f"http://{REGISTRY}/v2/workshop/{name}/manifests/{tag}", headers={"Accept": kinds})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Docker-Content-Digest"]
