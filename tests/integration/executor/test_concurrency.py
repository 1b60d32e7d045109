"""Slots: an element's maximum, the queue behind it, reservations."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from triform.storage.database import Database

from .world import World, balanced, world

Opener = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def opened(database: Database, tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opening(**settings: Any) -> AsyncIterator[World]:
        async with world(database, tmp_path, **settings) as running:
            yield running
        await balanced(database)

    return opening


async def test_no_more_than_max_run_at_once_and_all_are_served(opened: Opener) -> None:
    async with opened() as acme, await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 3})
        answers = await asyncio.gather(*(client.post(f"{ops}/invoke", json={"a": n}) for n in range(30)))
    assert [answer.json() for answer in answers] == [{"sum": n} for n in range(30)]
    assert acme.toy.most_at_once <= 3


async def test_a_full_queue_refuses_on_arrival_and_makes_no_run(opened: Opener) -> None:
    async with opened(queue_limit=1) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        running = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        queued = asyncio.create_task(client.post(f"{ops}/invoke", json={"a": 1}))
        while not acme.node.house.slots.waiting:
            await client.get(f"{ops}/get")
        refused = await client.post(f"{ops}/invoke", json={"a": 2})
        acme.toy.gate("gate").set()
        await asyncio.gather(running, queued)
        runs = (await client.get(f"{ops}/runs")).json()["runs"]
    assert (refused.status_code, refused.json()["code"]) == (429, "QUEUE_FULL")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(runs) == 2


async def test_a_run_that_waits_too_long_fails_and_its_hold_is_released(opened: Opener) -> None:
    async with opened(queue_wait_ms=50) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        running = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        late = await client.post(f"{ops}/invoke", json={"a": 1})
        run = (await client.get(late.headers["location"])).json()
        acme.toy.gate("gate").set()
        assert (await running).status_code == 200
    assert (late.status_code, late.json()["code"]) == (429, "CONCURRENCY_LIMIT")
    assert (run["status"], run["cost_micro_au"], run["attempts"]) == ("failed", 0, [])


async def test_reserved_slots_are_kept_free(opened: Opener) -> None:
    async with opened(worker_slots=4) as acme, await acme.signed_in() as client:
        kept = await acme.adder(client, "kept", concurrency={"reserved": 1})
        greedy = await acme.adder(client, "greedy")
        await acme.node.loops[2].once()
        flood = [asyncio.create_task(client.post(f"{greedy}/invoke", json={"wait": "gate"})) for _ in range(10)]
        await acme.toy.begun("gate").wait()
        assert (await client.post(f"{kept}/invoke", json={"a": 1})).json() == {"sum": 1}
        acme.toy.gate("gate").set()
        await asyncio.gather(*flood)
    assert acme.toy.most_at_once == 4


async def test_a_full_backlog_refuses(opened: Opener) -> None:
    async with opened(backlog_limit=2, worker_slots=1) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        running = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        answers = await asyncio.gather(
            *(client.post(f"{ops}/invoke", json={}, headers={"Prefer": "respond-async"}) for _ in range(6))
        )
        acme.toy.gate("gate").set()
        await running
        for answer in answers:
            if answer.status_code == 202:
                await client.get(answer.headers["location"], params={"wait": 30})
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429, 429, 429]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"BACKLOG_FULL"}


async def test_a_wallet_admits_as_many_as_it_can_pay_and_not_one_more(opened: Opener) -> None:
    async with opened(wallet_grant_micro_au=50_000) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client)
        answers = await asyncio.gather(*(client.post(f"{ops}/invoke", json={}) for _ in range(12)))
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [402] * 7
    assert wallet == {"balance_micro_au": 0, "held_micro_au": 0}
