"""Copies of folders that take long to make."""

import subprocess
from collections.abc import Callable
from pathlib import Path

DataDirs = Callable[[str], Path]
"""Makes a data folder for a server, by the name of its use."""


def copy_of(folder: Path, target: Path) -> Path:
    """`target`, which must not exist, is the same then; its parents are made, and closed to others."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    subprocess.run(["cp", "--archive", "--reflink=auto", folder, target], check=True)
    return target
