"""Some of many go first, and the rest only if they end as before; one key is one batch."""

import asyncio

import pytest

from .asking import batch, batch_refused, ended, gated, invoked, renamed
from .world import GRANT, PRICE, World

PROMOTED = """
update elements set live_commit = 'c', live_version = 2, demo_commit = 'c', demo_version = 2 where slug = 'greet'
"""
KEY = {"Idempotency-Key": "batch-1"}


async def changed(world: World, run_id: str, output: bytes = b'{"sum":-1}') -> None:
    """What a run ended with is another thing now, so that a replay differs."""
    await world.database.execute("update runs set output = $1 where run_id = $2", output, run_id)


async def test_a_canary_that_ends_as_before_is_followed_by_the_rest(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        runs = [await invoked(client, ops, {"a": n}) for n in range(5)]
        await invoked(client, ops, {"fail": "TOY_BROKE"}, 500)
        answer = await batch(client, ops, {"dry_run": False, "canary": 2, "per_second": 100})
        again = await ended(client, ops, answer)
    assert answer["canary"] == {"runs": 2, "same": True, "differing": [], "unfinished": []}
    assert (answer["stopped"], len(again), acme.toy.seen) == (False, 6, 12)
    assert [run["replay_of"] for run in again][:5] == runs


async def test_nothing_more_is_started_when_the_canary_differs(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        runs = [await invoked(client, ops, {"a": n}) for n in range(5)]
        await changed(acme, runs[1])
        answer = await batch(client, ops, {"dry_run": False, "canary": 2})
        replays = await ended(client, ops, answer)
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert (answer["stopped"], answer["canary"]["same"]) == (True, False)
    assert answer["canary"]["differing"] == [{"replay_of": runs[1], "run_id": replays[1]["run_id"]}]
    assert [each["run_id"] for each in answer["runs"]][2:] == [None] * 3
    assert (acme.toy.seen, len(replays)) == (7, 2)
    assert wallet == {"balance_micro_au": GRANT - 7 * PRICE, "held_micro_au": 0}


async def test_a_canary_that_does_not_end_stops_the_rest(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triform.executor.replays.CANARY_S", 0.0)
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        runs = await gated(acme, client, ops, 2)
        answer = await batch(client, ops, {"dry_run": False, "canary": 1})
        acme.toy.gate("gate").set()
        (canary,) = await ended(client, ops, answer)
    assert (answer["stopped"], canary["status"]) == (True, "completed")
    assert answer["canary"]["unfinished"] == [{"replay_of": runs[0], "run_id": canary["run_id"]}]


async def test_a_change_of_the_element_meanwhile_runs_no_canary_twice(acme: World) -> None:
    """The rest runs the version that the canary ran."""
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        await gated(acme, client, ops, 3)
        going = asyncio.create_task(batch(client, ops, {"dry_run": False, "canary": 1, "per_second": 100}))
        await acme.toy.begun("gate").wait()
        await renamed(client, ops)
        await acme.database.execute(PROMOTED)
        acme.toy.gate("gate").set()
        answer = await going
        runs = await ended(client, ops, answer)
    assert (answer["canary"]["runs"], len(runs), acme.toy.seen) == (1, 3, 6)
    assert [run["element_version"] for run in runs] == [1, 1, 1]


async def test_one_key_is_one_batch(acme: World) -> None:
    body = {"dry_run": False, "canary": 1, "per_second": 100}
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        await gated(acme, client, ops, 2)
        first = asyncio.create_task(batch(client, ops, body, **KEY))
        await acme.toy.begun("gate").wait()
        acme.toy.started.clear()
        second = asyncio.create_task(batch_refused(client, ops, body, **KEY))
        another = asyncio.create_task(acme.toy.begun("gate").wait())
        await asyncio.wait({second, another}, return_when=asyncio.FIRST_COMPLETED)
        another.cancel()
        acme.toy.gate("gate").set()
        answer, refused = await first, await second
        again = await batch(client, ops, body, **KEY)
        await ended(client, ops, answer)
    assert (refused["status"], refused["code"]) == (409, "IDEMPOTENCY_IN_FLIGHT")
    assert again == answer
    assert acme.toy.seen == 4
