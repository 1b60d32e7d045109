"""What a group has used, read from its files. The server reads them too: that spares it the way to the launcher.

Standard library only.
"""

from collections.abc import Mapping
from typing import NamedTuple

from triform.substrates.isolation.drivers.process.launcher.files import field, read

UNIFIED = "unified"


class Usage(NamedTuple):
    """What a group has used so far. `oom_kills`: processes killed because memory ran out."""

    oom_kills: int
    cpu_ms: float
    memory_peak: int


class Spent(NamedTuple):
    """The part of it that every run is asked for."""

    cpu_ms: float
    memory_peak: int


def usage(places: Mapping[str, str], group: str) -> Usage:
    """`places`: the folder of groups by controller, or by UNIFIED. What is not counted there is 0."""
    if UNIFIED in places:
        kills = read(f"{places[UNIFIED]}{group}/memory.events")
    else:
        kills = read(f"{places['memory']}{group}/memory.oom_control") if "memory" in places else ""
    return Usage(field(kills, "oom_kill"), *spent(places, group))


def spent(places: Mapping[str, str], group: str) -> Spent:
    """As `usage`."""
    return _unified(places[UNIFIED] + group) if UNIFIED in places else _separate(places, group)


def _unified(folder: str) -> Spent:
    peak = read(f"{folder}/memory.peak") or read(f"{folder}/memory.current")
    return Spent(field(read(f"{folder}/cpu.stat"), "usage_usec") / 1e3, int(peak or 0))


def _separate(places: Mapping[str, str], group: str) -> Spent:
    cpu = read(f"{places['cpuacct']}{group}/cpuacct.usage") if "cpuacct" in places else ""
    peak = read(f"{places['memory']}{group}/memory.max_usage_in_bytes") if "memory" in places else ""
    return Spent(int(cpu or 0) / 1e6, int(peak or 0))
