"""Server processes whose supervisor is gone: found by where they work, ended before a new server starts.

Only called while the home's lock is held, so nobody else can be using them.
"""

import os
import select
import signal
import time
from pathlib import Path

from triform.storage.embedded.home import Home

_PATIENCE_S = 5.0


def end_leftovers(home: Home) -> list[int]:
    """End every Postgres process working in this home's data directory; returns their pids."""
    found = _processes_in(home)
    _end(found, signal.SIGQUIT)
    _end(_processes_in(home), signal.SIGKILL)
    _forget_stale_pid_file(home)
    return found


def _processes_in(home: Home) -> list[int]:
    places = {str(home.data.resolve()), str(home.unfinished_data.resolve())}
    return [
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _works_in(entry, places)
    ]


def _works_in(process: Path, places: set[str]) -> bool:
    try:
        return str((process / "cwd").readlink()) in places and _is_postgres(process)
    except OSError:
        return False


def _is_postgres(process: Path) -> bool:
    return (process / "comm").read_text().strip() == "postgres"


def _end(pids: list[int], how: signal.Signals) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            signal.pidfd_send_signal(descriptor, how)
            select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)


def _forget_stale_pid_file(home: Home) -> None:
    """Postgres itself forgets a pid file whose process is gone, but not when another program has that pid now."""
    file = home.data / "postmaster.pid"
    try:
        process = Path("/proc") / str(int(file.read_text().split("\n", 1)[0]))
        if process.exists() and not _is_postgres(process):
            file.unlink()
    except (OSError, ValueError):
        return
