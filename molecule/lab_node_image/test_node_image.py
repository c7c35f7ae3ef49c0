# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The cluster's node runs the image, and has Kubernetes 1.37 in it."""

import importlib.util
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def content_tag(folder, *extra):
    """The filter of the collection, from this checkout."""
    spec = importlib.util.spec_from_file_location("content_tag", ROOT / "plugins/filter/content_tag.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.content_tag(str(folder), *extra)


def test_the_node_runs_the_image_that_is_named_by_this_content(host):
    source = yaml.safe_load((ROOT / "playbooks/group_vars/all.yml").read_text())["lab_node_image_source"]
    image = host.docker("workshop-control-plane").inspect()["Config"]["Image"]
    assert image == "workshop/node:" + content_tag(ROOT / "files/node", source)


def test_a_build_leaves_nothing_but_the_image(host):
    assert host.check_output("docker image ls --quiet 'workshop/node-*'") == ""
    assert host.check_output("docker ps --all --quiet --filter name=workshop-node-build") == ""


def test_it_holds_kubernetes_1_37(host):
    assert host.check_output("docker exec workshop-control-plane cat /kind/version").startswith("v1.37.")
