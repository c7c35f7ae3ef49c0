# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Both base images are there, work, and can be pulled from the registry."""

import json
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
def test_the_registry_has_it(name):
    with urllib.request.urlopen(f'http://{REGISTRY}/v2/workshop/{name}/tags/list', timeout=10) as answer:
        assert json.load(answer)['tags'] == ['trixie']
