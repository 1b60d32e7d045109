"""A launcher's own folder in a cgroup hierarchy: `triform-<pid>-<random>`, locked while the launcher lives.

A folder whose lock is free belongs to a launcher that was killed: whoever starts next sweeps it away.
Standard library only.
"""

import fcntl
import os
import secrets
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher.files import folders, kill, read, remove

PREFIX = "triform-"


class Home:
    """Makes and locks the folder, after sweeping what others have left beside it. OSError when it may not."""

    def __init__(self, base: Path) -> None:
        sweep(base)
        held = None
        while held is None:
            self.path = base / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
            self.path.mkdir()
            held = _lock(self.path)
        self._held = held

    def remove(self, name: str) -> bool:
        return remove(self.path / name)

    def close(self) -> None:
        for group in folders(self.path):
            remove(group)
        remove(self.path)
        os.close(self._held)


def sweep(base: Path) -> None:
    """Removes the folders of launchers that no longer live, with what may still run in them."""
    for home in folders(base):
        if home.name.startswith(PREFIX):
            _sweep(home)


def _sweep(home: Path) -> None:
    held = _lock(home)
    if held is None:
        return
    for group in (*folders(home), home):
        for pid in read(group / "cgroup.procs").split():
            kill(int(pid))
        remove(group)
    os.close(held)


def _lock(home: Path) -> int | None:
    """The lock on a folder that still exists, or None: another process holds it, or has removed the folder."""
    try:
        held = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    if not home.exists():
        os.close(held)
        return None
    return held
