"""What sandboxes may leave on the host: nothing but what living templates consist of."""

import os
from collections.abc import Collection
from pathlib import Path

from tests.acceptance.processes import below
from tests.contracts.drivers import outside
from triform.substrates.isolation.drivers.process.launcher.uids import FIRST
from triform.substrates.isolation.drivers.process.template import ProcessTemplate

_WRITABLE = ("/tmp", "/dev/shm", "/var/tmp", "/run")


def strays(launcher: int, templates: Collection[ProcessTemplate]) -> list[str]:
    """Processes and groups that belong to no living template, and files that sandboxes have made on the host."""
    alive = [template.spare or template for template in templates]
    known = {launcher, *(pid for template in alive for pid in (template.first, template.pid))}
    processes = {process.pid for process in below(launcher)} - known
    names = {template.name for template in alive}
    groups = {name for name in outside.groups_of(launcher) if name.partition(".")[0] not in names}
    return [
        *(f"process {pid} {_command(pid)}" for pid in processes),
        *(f"group {name}" for name in groups),
        *(f"file {path}" for path in _made_by(launcher)),
    ]


def descriptors(pid: int | str = "self") -> frozenset[int]:
    return frozenset(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())


def _made_by(launcher: int) -> list[Path]:
    """By the uids that sandboxes have on the host."""
    own = set() if outside.of_root(launcher) else {outside.host_uid(launcher)}
    found = []
    for path in (path for folder in _WRITABLE if Path(folder).exists() for path in Path(folder).iterdir()):
        try:
            uid = path.lstat().st_uid
        except FileNotFoundError:
            continue
        if uid >= FIRST or (own and uid in own and os.geteuid() not in own):
            found.append(path)
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "(gone)"
