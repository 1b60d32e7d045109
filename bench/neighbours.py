"""What a run feels of the runs beside it that do their worst."""

from bench.figures import Figures
from bench.ours import Client, series

_WORST = {
    "a memory hog": "held = []; loop { held << 'x' * 1_000_000 }",
    "a fork bomb": "loop { fork { sleep 60 } rescue sleep 0.01 }",
}
_RUNS = 4


async def beside(client: Client, runs: int) -> list[Figures]:
    """One client's invokes while another element's runs go over one of their bounds, again and again."""
    rows = []
    for number, (name, ruby) in enumerate(_WORST.items()):
        slug = f"worst-{number}"
        await client.create(slug, f"def handler(_input)\n  {ruby}\nend\n", timeout_ms=5_000)
        bad = [await client.accepted(slug) for _ in range(_RUNS)]
        rows.append(await series(client, f"beside {name}, 1 client", 1, runs))
        for location in bad:
            await client.cancelled(location)
    return rows
