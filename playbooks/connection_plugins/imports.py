# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prepares what every module needs, once: Ansible loads connection plugins beside a playbook before it forks."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.connection.fork import (
    Connection,
    preload,
)
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.payloads import (
    keep_payloads,
)

# Ansible expects a connection here.
__all__ = ["Connection"]

preload(
    "docker",
    "kubernetes.dynamic",
    "kubernetes.stream",
    "ansible_collections.community.docker.plugins.module_utils.common_api",
    "ansible_collections.kubernetes.core.plugins.module_utils.ansiblemodule",
    "ansible_collections.kubernetes.core.plugins.module_utils.k8s.runner",
    "ansible_collections.workshop.production_patterns.plugins.module_utils.circuit_breaker",
    "ansible_collections.workshop.production_patterns.plugins.module_utils.cluster",
    "ansible_collections.workshop.production_patterns.plugins.module_utils.engine",
    "ansible_collections.workshop.production_patterns.plugins.module_utils.images",
    "ansible_collections.workshop.production_patterns.plugins.module_utils.pods",
)

keep_payloads(
    folder=Path.home() / ".cache/workshop.production_patterns/payloads",
    collections=["community.docker", "kubernetes.core", "workshop.production_patterns"],
)
