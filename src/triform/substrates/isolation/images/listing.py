"""The content of a root filesystem as one digest, whatever machine looks at it."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


def digest(root: Path) -> str:
    """SHA-256 over every path with its type, mode and content (or link target), sorted; owners and times do
    not count."""
    listing = hashlib.sha256()
    for path in sorted(walk(root)):
        listing.update(_line(path, path.relative_to(root)) + b"\0")
    return listing.hexdigest()


def size(root: Path) -> int:
    """Bytes on disk."""
    return sum(path.lstat().st_blocks * 512 for path in walk(root))


def walk(root: Path) -> Iterator[Path]:
    """Everything below `root`, links not followed."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            yield Path(folder, name)


def _line(path: Path, name: Path) -> bytes:
    status = path.lstat()
    kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return f"{name} {kind:o} -> {path.readlink()}".encode()
    content = _content(path) if stat.S_ISREG(status.st_mode) else ""
    return f"{name} {kind:o} {mode:o} {content}".encode()


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
