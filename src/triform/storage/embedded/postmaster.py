"""One running Postgres server: its command line, its process, its end."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from triform.storage.embedded.home import Home
from triform.storage.embedded.launch import ENVIRONMENT, Launch
from triform.storage.embedded.socket_folder import PORT

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "120",
        "shared_buffers": "128MB",
        "effective_cache_size": "512MB",
        "huge_pages": "off",
        "max_wal_size": "1GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        # Parallel queries take /dev/shm, of which containers have 64 MB.
        "max_parallel_workers_per_gather": "0",
        "max_parallel_maintenance_workers": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        # Values of tenants and passwords of roles stay out of the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
)
"""For a small machine beside other work. Durability (fsync, synchronous_commit, full_page_writes) stays on."""

_FAST_STOP_S = 20.0
_IMMEDIATE_STOP_S = 5.0


def server_command(home: Home, launch: Launch, sockets: Path, settings: Mapping[str, str]) -> list[str]:
    """`settings` are added to, and win over, `SETTINGS`."""
    merged = {**SETTINGS, "unix_socket_directories": str(sockets), "port": str(PORT), **settings}
    options = [part for name, value in merged.items() for part in ("-c", f"{name}={value}")]
    return launch.command("postgres", "-D", str(home.data), *options)


class Postmaster:
    """Start it in the thread that outlives it: the kernel ends it together with that thread."""

    def __init__(self, command: list[str], home: Home) -> None:
        home.turn_log()
        self._home = home
        self._log_start = home.log_size()
        with home.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                cwd=home.root,
                start_new_session=True,  # Ctrl-C is ours to handle: first the runs, then the database.
            )
        self._descriptor = os.pidfd_open(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def said(self) -> str:
        return self._home.log_since(self._log_start)

    async def ended(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        if self._process.poll() is None:
            await _readable(self._descriptor)
        return self._process.wait()

    async def stop(self) -> None:
        """Fast shutdown (a checkpoint, no recovery at the next start); rougher when that takes too long."""
        for how, patience in ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, _IMMEDIATE_STOP_S)):
            if await self._stopped_by(how, patience):
                break
        else:
            self._process.kill()
            await self.ended()
        self.close()

    async def _stopped_by(self, how: signal.Signals, patience_s: float) -> bool:
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            await asyncio.wait_for(self.ended(), patience_s)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Give the descriptor back; only once it has ended."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


async def _readable(descriptor: int) -> None:
    """A pidfd becomes readable when its process ends."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    own = os.dup(descriptor)  # One reader per descriptor and loop: several waiters must not share one.
    loop.add_reader(own, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(own)
        os.close(own)
