"""One server per home: an flock that the kernel releases with its holder, however that ends."""

import fcntl
import os
from pathlib import Path

from triform.errors import Suggestion
from triform.storage.embedded.initialise import failed
from triform.storage.errors import DataDirInUse


class HomeLock:
    """Held from `take` to `release`; never inherited by the Postgres processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises `DataDirInUse`, naming the holder; `EmbeddedPostgresFailed` when the file cannot be written."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failed("The database's folder cannot be locked.", str(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise _in_use(self._path, holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _in_use(path: Path, holder: str) -> DataDirInUse:
    return DataDirInUse(
        f"Another Triform server (process {holder}) is running on {path.parent}.",
        suggestion=Suggestion(
            why="Two servers on one data directory would destroy it.",
            fix="Stop the other server, or give this one its own directory with TRIFORM_DATA_DIR (--data-dir).",
        ),
    )
