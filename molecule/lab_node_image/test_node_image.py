# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The cluster's node runs the image, and has Kubernetes 1.37 in it."""


def test_the_image_is_named_by_its_content(host):
    tags = host.check_output("docker image ls --format '{{.Tag}}' workshop/node").split()
    assert any(len(tag) == 12 for tag in tags)


def test_the_node_runs_it(host):
    image = host.docker('workshop-control-plane').inspect()['Config']['Image']
    assert image.startswith('workshop/node:')


def test_it_holds_kubernetes_1_37(host):
    assert host.check_output('docker exec workshop-control-plane cat /kind/version').startswith('v1.37.')
