"""What is still alive on this machine: processes are told apart by number and start time."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PPID, _STARTED = 1, 19
"""Fields of /proc/<pid>/stat, counted behind the name."""


class Alive(NamedTuple):
    pid: int
    started: int


def below(pid: int) -> set[Alive]:
    """The process and everything it has started, directly or not."""
    parents = {number: fields for number, fields in _all()}
    found = {pid}
    while more := {n for n, fields in parents.items() if int(fields[_PPID]) in found and n not in found}:
        found |= more
    return {Alive(number, int(parents[number][_STARTED])) for number in found if number in parents}


def of(processes: set[Alive]) -> set[Alive]:
    """Those of them that still are there; a zombie is not."""
    now = {Alive(number, int(fields[_STARTED])) for number, fields in _all() if fields[0] != "Z"}
    return processes & now


def with_argument(argument: str, above: int | None = None) -> list[int]:
    """Processes that were started with this argument; only those that `above` has started, if it is given."""
    wanted = argument.encode()
    numbers = _numbers() if above is None else [each.pid for each in below(above)]
    return [number for number in numbers if wanted in _read(number, "cmdline").split(b"\0")]


def _all() -> Iterator[tuple[int, list[str]]]:
    for number in _numbers():
        stat = _read(number, "stat").decode(errors="replace").rpartition(")")[2].split()
        if stat:
            yield number, stat


def _numbers() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return (Path("/proc") / str(pid) / name).read_bytes()
    except OSError:
        return b""
