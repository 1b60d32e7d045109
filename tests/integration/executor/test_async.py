"""Asynchronous runs: accepted at once, carried out by the queue, tried again by policy."""

import asyncio
from pathlib import Path

from triform.storage.database import Database
from triform.testing.clock import SkewedClock

from .world import GRANT, PRICE, World, world

ASYNC = {"Prefer": "respond-async"}


async def test_a_run_can_be_read_the_moment_it_was_accepted(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        for _ in range(50):
            accepted = await client.post(f"{ops}/invoke", json={"a": 1}, headers=ASYNC)
            assert accepted.status_code == 202
            assert accepted.headers["preference-applied"] == "respond-async"
            assert (await client.get(accepted.headers["location"])).status_code == 200


async def test_an_accepted_run_is_carried_out_and_can_be_waited_for(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        accepted = await client.post(f"{ops}/invoke", json={"a": 2, "b": 2}, headers=ASYNC)
        assert accepted.json()["status"] == "pending"
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
    assert (run["status"], run["output"], run["trigger"]) == ("completed", {"sum": 4}, "async")
    assert [attempt["status"] for attempt in run["attempts"]] == ["completed"]


async def test_prefer_wait_answers_the_result_when_it_comes_in_time(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={"a": 3}, headers={"Prefer": "wait=30"})
        assert (answer.status_code, answer.json()) == (200, {"sum": 3})
        assert answer.headers["preference-applied"] == "wait=30"


async def test_prefer_wait_answers_202_when_it_does_not(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers={"Prefer": "wait=1"})
        assert answer.status_code == 202
        acme.toy.gate("gate").set()
        assert (await client.get(answer.headers["location"], params={"wait": 30})).json()["status"] == "completed"


async def test_retryable_failures_are_tried_again_and_charged_once(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        body = {"fail": "TOY_FLAKY", "retryable": True, "times": 2, "a": 5, "print": "try\n"}
        accepted = await client.post(f"{ops}/invoke", json=body, headers=ASYNC)
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert (run["status"], run["output"]) == ("completed", {"sum": 5})
    assert [(a["number"], a["status"], a["code"]) for a in run["attempts"]] == [
        (1, "failed", "TOY_FLAKY"),
        (2, "failed", "TOY_FLAKY"),
        (3, "completed", None),
    ]
    assert [(line["seq"], line["text"]) for line in run["logs"]["lines"]] == [(1, "try"), (2, "try"), (3, "try")]
    assert wallet["balance_micro_au"] == GRANT - PRICE


async def test_the_last_attempt_decides(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        body = {"fail": "TOY_FLAKY", "retryable": True}
        accepted = await client.post(f"{ops}/invoke", json=body, headers=ASYNC)
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
    assert (run["status"], run["error"]["code"], len(run["attempts"])) == ("failed", "TOY_FLAKY", 3)


async def test_a_failure_that_is_not_retryable_is_final(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        accepted = await client.post(f"{ops}/invoke", json={"fail": "TOY_BROKE"}, headers=ASYNC)
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
    assert (run["status"], len(run["attempts"])) == ("failed", 1)


async def test_a_synchronous_caller_gets_the_first_outcome(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={"fail": "TOY_FLAKY", "retryable": True, "times": 1})
    assert answer.json()["retryable"] is True
    assert acme.toy.seen == 1


async def test_a_run_keeps_the_version_it_was_accepted_with(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=ASYNC)
        await acme.toy.begun("gate").wait()
        second = await client.post(f"{ops}/invoke", json={"a": 1}, headers=ASYNC)
        assert (await client.patch("/api/acme/sum", json={"name": "Other"})).json()["version"] == 2
        acme.toy.gate("gate").set()
        run = (await client.get(second.headers["location"], params={"wait": 30})).json()
    assert (run["status"], run["element_version"]) == ("completed", 1)


async def test_a_run_whose_element_was_disabled_meanwhile_fails_without_a_charge(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=ASYNC)
        await acme.toy.begun("gate").wait()
        second = await client.post(f"{ops}/invoke", json={"a": 1}, headers=ASYNC)
        assert (await client.post(f"{ops}/disable")).status_code == 200
        acme.toy.gate("gate").set()
        run = (await client.get(second.headers["location"], params={"wait": 30})).json()
    assert (run["status"], run["error"]["code"], run["cost_micro_au"]) == ("failed", "ELEMENT_DISABLED", 0)


async def test_many_asynchronous_runs_all_end(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        accepted = await asyncio.gather(
            *(client.post(f"{ops}/invoke", json={"a": n}, headers=ASYNC) for n in range(100))
        )
        ends = await asyncio.gather(*(client.get(a.headers["location"], params={"wait": 60}) for a in accepted))
    assert [end.json()["output"] for end in ends] == [{"sum": n} for n in range(100)]


async def test_a_wait_that_a_wrong_clock_set_does_not_outlast_it(database: Database, tmp_path: Path) -> None:
    clock = SkewedClock()
    async with world(database, tmp_path, clock) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client, retry={"backoff_ms": 3_600_000})
        clock.ahead = 600.0  # less than a session lasts
        body = {"fail": "TOY_FLAKY", "retryable": True, "times": 1}
        accepted = await client.post(f"{ops}/invoke", json=body, headers=ASYNC)
        while (await client.get(accepted.headers["location"])).json()["next_attempt_at"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0)  # each look is a request; there is no event for a wait that begins
        clock.ahead = 0.0
        run = (await client.get(accepted.headers["location"], params={"wait": 30})).json()
    assert (run["status"], len(run["attempts"])) == ("completed", 2)
