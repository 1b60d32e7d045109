"""A node that vanished: its runs are settled by the next one, none is lost, none is run twice silently."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from triform.executor import queue, recover
from triform.executor.house import House
from triform.executor.stored import call_of
from triform.runs.call import Call
from triform.runs.model import Run
from triform.storage.database import Database
from triform.storage.errors import DatabaseUnavailable
from triform.testing.clock import SkewedClock

from .asking import invoked, listed, replayed
from .world import GRANT, World, balanced, world

ASYNC = {"Prefer": "respond-async"}


async def vanish(acme: World) -> None:
    """What kill -9 leaves behind: rows as they are, spooled lines, a worker that says nothing more."""
    acme.node.house.spool.flush()
    await acme.database.execute(
        "insert into workers select $1, node_id, started_at, lease_until from workers", gone := uuid4()
    )
    await acme.database.execute(
        "update runs set worker_id = $1 where status in ('pending', 'running') and worker_id is not null", gone
    )


async def test_an_interrupted_synchronous_run_fails_with_its_lines(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate", "print": "one\ntwo\n"}))
        await acme.toy.begun("gate").wait()
        run_id = (await client.get(f"{ops}/runs")).json()["runs"][0]["run_id"]
        await vanish(acme)
        assert await acme.node.recovery.lost_workers() == 1
        run = (await client.get(f"{ops}/runs/{run_id}")).json()
        wallet = (await client.get("/api/acme/ops/wallet")).json()
        acme.toy.gate("gate").set()
        await waiting
        after = (await client.get(f"{ops}/runs/{run_id}")).json()
    assert (run["status"], run["error"]["code"], run["error"]["retryable"]) == ("failed", "RUN_INTERRUPTED", True)
    assert [line["text"] for line in run["logs"]["lines"]] == ["one", "two"]
    assert run["logs"]["complete"] is False
    assert wallet == {"balance_micro_au": GRANT, "held_micro_au": 0}
    assert after == run
    await balanced(database)


async def test_an_interrupted_asynchronous_run_is_tried_again(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        accepted = await client.post(f"{ops}/invoke", json={"wait": "gate", "print": "hello\n"}, headers=ASYNC)
        await acme.toy.begun("gate").wait()
        await vanish(acme)
        acme.node.house.live._runs.clear()
        await acme.node.recovery.lost_workers()
        acme.toy.gate("gate").set()  # also for the attempt that was lost: it ends too late to count
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
        assert await acme.node.house.live.drained(5)  # who asks may see the end before its worker has put all away
        assert list((tmp_path / "spool").iterdir()) == []
    assert run["status"] == "completed"
    assert [(a["number"], a["status"], a["code"]) for a in run["attempts"]] == [
        (1, "failed", "RUN_INTERRUPTED"),
        (2, "completed", None),
    ]
    assert [line["text"] for line in run["logs"]["lines"]] == ["hello", "hello"]
    await balanced(database)


@pytest.mark.parametrize(("prefer", "status"), [("respond-async", "completed"), ("handling=strict", "failed")])
async def test_an_interrupted_replay_is_tried_again_if_nobody_waits(
    database: Database, tmp_path: Path, prefer: str, status: str
) -> None:
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.coded(client, retry={"max_attempts": 2, "backoff_ms": 1})
        acme.toy.gate("gate").set()
        first = await invoked(client, ops, {"wait": "gate"})
        acme.toy.gates.clear()
        acme.toy.started.clear()
        going = asyncio.create_task(replayed(client, ops, first, Prefer=prefer))
        await acme.toy.begun("gate").wait()
        (replay,) = await listed(client, ops, trigger="replay")
        await vanish(acme)
        acme.node.house.live._runs.clear()
        await acme.node.recovery.lost_workers()
        acme.toy.gate("gate").set()
        run = (await client.get(f"{ops}/runs/{replay['run_id']}", params={"wait": 30})).json()
        await going
    assert (run["status"], run["attempts"][0]["code"]) == (status, "RUN_INTERRUPTED")
    await balanced(database)


async def test_a_database_away_for_a_moment_decides_nothing_about_a_run(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for a run taken from the queue nor for one whose worker was lost."""
    away = _AwayOnce()
    monkeypatch.setattr(queue, "call_of", away)
    monkeypatch.setattr(recover, "call_of", away)
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        accepted = await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=ASYNC)
        await acme.toy.begun("gate").wait()
        assert away.asked == 2
        await vanish(acme)
        acme.node.house.live._runs.clear()
        away.asked = 0
        with pytest.raises(DatabaseUnavailable):
            await acme.node.recovery.lost_workers()
        await acme.node.recovery.lost_workers()
        acme.toy.gate("gate").set()
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
    assert [(a["number"], a["status"]) for a in run["attempts"]] == [(1, "failed"), (2, "completed")]
    await balanced(database)


class _AwayOnce:
    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, run: Run, house: House) -> Call:
        self.asked += 1
        if self.asked == 1:
            raise DatabaseUnavailable
        return await call_of(run, house)


async def test_a_run_that_was_accepted_but_never_heard_of_is_ended(database: Database, tmp_path: Path) -> None:
    """The connection broke while the acceptance was being committed: the row is there, nobody carries it."""
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        run_id = (await client.get(f"{ops}/runs")).json()["runs"][0]["run_id"]
        acme.node.house.live._runs.clear()
        await database.execute(
            "update runs set run_id = $1, created_at = created_at - interval '1 hour' where run_id = $2",
            old := _long_ago(),
            run_id,
        )
        await database.execute("update holds set run_id = $1", old)
        await acme.node.recovery.orphans()
        run = (await client.get(f"{ops}/runs/{old}")).json()
        acme.toy.gate("gate").set()
        await waiting
    assert (run["status"], run["error"]["code"], run["cost_micro_au"]) == ("failed", "PLATFORM_FAULT", 0)
    await balanced(database)


async def test_an_orderly_end_leaves_no_run_unsettled(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        queued = await client.post(f"{ops}/invoke", json={"wait": "other"}, headers=ASYNC)
        await acme.toy.begun("other").wait()
    await asyncio.gather(waiting, return_exceptions=True)
    statuses = {str(r["run_id"]): r["status"] for r in await database.fetch("select run_id, status from runs")}
    assert statuses[queued.json()["run_id"]] == "pending"
    assert "running" not in statuses.values()
    assert await database.fetchval("select count(*) from workers") == 0


def _long_ago() -> str:
    return "01900000-0000-7000-8000-000000000001"


async def test_an_orderly_end_keeps_the_lines_printed_last(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={"print": "last words\n", "wait": "gate"}))
        await acme.toy.begun("gate").wait()
    await asyncio.gather(waiting, return_exceptions=True)
    lines = await database.fetchval("select convert_from(lines, 'UTF8') from run_logs")
    assert "last words" in lines


@pytest.mark.parametrize(("then", "now"), [(0.0, 60.0), (600.0, 0.0)], ids=["later", "clock set back"])
async def test_an_asynchronous_run_whose_start_was_not_heard_of_is_tried_again(
    database: Database, tmp_path: Path, then: float, now: float
) -> None:
    clock = SkewedClock()
    async with world(database, tmp_path, clock) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        clock.ahead = then
        accepted = await client.post(f"{ops}/invoke", json={"wait": "gate", "a": 2}, headers=ASYNC)
        await acme.toy.begun("gate").wait()
        acme.node.house.live._runs.clear()
        clock.ahead = now
        await acme.node.recovery.orphans()
        acme.toy.gate("gate").set()
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
    assert (run["status"], run["output"]) == ("completed", {"sum": 2})
    assert [(attempt["status"], attempt["code"]) for attempt in run["attempts"]] == [
        ("failed", "PLATFORM_FAULT"),
        ("completed", None),
    ]
    await balanced(database)
