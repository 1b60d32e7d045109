"""`bin/bench [--quick] [--plot FILE.png] [--flame FILE.svg]`: medians and ratios, all taken in this one run."""

import argparse
import asyncio
import platform
import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import ours, peers
from bench.cost import Cost, cost_per_run
from bench.figures import Figures, table, together
from bench.gems import Deploys, deploys
from bench.memory import Memory, memory_of
from bench.neighbours import beside
from bench.plot import plot
from bench.scale import scaled
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.languages import read_languages

IMAGES = Path(__file__).parent.parent / ".triform" / "images"
_LANGUAGE = "ruby"
_FLAME_S = 10
_TITLE = re.compile(r">py-spy record [^<]*<")
_TURNS = 5
"""Ours and the peers' ways take turns: what a shared machine gives changes while they are measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    warm: int
    spawned: int
    elements: int
    past: int


FULL, QUICK = Size(2000, 100, 990, 1_000_000), Size(200, 15, 10, 10_000)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything; `rows` are ours and the peers'."""

    rows: list[Figures]
    scale: list[Figures]
    cost: Cost
    memory: Memory
    deploys: tuple[float, float]
    """Milliseconds of a deploy and of the first invoke after it, medians."""
    with_gems: Deploys


async def main(options: argparse.Namespace) -> None:
    size = QUICK if options.quick else FULL
    image = await Images(IMAGES).build(read_languages()[_LANGUAGE], print)
    with tempfile.TemporaryDirectory(prefix="triform-bench-") as name:
        folder = Path(name)
        found = await _measured(folder / "ours", peers.staged(image.root, folder), size, options.flame)
    if options.plot:
        plot(found.rows, options.plot)
    _tell(found)


async def _measured(folder: Path, root: Path, size: Size, flame: Path | None) -> Found:
    async with ours.server(folder, IMAGES) as instance:
        client, pid = instance.client, instance.pid
        plain = [await client.deploy(slug) for slug in ("sum", *(f"sum-{number}" for number in range(9)))]
        rows = together([await _turn(client, root, size) for _ in range(_TURNS)])
        cost = await cost_per_run(instance, lambda: ours.series(client, "cost", 8, size.warm))
        rows.append(await ours.asynchronous(client, size.warm))
        if flame:
            await _flame(client, pid, flame)
        memory = memory_of(pid)
        with_gems = await deploys(client, folder / "gems")
        scale = await scaled(instance, size.warm // 2, size.elements, size.past)
        scale += await beside(client, size.warm // 4)
    deployed, first = (statistics.median(values) for values in zip(*plain, strict=True))
    return Found(rows, scale, cost, memory, (deployed, first), with_gems)


async def _turn(client: ours.Client, root: Path, size: Size) -> list[Figures]:
    own = [
        await ours.series(client, f"Triform, end to end, {clients} client(s)", clients, size.warm // _TURNS)
        for clients in (1, 8, 32)
    ]
    return own + peers.measured(root, size.spawned // _TURNS, size.warm // _TURNS)


async def _flame(client: ours.Client, pid: int, path: Path) -> None:
    """What the server's interpreter does while eight clients invoke; needs py-spy, as `plot` needs matplotlib."""
    command = ["py-spy", "record", "--pid", str(pid), "--duration", str(_FLAME_S), "--output", str(path)]
    spy = subprocess.Popen(  # noqa: ASYNC220 - it is looked after below
        [*command, "--rate", "500"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while spy.poll() is None:
        await ours.series(client, "flame", 8, 200)
    _name(path)


def _name(graph: Path) -> None:
    """py-spy calls a graph by the command that made it, with its paths."""
    graph.write_text(_TITLE.sub(">the server, eight clients<", graph.read_text()))


def _tell(found: Found) -> None:
    deployed, first = found.deploys
    print(f"\n{platform.machine()}, {platform.release()}, Python {platform.python_version()}\n")
    print(table(found.rows, peers.SPAWN), table(found.scale, found.scale[0].name), sep="\n\n")
    print(f"\ndeploy: {deployed:.1f} ms, the first invoke after it: {first:.1f} ms")
    print(f"{found.with_gems.line()}\n")
    print(found.cost.table(), found.memory.table(), sep="\n\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs, to see that it works")
    parser.add_argument("--plot", type=Path, help="where to write a picture of the figures (PNG)")
    parser.add_argument("--flame", type=Path, help="where to write a flame graph of the server (SVG)")
    asyncio.run(main(parser.parse_args()))
