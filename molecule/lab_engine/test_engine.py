# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The engine answers, and so does BuildKit."""


def test_the_engine_answers(host):
    assert host.run("docker version").rc == 0


def test_buildkit_has_a_client(host):
    assert host.run("docker buildx version").rc == 0


def test_the_socket_is_for_root_and_its_group_only(host):
    socket = host.file("/var/run/docker.sock")
    assert socket.is_socket
    assert socket.mode & 0o007 == 0
