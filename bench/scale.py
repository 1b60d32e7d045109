"""Does what is there already slow down what comes? The same invoke with more elements and more past runs."""

import asyncpg

from bench.figures import Figures
from bench.ours import Client, Instance, series

_MORE = """
    INSERT INTO triform.runs
    SELECT r.* FROM triform.runs past, generate_series(1, $1::int) AS n,
    LATERAL jsonb_populate_record(past, jsonb_build_object(
        'run_id', lpad(to_hex(1600000000000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))) AS r
    WHERE past.run_id = (SELECT run_id FROM triform.runs WHERE status = 'completed' LIMIT 1)
"""


async def scaled(instance: Instance, runs: int, elements: int, past: int) -> list[Figures]:
    """One client's invokes: as it is, among `elements` elements, after `past` runs."""
    client = instance.client
    rows = [await series(client, "a fresh instance, 1 client", 1, runs)]
    for number in range(elements):
        await client.create(f"other-{number}")
    rows.append(await series(client, f"{elements:,} elements, 1 client", 1, runs))
    looked = await looked_at(client, runs // 10)
    await _add_past_runs(instance.dsn, past)
    rows.append(await series(client, f"and {past:,} past runs, 1 client", 1, runs))
    return [*rows, await listing(client, runs // 10), *looked]


async def looked_at(client: Client, times: int) -> list[Figures]:
    """The connections of the whole circle, and its newest runs."""
    return [
        await client.repeated(f"the circle's {what}", f"/api/bench/ops/{what}", times)
        for what in ("tree", "context", "runs")
    ]


async def _add_past_runs(dsn: str, count: int) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(_MORE, count, timeout=600)
    await connection.execute("VACUUM ANALYZE triform.runs", timeout=600)
    await connection.close()


async def listing(client: Client, times: int) -> Figures:
    """The newest page of an element's runs."""
    return await client.repeated("its newest 50 runs listed", "/api/bench/sum/ops/runs?limit=50", times)
