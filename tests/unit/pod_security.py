# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""Kubernetes' Pod Security Standards, as version 1.37 has them for pods of Linux in no user namespace.

What the API admits is what counts, and each lesson runs under it. This says the same of a manifest without a cluster,
and of which container. https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

LEVELS = ["restricted", "baseline", "privileged"]
"""From the one that forbids most to the one that forbids nothing."""

DEFAULT_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
SAFE_SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    *("net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"),
}
RESTRICTED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"),
    "secret",
}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
PROFILES = {"RuntimeDefault", "Localhost"}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


class Violation(t.NamedTuple):
    """What a pod does that a level forbids."""

    container: str
    """Which container does it, empty for the pod as a whole."""
    needs: str
    """The level that allows it."""
    what: str


def containers(spec: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """All containers of a pod."""
    return [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]


def violations(pod: dict[str, t.Any]) -> list[Violation]:
    """What a pod, or a template of pods, does that `restricted` forbids."""
    return [
        *(Violation(container, "privileged", what) for container, what in _beyond_baseline(pod)),
        *(Violation(container, "baseline", what) for container, what in _beyond_restricted(pod["spec"])),
    ]


def level(found: list[Violation]) -> str:
    """The first level that allows all of it."""
    return max((violation.needs for violation in found), key=LEVELS.index, default="restricted")


def _beyond_baseline(pod: dict[str, t.Any]) -> Iterator[tuple[str, str]]:
    spec = pod["spec"]
    yield from (("", key) for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes", []):
        if volume.get("hostPath") is not None:
            mounted_in = [
                container["name"]
                for container in containers(spec)
                if volume["name"] in [mount["name"] for mount in container.get("volumeMounts", [])]
            ]
            yield from ((container, "hostPath") for container in mounted_in or [""])
    for sysctl in spec.get("securityContext", {}).get("sysctls", []):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield "", f"sysctl {sysctl['name']}"
    for key, value in (pod.get("metadata", {}).get("annotations") or {}).items():
        if key.startswith(APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/"):
            yield key.removeprefix(APPARMOR), f"AppArmor profile {value}"
    for name, context in [("", spec.get("securityContext", {})), *_contexts(spec)]:
        selinux = context.get("seLinuxOptions", {})
        if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
            yield name, "seLinuxOptions"
        if context.get("windowsOptions", {}).get("hostProcess"):
            yield name, "hostProcess"
        for kind in ("appArmorProfile", "seccompProfile"):
            if context.get(kind, {}).get("type", "RuntimeDefault") not in PROFILES:
                yield name, f"{kind} {context[kind]['type']}"
    for name, context in _contexts(spec):
        if context.get("privileged"):
            yield name, "privileged"
        if context.get("procMount") not in (None, "Default"):
            yield name, "procMount"
        added = set(context.get("capabilities", {}).get("add", [])) - DEFAULT_CAPABILITIES
        yield from ((name, f"capability {capability}") for capability in sorted(added))
    for container in containers(spec):
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield container["name"], "hostPort"
        asked = [container.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
        asked += (container.get("lifecycle") or {}).values()
        for handler in filter(None, asked):
            if any((handler.get(kind) or {}).get("host") for kind in ("httpGet", "tcpSocket")):
                yield container["name"], "host of a probe or hook"


def _beyond_restricted(spec: dict[str, t.Any]) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes", []):
        kinds = volume.keys() - {"name"} - RESTRICTED_VOLUMES
        # What baseline forbids already is not said twice.
        yield from (("", f"volume {kind}") for kind in sorted(kinds - {"hostPath"}))
    pods = spec.get("securityContext", {})
    if pods.get("runAsUser") == 0:
        yield "", "runAsUser 0"
    for name, context in _contexts(spec):
        if context.get("allowPrivilegeEscalation") is not False:
            yield name, "allowPrivilegeEscalation"
        capabilities = context.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []):
            yield name, "capabilities are not dropped"
        kept = set(capabilities.get("add", [])) & DEFAULT_CAPABILITIES - {"NET_BIND_SERVICE"}
        yield from ((name, f"capability {capability}") for capability in sorted(kept))
        if context.get("runAsNonRoot", pods.get("runAsNonRoot")) is not True:
            yield name, "runAsNonRoot"
        if context.get("runAsUser") == 0:
            yield name, "runAsUser 0"
        if "type" not in {**pods.get("seccompProfile", {}), **context.get("seccompProfile", {})}:
            yield name, "no seccompProfile"


def _contexts(spec: dict[str, t.Any]) -> list[tuple[str, dict[str, t.Any]]]:
    return [(container["name"], container.get("securityContext") or {}) for container in containers(spec)]
