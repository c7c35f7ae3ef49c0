# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import pytest
from ansible_collections.workshop.production_patterns.plugins.filter.proxy_address import FilterModule, proxy_address


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example.org:3128", "proxy.example.org", 3128),
        ("http://proxy.example.org/", "proxy.example.org", 80),
        ("https://proxy", "proxy", 443),
        ("socks5h://127.0.0.1", "127.0.0.1", 1080),
        ("http://me:p%40ss@[::1]:3128", "::1", 3128),
    ],
)
def test_a_proxy(url, host, port):
    assert proxy_address(url) == {"host": host, "port": port}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy",
        "proxy.example.org:3128",
        "http://",
        "http://:3128",
        "http://proxy:99999",
        "http://proxy:0",
        "http://proxy:port",
        "http://[::1",
        "http://my proxy:3128",
        "ftp://proxy:21",
    ],
)
def test_what_is_none(text):
    assert proxy_address(text) == {}


def test_the_filter_has_its_name():
    assert FilterModule().filters() == {"proxy_address": proxy_address}
