# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""On a busy node the runtime fails to start a container now and then, and the kubelet tries again. No claim minds.

Here the first start of every container of some lessons fails; with --every-moment that of every container of all.
"""

from __future__ import annotations

import subprocess
import typing as t

import pytest
from runs import ROOT, TAUGHT, Playbook

PREFIX = "unstarted-"
# A Job, a log that the node keeps for each start, kills that are counted, and clients whose log must be whole.
LESSONS = ["build_and_runtime", "logging", "pod_quotas", "sidecar"]

# Stands in for the node's runc. What it notes is once for a Deployment or a Job, of which only the first pod has it.
RUNC = r"""#!/bin/bash
if [[ " $* " == *" create "* ]]; then
  arguments=("$@")
  for ((i = 0; i < $#; i++)); do
    [[ ${arguments[i]} == --bundle ]] && bundle=${arguments[i + 1]}
    [[ ${arguments[i]} == --log ]] && log=${arguments[i + 1]}
  done
  config=$(<"$bundle/config.json")
  of() { [[ $config =~ \"io.kubernetes.cri.$1\":\"([^\"]*)\" ]] && echo "${BASH_REMATCH[1]}"; }
  if [[ $(of container-type) == container && $(of sandbox-namespace) == PREFIX* ]]; then
    pod=$(of sandbox-name | sed -E 's/(-[0-9a-f]{8,10})?-[a-z0-9]{5}$//')
    if mkdir "/run/failed-starts/$(of sandbox-namespace) $pod $(of container-name)" 2>/dev/null; then
      echo '{"level": "error", "msg": "this start had to fail"}' >>"$log"
      exit 1
    fi
  fi
fi
exec /usr/sbin/runc.real "$@"
"""


def on_the_node(script: str) -> str:
    command = ["docker", "exec", "-i", "workshop-control-plane", "bash", "-e"]
    return subprocess.run(command, input=script, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture
def failed_starts(lab: None) -> t.Iterator[t.Callable[[], set[str]]]:
    """Has the first start of each container fail, and tells the namespaces in which some did."""
    restore = "if [ -e /usr/sbin/runc.real ]; then mv /usr/sbin/runc.real /usr/sbin/runc; fi\n"
    # A test that was killed may have left it.
    on_the_node(f"{restore} rm -rf /run/failed-starts; mkdir /run/failed-starts; mv /usr/sbin/runc /usr/sbin/runc.real")
    on_the_node(f"cat >/usr/sbin/runc <<'END'\n{RUNC.replace('PREFIX', PREFIX)}END\nchmod +x /usr/sbin/runc")
    yield lambda: {line.split()[0] for line in on_the_node("ls /run/failed-starts").splitlines()}
    on_the_node(restore)


def test_lessons_hold_though_containers_fail_to_start(
    failed_starts: t.Callable[[], set[str]], playbook: Playbook, pytestconfig: pytest.Config
) -> None:
    lessons = TAUGHT if pytestconfig.getoption("--every-moment") else LESSONS
    variables = {"workshop_lessons": lessons, "workshop_namespace_prefix": PREFIX}
    run = playbook(str(ROOT / "playbooks/lessons.yml"), **variables)
    cleaned = playbook(str(ROOT / "playbooks/clean.yml"), **variables)
    assert run.code == 0, run.output
    assert run.statuses == dict.fromkeys(lessons, "held")
    assert cleaned.code == 0, cleaned.output
    assert failed_starts() >= {PREFIX + lesson.replace("_", "-") for lesson in lessons}
