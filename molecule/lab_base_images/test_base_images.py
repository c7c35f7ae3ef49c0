# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Both base images are there, work, and can be pulled from the registry."""

import urllib.request

import pytest

REGISTRY = 'localhost:5001'


def test_debian_has_a_working_apt(host):
    assert host.check_output(f'docker run --rm {REGISTRY}/workshop/debian:trixie apt-get --version').startswith('apt ')


def test_busybox_works(host):
    assert host.check_output(f'docker run --rm {REGISTRY}/workshop/busybox:trixie echo hello') == 'hello'


def test_busybox_is_small(host):
    size = host.check_output('docker image inspect --format {{.Size}} %s', f'{REGISTRY}/workshop/busybox:trixie')
    assert int(size) < 5_000_000


@pytest.mark.parametrize('name', ['debian', 'busybox'])
def test_the_registry_has_what_the_engine_has(host, name):
    """Under the name that says what it is made from, and under the short one."""
    kept = host.check_output(f'docker image ls --no-trunc --format "{{{{.Tag}}}} {{{{.ID}}}}" workshop/{name}').split()
    ids = dict(zip(kept[::2], kept[1::2], strict=True))
    short = host.check_output(f'docker image inspect --format {{{{.Id}}}} {REGISTRY}/workshop/{name}:trixie')
    (tag,) = [tag for tag, image in ids.items() if image == short]
    assert len(tag) == 12
    assert manifest(name, tag) == manifest(name, 'trixie')


def manifest(name, tag):
    kinds = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
    request = urllib.request.Request(f'http://{REGISTRY}/v2/workshop/{name}/manifests/{tag}', headers={'Accept': kinds})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers['Docker-Content-Digest']
