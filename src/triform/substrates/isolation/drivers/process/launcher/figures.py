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
    return _unified(places[UNIFIED] + group) if UNIFIED in places else _separate(places, group)


def _unified(folder: str) -> Usage:
    return Usage(
        oom_kills=field(read(f"{folder}/memory.events"), "oom_kill"),
        cpu_ms=field(read(f"{folder}/cpu.stat"), "usage_usec") / 1e3,
        memory_peak=int(read(f"{folder}/memory.peak") or read(f"{folder}/memory.current") or 0),
    )


def _separate(places: Mapping[str, str], group: str) -> Usage:
    kills, peak, cpu = "", "", ""
    if "memory" in places:
        kills = read(f"{places['memory']}{group}/memory.oom_control")
        peak = read(f"{places['memory']}{group}/memory.max_usage_in_bytes")
    if "cpuacct" in places:
        cpu = read(f"{places['cpuacct']}{group}/cpuacct.usage")
    return Usage(field(kills, "oom_kill"), int(cpu or 0) / 1e6, int(peak or 0))
