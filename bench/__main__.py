"""`bin/bench [--quick]`: prints a table of medians and ratios, all taken in this one run."""

import argparse
import asyncio
import platform
import tempfile
from pathlib import Path

from bench import ours, peers
from bench.cost import Cost, cost_per_run
from bench.figures import Figures, table
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.languages import read_languages

IMAGES = Path(__file__).parent.parent / ".triform" / "images"
_LANGUAGE = "ruby"


async def main(quick: bool) -> None:
    warm, spawned = (200, 15) if quick else (2000, 100)
    image = await Images(IMAGES).build(read_languages()[_LANGUAGE], print)
    with tempfile.TemporaryDirectory(prefix="triform-bench-") as name:
        folder = Path(name)
        rows, cost, first_ms = await _ours(folder / "data", warm)
        rows += peers.measured(peers.staged(image.root, folder), spawned, warm)
    print(f"\n{platform.machine()}, {platform.release()}, Python {platform.python_version()}\n")
    print(table(rows, peers.SPAWN))
    print(f"\nfirst invoke after deploy: {first_ms:.1f} ms\n")
    print(cost.table())


async def _ours(data_dir: Path, runs: int) -> tuple[list[Figures], Cost, float]:
    async with ours.server(data_dir, IMAGES) as (client, pid):
        first_ms = await client.deploy("sum")
        rows = [
            await ours.series(client, f"Triform, end to end, {clients} client(s)", clients, runs)
            for clients in (1, 8, 32)
        ]
        cost = await cost_per_run(pid, lambda: ours.series(client, "cost", 8, runs))
    return rows, cost, first_ms


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a tenth of the runs, to see that it works")
    asyncio.run(main(options.parse_args().quick))
