"""Reading and writing the small files of /proc and /sys, without buffering. Standard library only."""

import os
import re
from pathlib import Path

_PAGE = 1 << 14
"""Most of these files are small, and room for more is not free."""


def folders(path: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def remove(folder: str | Path) -> bool:
    """False while it cannot be removed yet."""
    try:
        os.rmdir(folder)  # noqa: PTH106
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def write(path: str | Path, text: str, optional: bool = False) -> None:
    """`optional`: a kernel without this file is fine."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        if optional:
            return
        raise
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def read(path: str | Path) -> str:
    """ "" when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        text = piece = os.read(descriptor, _PAGE)
        while len(piece) == _PAGE:
            piece = os.read(descriptor, _PAGE)
            text += piece
        return text.decode()
    finally:
        os.close(descriptor)


def field(text: str, name: str) -> int:
    """The number after a name at the beginning of a line; 0 when there is none."""
    found = re.search(rf"^{name} (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
