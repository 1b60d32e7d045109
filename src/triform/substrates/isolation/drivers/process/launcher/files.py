"""Reading and writing the small files of /proc and /sys, without buffering. Standard library only."""

import os
import re
from pathlib import Path


def folders(path: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def remove(group: Path) -> bool:
    try:
        group.rmdir()
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


def write(path: Path, text: str, optional: bool = False) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        if optional or path.name == "memory.memsw.limit_in_bytes":
            return
        raise
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        return os.read(descriptor, 65536).decode()
    finally:
        os.close(descriptor)


def field(text: str, name: str) -> int:
    found = re.search(rf"^{name} (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
