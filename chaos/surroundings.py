"""What an instance stands in and a fault may bend: the disk its data lies on, and the wall clock it reads."""

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

from triform.testing.clock import SkewedClock

_SIZE = 2 << 30
_LEAST = 4096


class Disk:
    """A file system of its own in `folder`, which can be filled; needs root and a loop device."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        self.mounted = False

    def mount(self) -> None:
        """Leaves the folder an ordinary one where that is not possible."""
        self.folder.mkdir()
        image = self.folder.with_suffix(".img")
        with image.open("wb") as file:
            file.truncate(_SIZE)
        make = ["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1", image]
        self.mounted = _can(make) and _can(["mount", "-o", "loop", image, self.folder])

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=True)

    def fill(self) -> None:
        """To the last block. What is taken holds no data, so that nothing is written below."""
        step = shutil.disk_usage(self.folder).free
        with self._filler.open("ab") as file:
            while step >= _LEAST:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
                except OSError:
                    step //= 2

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


class WallClock:
    """Sets the wall clock of an instance wrong, while it runs; `SteeredClock` is the other end."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_bytes(struct.pack("d", 0.0))
        self._shared = _shared(file)

    def set_ahead(self, seconds: float) -> None:
        struct.pack_into("d", self._shared, 0, seconds)


class SteeredClock(SkewedClock):
    """The clock of an instance: as wrong as the file says at every look."""

    def __init__(self, file: Path) -> None:
        self._shared = _shared(file)

    @property
    def ahead(self) -> float:
        found: float = struct.unpack_from("d", self._shared, 0)[0]
        return found


def _shared(file: Path) -> mmap.mmap:
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), 8)


def _can(command: list[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
