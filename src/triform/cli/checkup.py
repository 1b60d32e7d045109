"""What `triform doctor` looks at. Each check says one thing about this machine; none of them changes it."""

import os
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from triform.cli.finding import Check, Finding, Verdict
from triform.cli.sandboxes import images, sandbox
from triform.cli.server import readiness
from triform.settings import Settings

LEAST_PYTHON = (3, 11)
LEAST_DISK_MB = 500
WANTED_DISK_MB = 2_000
LEAST_MEMORY_MB = 512
WANTED_OPEN_FILES = 4_096


def python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return Finding("python", "fail", version, "apt-get install python3.11 python3.11-venv, then bin/setup")
    return Finding("python", "ok", version)


def git(_: Settings) -> Finding:
    from triform.source.confinement import obstacle

    found = obstacle()
    if found is not None:
        return Finding("git", "fail", f"{found.what}: no clone, push and bundle", found.fix)
    return Finding("git", "ok", _output("git", "--version").removeprefix("git version ") + ", confined")


def postgres(settings: Settings) -> Finding:
    if settings.database_url is not None:
        return Finding("postgres", "ok", "your own (TRIFORM_DATABASE_URL)")
    from triform.errors import TriformError
    from triform.storage.embedded.binaries import find_binaries

    try:
        binaries = find_binaries()
    except TriformError as error:
        return Finding("postgres", "fail", error.message, error.suggestion.fix if error.suggestion else "")
    return Finding("postgres", "ok", f"embedded, version {binaries.major}")


def data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(
            "data folder", "fail", f"{place} is not writable", "choose another one with TRIFORM_DATA_DIR"
        )
    return Finding("data folder", "ok", f"{folder}{'' if folder.exists() else ' (will be made)'}")


def disk(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free >> 20
    verdict: Verdict = "fail" if free < LEAST_DISK_MB else "warn" if free < WANTED_DISK_MB else "ok"
    fix = "" if verdict == "ok" else f"free some of {place}, or choose another place with TRIFORM_DATA_DIR"
    return Finding("disk", verdict, f"{free} MB free at {place}", fix)


def memory(_: Settings) -> Finding:
    facts = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(facts["MemAvailable"].split()[0]) >> 10
    if free < LEAST_MEMORY_MB:
        fix = "free some memory, and set TRIFORM_POOL_MEMORY_MB and TRIFORM_WORKER_SLOTS low"
        return Finding("memory", "warn", f"{free} MB available", fix)
    return Finding("memory", "ok", f"{free} MB available")


def open_files(_: Settings) -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < WANTED_OPEN_FILES:
        fix = f"ulimit -Hn {WANTED_OPEN_FILES * 4} (systemd: LimitNOFILE={WANTED_OPEN_FILES * 4})"
        return Finding("open files", "warn", f"at most {hard}", fix)
    return Finding("open files", "ok", "no limit" if hard == resource.RLIM_INFINITY else f"at most {hard}")


def seccomp(_: Settings) -> Finding:
    actions = Path("/proc/sys/kernel/seccomp/actions_avail")
    if not actions.exists() or "kill_process" not in actions.read_text():
        return Finding("seccomp", "fail", "not in this kernel", "use a kernel with CONFIG_SECCOMP_FILTER")
    return Finding("seccomp", "ok", "filters available")


def cgroups(_: Settings) -> Finding:
    found = _cgroup_folder()
    if found is None:
        fix = "mount cgroup2 at /sys/fs/cgroup; without it memory limits are polled, not enforced by the kernel"
        return Finding("cgroups", "warn", "not mounted", fix)
    version, folder = found
    if os.access(folder, os.W_OK):
        return Finding("cgroups", "ok", f"version {version}, writable")
    fix = "run as root, or with a delegated subtree: systemd-run --user -p Delegate=yes bin/triform up"
    return Finding("cgroups", "warn", f"version {version}, not writable: limits are polled, not enforced", fix)


def _cgroup_folder() -> tuple[int, Path] | None:
    """The cgroup of this process that holds memory limits."""
    entries = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    for number, controllers, path in entries:
        first = "memory" in controllers.split(",")
        if number != "0" and not first:
            continue
        root = Path("/sys/fs/cgroup") / ("memory" if first else "")
        folder = root / path.lstrip("/")
        place = folder if folder.is_dir() else root
        if (place / "cgroup.procs").exists():
            return (1 if first else 2), place
    return None


def port(settings: Settings) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return _busy(settings, error)
    return Finding("port", "ok", f"{settings.host}:{settings.port} is free")


def _busy(settings: Settings, error: OSError) -> Finding:
    address = f"{settings.host}:{settings.port}"
    if readiness(f"http://{address}")[0]:
        return Finding("port", "ok", f"an instance serves at {address}")
    return Finding("port", "warn", f"{address}: {error.strerror}", "choose another with --port or TRIFORM_PORT")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()


CHECKS: tuple[Check, ...] = (
    python,
    git,
    postgres,
    data_folder,
    disk,
    memory,
    open_files,
    seccomp,
    cgroups,
    sandbox,
    images,
    port,
)
"""In the order they are printed."""
