"""Whether this machine lets a sandbox be built, found out by building one; and what is weaker here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triform.substrates.isolation.drivers.process.launcher.numbers import TABLES, machine
from triform.substrates.isolation.interfaces import Capabilities

ALWAYS = (
    "runs share the host's kernel: a kernel flaw reachable through the allowed system calls is an escape",
    "runs of one deployed version are forked from one process that has loaded their code; "
    "it is audited from outside, but its code could signal between its own runs by timing",
)
_SAMPLED = {
    "memory": "memory is sampled every 25 ms instead of bounded by the kernel (no cgroup memory controller)",
    "pids": "processes are counted per template, not per run (no cgroup pids controller)",
    "cpu": "CPU time is not bounded (no cgroup cpu controller)",
}
_OWN_UID = "every sandbox runs as the server's own uid (not started as root)"

_SWITCHES = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor does not let ordinary users make user namespaces",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or start triform as root",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "the kernel does not let ordinary users make user namespaces",
        "sysctl -w kernel.unprivileged_userns_clone=1, or start triform as root",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are switched off",
        "sysctl -w user.max_user_namespaces=10000",
    ),
)
_CONTAINER_FIX = (
    "Inside a container, allow it namespaces: docker run --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined --cap-add SYS_ADMIN"
)


def supported() -> bool:
    return machine() in TABLES


def available(about: Mapping[str, Any]) -> Capabilities:
    """`about`: what the launcher says of itself."""
    weaknesses = [*ALWAYS, *(text for name, text in _SAMPLED.items() if name not in about["controllers"])]
    weaknesses += [] if about["root"] else [_OWN_UID]
    return Capabilities("process", True, "process", tuple(weaknesses))


def unsupported() -> Capabilities:
    return Capabilities(
        "process",
        False,
        "none",
        why_not=f"no system call filter has been written for {machine()}",
        fix=f"Use one of {', '.join(TABLES)}.",
    )


def unavailable(trouble: str, switches: tuple[tuple[str, str, str, str], ...] = _SWITCHES) -> Capabilities:
    """`trouble`: the failure of the trial. The kernel's switches say more than its error number."""
    for path, value, why, fix in switches:
        if _read(path) == value:
            return Capabilities("process", False, "none", why_not=f"{why} ({trouble})", fix=fix)
    return Capabilities("process", False, "none", why_not=trouble, fix=_CONTAINER_FIX)


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
