"""What two nodes, or two connections, want of one row: the second one acts on what the first has made of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from tests.integration.meanwhile import meanwhile
from triform.executor.commits import End, Start
from triform.runs.model import Debit, Run, Status
from triform.runs.rows import run_from_row
from triform.storage.database import Database
from triform.testing.clock import SkewedClock

from .world import GRANT, World, world

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
async def acme(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, tmp_path) as running:
        yield running


async def test_money_that_another_node_just_set_aside_is_not_set_aside_again(
    acme: World, database: Database
) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        async with meanwhile(database, "update wallets set held_micro_au = balance_micro_au"):
            answer = await client.post(f"{ops}/invoke", json={})
        held = await database.fetchval("select held_micro_au from wallets")
    assert (answer.status_code, answer.json()["code"]) == (402, "INSUFFICIENT_BALANCE")
    assert held == GRANT


async def test_a_debit_counts_on_from_the_balance_that_another_node_left(acme: World, database: Database) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        running = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        async with meanwhile(database, "update wallets set balance_micro_au = balance_micro_au - 5000"):
            acme.toy.gate("gate").set()
            assert (await running).status_code == 200
    left = await database.fetchval("select balance_micro_au from wallets")
    told = await database.fetchval("select balance_after_micro_au from ledger where run_id is not null")
    assert told == left == GRANT - 5_000 - 10_000


async def waiting_run(acme: World, client: Any) -> Run:
    """Accepted, and not begun: the only slot is taken until the gate opens."""
    ops = await acme.adder(client, concurrency={"max": 1})
    await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=ASYNC)
    await acme.toy.begun("gate").wait()
    accepted = await client.post(f"{ops}/invoke", json={}, headers=ASYNC)
    row = await acme.database.fetchrow("select * from runs where run_id = $1", UUID(accepted.json()["run_id"]))
    assert row is not None
    return run_from_row(row)


def start_of(run: Run, acme: World, expected: int = 0) -> Start:
    return Start(run=run, expected=expected, attempt=1, worker_id=uuid4(), at=acme.node.house.clock.now())


async def test_a_run_is_begun_by_one_node_in_the_attempt_it_waits_for(acme: World) -> None:
    async with await acme.signed_in() as client:
        run = await waiting_run(acme, client)
        start = acme.node.house.commits.start
        assert not await start(start_of(run, acme, expected=1))
        assert await start(start_of(run, acme))
        assert not await start(start_of(run, acme))
        assert not await start(replace(start_of(run, acme), expected=1, attempt=2))


async def test_a_lost_attempt_that_ends_at_the_same_moment_does_not_keep_the_run_from_its_end(acme: World) -> None:
    """Both are written in one batch; only one of them can still be the run's."""
    async with await acme.signed_in() as client:
        run = await waiting_run(acme, client)
        commits, now = acme.node.house.commits, acme.node.house.clock.now()
        assert await commits.start(replace(start_of(run, acme), attempt=2))
        done = run.evolve(
            status=Status.completed, output=b"1", finished_at=now, debits=(Debit("per_invocation", 7),)
        )
        ends = [End(run=done, expected="running", attempt=each, lines=(), release_key=False) for each in (1, 2, 2)]
        assert await asyncio.gather(*map(commits.end, ends)) == [False, True, False]
        charged = await acme.database.fetch("select amount_micro_au from ledger where run_id = $1", run.run_id)
    assert [row["amount_micro_au"] for row in charged] == [7]


async def test_a_run_that_somebody_wants_cancelled_is_not_begun(acme: World) -> None:
    async with await acme.signed_in() as client:
        run = await waiting_run(acme, client)
        await acme.database.execute("update runs set cancel_requested = true where run_id = $1", run.run_id)
        assert not await acme.node.house.commits.start(start_of(run, acme))


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now() - interval '1 second'"])
async def test_a_credential_that_another_node_has_ended_begins_no_run(acme: World, change: str) -> None:
    """Although this node remembers it as good for two seconds more."""
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        assert (await client.post(f"{ops}/invoke", json={})).status_code == 200
        await acme.database.execute(f"update credentials set {change}")
        assert (await client.post(f"{ops}/invoke", json={})).status_code == 401
        assert await acme.database.fetchval("select count(*) from runs where operation = 'invoke'") == 1


async def test_a_role_that_another_node_has_changed_counts_for_the_next_run(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        assert (await client.post(f"{ops}/invoke", json={})).status_code == 200
        await acme.database.execute("update members set role = 'viewer'")
        await acme.database.execute("update credentials set revision = revision + 1")
        assert (await client.post(f"{ops}/invoke", json={})).status_code == 403


async def taken_by_another_node(acme: World, lease: timedelta) -> None:
    """All that runs is another node's, which is believed to live for so long."""
    now, other = acme.node.house.clock.now(), uuid4()
    await acme.database.execute("insert into workers values ($1, $2, $3, $4)", other, uuid4(), now, now + lease)
    await acme.database.execute("update runs set worker_id = $1 where status = 'running'", other)


async def test_a_run_is_its_node_s_until_the_lease_has_run_out(database: Database, tmp_path: Path) -> None:
    clock = SkewedClock()
    async with world(database, tmp_path, clock) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        await taken_by_another_node(acme, timedelta(minutes=10))
        assert await acme.node.recovery.lost_workers() == 0
        assert await database.fetchval("select count(*) from runs where status = 'running'") == 1
        clock.ahead = 601.0
        await acme.node.recovery.lost_workers()
        ended = await database.fetchval("select error_code from runs where operation = 'invoke'")
        acme.toy.gate("gate").set()
        await waiting
    assert ended == "RUN_INTERRUPTED"


async def test_a_node_that_lives_renews_its_lease_and_joins_again_when_it_was_given_up(
    database: Database, tmp_path: Path
) -> None:
    clock = SkewedClock()
    async with world(database, tmp_path, clock) as acme:
        clock.ahead = 3600.0
        (renewal,) = [loop for loop in acme.node.loops if loop.name == "lease"]
        for forget in ("", "delete from workers"):
            if forget:
                await database.execute(forget)
            await renewal.once()
            until = await database.fetchval("select lease_until from workers")
            assert until > clock.now()
