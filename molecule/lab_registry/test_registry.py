# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The registry serves this machine, and nobody else."""

import urllib.error
import urllib.request

import pytest


def test_it_runs(host):
    assert host.docker("workshop-registry").is_running


def test_it_answers(host):
    assert host.addr("127.0.0.1").port(5001).is_reachable


def test_it_listens_on_loopback_only(host):
    bindings = host.docker("workshop-registry").inspect()["HostConfig"]["PortBindings"]
    assert bindings == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5001"}]}


def test_it_comes_back_with_the_engine(host):
    assert host.docker("workshop-registry").inspect()["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_what_was_pushed_is_kept_in_a_volume_of_the_lab(host):
    mounts = host.docker("workshop-registry").inspect()["Mounts"]
    assert [(mount["Type"], mount["Name"]) for mount in mounts] == [("volume", "workshop-registry")]


def test_it_deletes_nothing(host):
    request = urllib.request.Request("http://127.0.0.1:5001/v2/workshop/busybox/manifests/trixie", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert refusal.value.code == 405
