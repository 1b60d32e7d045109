"""A collector that is slow, hangs, closes or fails costs spans, never a run."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.executor.world import World, balanced, world
from triform.observability.export import Export
from triform.storage.database import Database

from .collector import Collector, Manner, collecting

RUNS = 60
MOST_WAITING = 16


def _crowded(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """A queue that is full after a few runs, exported at once, and given up soon."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(MOST_WAITING))
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")


async def _many(acme: World) -> set[int]:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        return {(await client.post(f"{ops}/invoke", json={"a": n})).status_code for n in range(RUNS)}


def _export(acme: World) -> Export:
    (export,) = acme.node.house.tracing.exports
    return export


@pytest.mark.parametrize("manner", ["hangs", "closes", "fails"])
async def test_runs_go_on_while_the_collector_does_not(
    manner: Manner, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting(manner) as collector:
        _crowded(monkeypatch, collector.endpoint)
        async with world(database, tmp_path) as acme:
            assert await _many(acme) == {200}
            await asyncio.to_thread(collector.asked.wait)
            figures = _export(acme).figures
            assert figures.exported == 0
            assert manner == "fails" or figures.dropped > 0
            collector.released.set()
            acme.node.house.tracing.shutdown()
    await balanced(database)


async def test_runs_go_on_where_no_collector_listens(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting() as gone:
        endpoint = gone.endpoint
    _crowded(monkeypatch, endpoint)
    async with world(database, tmp_path) as acme:
        assert await _many(acme) == {200}
        acme.node.house.tracing.shutdown()
        figures = _export(acme).figures
    assert figures.exported == 0
    assert figures.dropped > 0


async def test_a_node_that_stops_sends_what_waits(collector: Collector, acme: World) -> None:
    assert await _many(acme) == {200}
    acme.node.house.tracing.shutdown()
    figures = _export(acme).figures
    assert (figures.failed, figures.dropped) == (0, 0)
    assert figures.exported == len(collector.spans) >= 5 * RUNS
