"""Cancelling: pending, queued and running runs end; ended ones do not change."""

import asyncio

from .world import GRANT, PRICE, World

ASYNC = {"Prefer": "respond-async"}


async def test_a_running_run_is_cancelled_and_charged(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate", "print": "kept\n"}))
        await acme.toy.begun("gate").wait()
        run_id = (await client.get(f"{ops}/runs")).json()["runs"][0]["run_id"]
        cancelled = await client.post(f"{ops}/runs/{run_id}/cancel")
        answer = await waiting
        wallet = (await client.get("/api/acme/ops/wallet")).json()
        run = (await client.get(f"{ops}/runs/{run_id}")).json()
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (answer.status_code, answer.json()["code"]) == (409, "RUN_CANCELLED")
    assert wallet == {"balance_micro_au": GRANT - PRICE, "held_micro_au": 0}
    assert [line["text"] for line in run["logs"]["lines"]] == ["kept"]


async def test_a_pending_run_is_cancelled_without_a_charge(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=ASYNC)
        await acme.toy.begun("gate").wait()
        second = await client.post(f"{ops}/invoke", json={"a": 1}, headers=ASYNC)
        cancelled = await client.post(f"{second.headers['location']}/cancel")
        acme.toy.gate("gate").set()
        run = (await client.get(second.headers["location"], params={"wait": 5})).json()
    assert (cancelled.status_code, run["status"], run["cost_micro_au"]) == (200, "cancelled", 0)
    assert acme.toy.seen == 1


async def test_a_run_waiting_for_a_slot_is_cancelled(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        first = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        second = asyncio.create_task(client.post(f"{ops}/invoke", json={"a": 1}))
        run_id = await _pending(client, ops)
        assert (await client.post(f"{ops}/runs/{run_id}/cancel")).status_code == 200
        assert (await second).status_code == 409
        acme.toy.gate("gate").set()
        assert (await first).status_code == 200


async def test_an_ended_run_cannot_be_cancelled(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        done = await client.post(f"{ops}/invoke", json={})
        answer = await client.post(f"{done.headers['location']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "RUN_NOT_CANCELLABLE")


async def test_a_foreign_run_is_as_absent_as_none(acme: World) -> None:
    async with await acme.signed_in() as client, await acme.signed_in("other") as other:
        ops = await acme.adder(client)
        theirs = await acme.adder(other, circle="other")
        done = await client.post(f"{ops}/invoke", json={})
        run_id = done.headers["triform-run-id"]
        foreign = await other.post(f"{theirs}/runs/{run_id}/cancel")
        absent = await other.post(f"{theirs}/runs/{run_id[:-1]}0/cancel")
        read = await other.get(f"{theirs}/runs/{run_id}", params={"wait": 5})
    assert foreign.status_code == absent.status_code == read.status_code == 404
    assert foreign.json()["detail"] == absent.json()["detail"]


async def test_nobody_waits_for_the_end_of_a_foreign_run(acme: World) -> None:
    """Or the time it takes would tell that there is one."""
    async with await acme.signed_in() as client, await acme.signed_in("other") as stranger:
        ops = await acme.adder(client)
        accepted = await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers={"Prefer": "respond-async"})
        await acme.toy.begun("gate").wait()
        foreign = f"/api/other/ops/runs/{accepted.json()['run_id']}"
        async with asyncio.timeout(20):
            answer = await stranger.get(foreign, params={"wait": 60})
        acme.toy.gate("gate").set()
        await client.get(accepted.headers["location"], params={"wait": 30})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_a_client_that_leaves_cancels_nothing(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        leaving = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate", "a": 4}))
        await acme.toy.begun("gate").wait()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        run_id = (await client.get(f"{ops}/runs")).json()["runs"][0]["run_id"]
        acme.toy.gate("gate").set()
        run = (await client.get(f"{ops}/runs/{run_id}", params={"wait": 30})).json()
    assert (run["status"], run["output"]) == ("completed", {"sum": 4})


async def _pending(client: object, ops: str) -> str:
    while True:
        found = (await client.get(f"{ops}/runs", params={"status": "pending"})).json()["runs"]  # type: ignore[attr-defined]
        if found:
            return str(found[0]["run_id"])


async def test_what_whoever_was_asked_did_not_see_through_is_cancelled_by_recovery(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client, retry={"backoff_ms": 3_600_000})
        body = {"fail": "TOY_BROKE", "retryable": True}
        accepted = await client.post(f"{ops}/invoke", json=body, headers=ASYNC)
        while (run := (await client.get(accepted.headers["location"])).json())["next_attempt_at"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await acme.database.execute("update runs set cancel_requested = true")
        await acme.node.recovery.cancel_requests()
        run = (await client.get(accepted.headers["location"])).json()
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert (run["status"], len(run["attempts"])) == ("cancelled", 1)
    assert wallet["held_micro_au"] == 0
