# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from unittest import mock

import pytest
from ansible_collections.workshop.production_patterns.plugins.lookup.proxy_environment import (
    LookupModule,
    proxy_environment,
)

PROXY = "http://proxy.example.org:3128"


def test_without_a_proxy_nothing_is_set():
    assert proxy_environment({"NO_PROXY": "example.org"}, ["localhost"]) == {}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"])
def test_a_proxy_in_either_case_is_given_in_both(name):
    found = proxy_environment({name: PROXY}, ["localhost"])
    assert found == {
        name.lower(): PROXY,
        name.upper(): PROXY,
        "no_proxy": "localhost",
        "NO_PROXY": "localhost",
    }


def test_the_lower_case_counts():
    found = proxy_environment({"http_proxy": PROXY, "HTTP_PROXY": "http://other"}, [])
    assert found["HTTP_PROXY"] == PROXY


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_what_the_user_reaches_without_it_stays_so(name):
    found = proxy_environment({"HTTP_PROXY": PROXY, name: "example.org, localhost,"}, ["localhost", "127.0.0.1"])
    assert found["no_proxy"] == found["NO_PROXY"] == "example.org,localhost,127.0.0.1"


def test_every_host_stays_every_host():
    assert proxy_environment({"HTTP_PROXY": PROXY, "NO_PROXY": "*"}, ["localhost"])["no_proxy"] == "*"


@pytest.mark.parametrize("own", ["http://127.0.0.1:3128", "http://localhost:3128", "http://[::1]:3128", "localhost:1"])
def test_containers_get_no_proxy_that_is_themselves(own):
    assert proxy_environment({"HTTP_PROXY": own}, ["localhost"], for_containers=True) == {}
    assert proxy_environment({"HTTP_PROXY": own}, ["localhost"])["http_proxy"] == own


def test_containers_get_the_other_of_two_proxies():
    found = proxy_environment({"HTTP_PROXY": PROXY, "HTTPS_PROXY": "http://127.0.0.1:1"}, [], for_containers=True)
    assert set(found) == {"http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"}


def test_two_proxies_are_both_given():
    found = proxy_environment({"HTTP_PROXY": PROXY, "HTTPS_PROXY": "http://other"}, [])
    assert (found["http_proxy"], found["https_proxy"]) == (PROXY, "http://other")


@pytest.mark.parametrize(("containers", "given"), [(True, {}), (False, {"http_proxy", "HTTP_PROXY"})])
def test_the_lookup_reads_the_environment_and_its_option(monkeypatch, containers, given):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://localhost:3128")
    lookup = LookupModule()
    monkeypatch.setattr(lookup, "set_options", mock.Mock())
    monkeypatch.setattr(lookup, "get_option", {"for_containers": containers}.__getitem__)
    (found,) = lookup.run(["registry"], {"a": 1}, for_containers=containers)
    assert {*found} - {"no_proxy", "NO_PROXY"} == {*given}
    assert not given or found["no_proxy"] == "registry"
    lookup.set_options.assert_called_once_with(var_options={"a": 1}, direct={"for_containers": containers})
