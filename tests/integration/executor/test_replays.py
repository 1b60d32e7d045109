"""Many runs once more: what would be done, and what is."""

import asyncio
from typing import Any

import pytest

from .asking import batch, batch_refused, ended, gated, invoked, keyed, listed, renamed, replayed
from .world import GRANT, PRICE, World

DUE = """
select next_attempt_at - created_at as after from runs where batch = $1 and next_attempt_at > created_at order by 1
"""


async def test_without_being_told_to_nothing_is_started(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        runs = [await invoked(client, ops, {"a": n}) for n in range(3)]
        answer = await batch(client, ops)
        shown = (await client.get(f"{ops}/runs", params={"operation": "runs_replay"})).json()["runs"]
    assert (answer["dry_run"], answer["batch"], answer["count"], answer["more"]) == (True, None, 3, False)
    assert answer["runs"] == [{"replay_of": run_id, "run_id": None} for run_id in runs]
    assert (answer["version"], answer["env"], answer["canary"], answer["stopped"]) == (1, "draft", None, False)
    assert answer["cost"] == {
        "most_micro_au": 3 * PRICE, "expected_micro_au": 3 * PRICE, "free_micro_au": GRANT - 3 * PRICE,
        "affordable": True,
    }  # fmt: skip
    assert (acme.toy.seen, shown[0]["output"]["count"]) == (3, 3)


async def test_all_that_match_run_again_under_one_batch(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        runs = [await invoked(client, ops, {"a": n}) for n in range(3)]
        answer = await batch(client, ops, {"dry_run": False, "per_second": 100})
        again = await ended(client, ops, answer)
        found = await listed(client, ops, batch=answer["batch"])
        everywhere = await listed(client, "/api/acme/ops", batch=answer["batch"])
        itself = (await client.get(f"{ops}/runs/{answer['batch']}")).json()
        wallet = (await client.get("/api/acme/ops/wallet")).json()
        counted = (
            (await batch(client, ops))["count"],
            (await batch(client, ops, {"filter": {"batch": answer["batch"]}})),
        )
    assert [run["replay_of"] for run in again] == runs
    assert [run["output"] for run in again] == [{"sum": 0}, {"sum": 1}, {"sum": 2}]
    assert {(run["batch"], run["trigger"], run["status"]) for run in again} == {
        (answer["batch"], "replay", "completed")
    }
    assert {run["run_id"] for run in found} == {run["run_id"] for run in again}
    assert everywhere == found
    assert (itself["operation"], itself["output"]["batch"]) == ("runs_replay", answer["batch"])
    assert wallet["balance_micro_au"] == GRANT - 6 * PRICE
    assert (counted[0], counted[1]["count"]) == (3, 3), "replays are not repeated unless they are asked for"


async def test_the_filter_of_the_list_decides_which(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        fine = [await invoked(client, ops, {"a": n}) for n in range(2)]
        failed = await invoked(client, ops, {"fail": "TOY_BROKE"}, 500)
        await renamed(client, ops)
        newer = await invoked(client, ops, {"a": 9})
        await replayed(client, ops, newer)
        since = (await client.get(f"{ops}/runs/{failed}")).json()["created_at"]
        asked: list[dict[str, Any]] = [
            {"status": "failed"}, {"q": "TOY_BROKE"}, {"version": 1}, {"limit": 1}, {"since": since},
            {"until": since},
        ]  # fmt: skip
        found = [[each["replay_of"] for each in (await batch(client, ops, {"filter": f}))["runs"]] for f in asked]
        more = [(await batch(client, ops, {"filter": {"limit": limit}}))["more"] for limit in (1, 4)]
    assert found == [[failed], [failed], [*fine, failed], [newer], [failed, newer], fine]
    assert more == [True, False]


async def test_what_cannot_be_repeated_is_told_and_left_out(acme: World) -> None:
    async with await acme.signed_in() as client:
        secret = {"TOKEN": {"secret": True, "value": "correct horse battery"}}
        ops = await acme.coded(client, environment=secret)
        fine = await invoked(client, ops, {"a": 1})
        masked = await invoked(client, ops, {"auth": "correct horse battery"})
        going = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        answer = await batch(client, ops, {"dry_run": False, "per_second": 100})
        acme.toy.gate("gate").set()
        unfinished = (await going).headers["triform-run-id"]
        await ended(client, ops, answer)
    assert [(each["run_id"], each["code"]) for each in answer["refused"]] == [
        (masked, "RUN_NOT_REPLAYABLE"),
        (unfinished, "RUN_UNFINISHED"),
    ]
    assert [each["replay_of"] for each in answer["runs"]] == [fine]


async def test_another_version_can_be_tried_on_them(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        await invoked(client, ops, {})
        await renamed(client, ops)
        now = await batch(client, ops, {"dry_run": False})
        before = await batch(client, ops, {"dry_run": False, "version": 1})
        versions = [(await ended(client, ops, each))[0]["element_version"] for each in (now, before)]
        absent = await batch_refused(client, ops, {"version": 7})
    assert (now["version"], before["version"], versions) == (2, 1, [2, 1])
    assert (absent["status"], absent["code"]) == (404, "NOT_FOUND")


async def test_runs_begin_one_after_the_other_and_are_cancelled_one_by_one(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client, concurrency={"max": 1})
        await gated(acme, client, ops, 4)
        answer = await batch(client, ops, {"dry_run": False, "per_second": 1})
        await acme.toy.begun("gate").wait()
        due = await acme.database.fetch(DUE, answer["batch"])
        for each in answer["runs"][1:]:
            cancelled = await client.post(f"{ops}/runs/{each['run_id']}/cancel")
            assert cancelled.json()["status"] == "cancelled"
        acme.toy.gate("gate").set()
        runs = await ended(client, ops, answer)
    assert [round(row["after"].total_seconds()) for row in due] == [1, 2, 3]
    assert [run["status"] for run in runs] == ["completed"] + ["cancelled"] * 3


async def test_all_start_or_none(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        for n in range(3):
            await invoked(client, ops, {"a": n})
        spend = "update wallets set balance_micro_au = $1"
        await acme.database.execute(spend, 3 * PRICE - 1)
        broke = await batch_refused(client, ops, {"dry_run": False})
        canary = await batch_refused(client, ops, {"dry_run": False, "canary": 1})
        dry = await batch(client, ops)
        await acme.database.execute(spend, GRANT - 3 * PRICE)
        await client.post(f"{ops}/disable")
        disabled = await batch_refused(client, ops, {})
    assert (broke["status"], broke["code"], broke["price_micro_au"]) == (402, "INSUFFICIENT_BALANCE", 3 * PRICE)
    assert (canary["code"], dry["cost"]["affordable"]) == ("INSUFFICIENT_BALANCE", False)
    assert (disabled["code"], acme.toy.seen) == ("ELEMENT_DISABLED", 3)


async def test_money_that_goes_meanwhile_undoes_the_whole_batch(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the plan saw in the wallet is asked again by the statement that takes it."""
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        for n in range(3):
            await invoked(client, ops, {"a": n})
        await acme.database.execute("update wallets set balance_micro_au = $1", 3 * PRICE - 1)
        monkeypatch.setattr("triform.executor.replay_plan.Plan.most_micro_au", 0)
        problem = await batch_refused(client, ops, {"dry_run": False})
        await acme.database.execute("update wallets set balance_micro_au = $1", GRANT - 3 * PRICE)
        runs = await listed(client, ops, trigger="replay")
    assert (problem["code"], runs, acme.toy.seen) == ("INSUFFICIENT_BALANCE", [], 3)


async def test_a_full_backlog_takes_none(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        for n in range(3):
            await invoked(client, ops, {"a": n})
        monkeypatch.setattr(acme.node.house.backlog, "_limit", 2)
        problem = await batch_refused(client, ops, {"dry_run": False})
        fits = await batch(client, ops, {"dry_run": False, "filter": {"limit": 2}})
        await ended(client, ops, fits)
    assert (problem["status"], problem["code"], fits["count"]) == (429, "BACKLOG_FULL", 2)


async def test_inputs_that_are_too_large_together_are_refused(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triform.executor.replay_plan.INPUT_BYTES", 1000)
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        for _ in range(2):
            await invoked(client, ops, {"text": "x" * 600})
        problem = await batch_refused(client, ops, {})
        one = await batch(client, ops, {"filter": {"limit": 1}})
    assert (problem["status"], problem["errors"][0]["pointer"], one["count"]) == (422, "/filter", 1)


async def test_whoever_may_not_call_may_not_repeat_many(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        await invoked(client, ops, {})
        statuses = []
        for role, scopes in (("viewer", []), ("admin", ["runs_replay"]), ("operator", ["runs_replay", "invoke"])):
            async with acme.client(await keyed(client, role, scopes)) as caller:
                statuses.append((await caller.post(f"{ops}/runs/replay", json={})).status_code)
    assert statuses == [403, 403, 200]


async def test_nothing_that_matches_is_an_answer(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        answer = await batch(client, ops, {"dry_run": False, "canary": 3})
    assert (answer["count"], answer["runs"], answer["canary"], answer["stopped"]) == (0, [], None, False)
