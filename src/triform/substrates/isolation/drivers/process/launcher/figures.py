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


def usage(places: Mapping[str, str], group: str) -> Usage:
    """`places`: the folder of groups by controller, or by UNIFIED. What is not counted there is 0."""
    if UNIFIED in places:
        return _unified(places[UNIFIED] + group)
    return _separate(places, group)


def _unified(folder: str) -> Usage:
    kills = field(read(f"{folder}/memory.events"), "oom_kill")
    peak = read(f"{folder}/memory.peak") or read(f"{folder}/memory.current")
    return Usage(kills, field(read(f"{folder}/cpu.stat"), "usage_usec") / 1e3, int(peak or 0))


def _separate(places: Mapping[str, str], group: str) -> Usage:
    cpu = read(f"{places['cpuacct']}{group}/cpuacct.usage") if "cpuacct" in places else ""
    if "memory" not in places:
        return Usage(0, int(cpu or 0) / 1e6, 0)
    memory = f"{places['memory']}{group}"
    kills = field(read(f"{memory}/memory.oom_control"), "oom_kill")
    return Usage(kills, int(cpu or 0) / 1e6, int(read(f"{memory}/memory.max_usage_in_bytes") or 0))
