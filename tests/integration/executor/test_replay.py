"""A run is run once more: what it is given, and which version runs."""

import asyncio
from typing import Any

from .asking import invoked, refused, renamed, replayed
from .world import GRANT, PRICE, World

AT_ONCE: tuple[dict[str, Any], ...] = ({}, {"dry_run": False})
KEY = {"Idempotency-Key": "again-1"}


async def test_a_replay_is_a_run_of_the_same_operation_with_the_same_input(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"a": 1, "b": 2})
        answer = await replayed(client, ops, first)
        run = answer.json()
        stored = (await client.get(f"{ops}/runs/{run['run_id']}")).json()
        original = (await client.get(f"{ops}/runs/{first}")).json()
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert (answer.status_code, answer.headers["triform-run-id"]) == (201, run["run_id"])
    assert answer.headers["location"] == f"{ops}/runs/{run['run_id']}"
    assert {name: run[name] for name in ("operation", "status", "trigger", "input", "output", "replay_of")} == {
        "operation": "invoke", "status": "completed", "trigger": "replay", "input": {"a": 1, "b": 2},
        "output": {"sum": 3}, "replay_of": first,
    }  # fmt: skip
    assert stored["replay_of"] == first
    assert (original["replays"], original["replay_of"]) == ([run["run_id"]], None)
    assert wallet["balance_micro_au"] == GRANT - 2 * PRICE


async def test_a_replay_that_fails_is_an_answer_too(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"fail": "TOY_BROKE"}, 500)
        answer = await replayed(client, ops, first)
    assert (answer.status_code, answer.json()["status"]) == (201, "failed")
    assert answer.json()["error"]["code"] == "TOY_BROKE"


async def test_the_input_is_handed_over_byte_for_byte(acme: World) -> None:
    written = b'{"big": 12345678901234567890123, "a":1.10,  "data": {"x": 1}, "more": "\\u00e9"}'
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        kind = {"content-type": "application/json"}
        first = (await client.post(f"{ops}/invoke", content=written, headers=kind)).headers["triform-run-id"]
        again = await replayed(client, ops, first)
        given = await client.post(
            f"{ops}/runs/{first}/replay", content=b'{"input":' + written + b"}", headers=kind
        )
    assert written in again.content
    assert written in given.content


async def test_a_given_input_is_taken_as_it_is(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"a": 1})
        run = (await replayed(client, ops, first, {"input": {"data": {"a": 7}}})).json()
    assert run["input"] == {"data": {"a": 7}}


async def test_a_patch_changes_the_recorded_input(acme: World) -> None:
    patch = [{"op": "replace", "path": "/a", "value": 40}, {"op": "add", "path": "/b", "value": 2}]
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"a": 1})
        run = (await replayed(client, ops, first, {"input_patch": patch})).json()
    assert (run["input"], run["output"]) == ({"a": 40, "b": 2}, {"sum": 42})


async def test_the_version_that_would_run_now_runs_unless_another_is_named(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {})
        await renamed(client, ops)
        now = (await replayed(client, ops, first)).json()
        before = (await replayed(client, ops, first, {"version": 1})).json()
        absent = await refused(client, ops, first, {"version": 9})
    assert (now["element_version"], now["env"]) == (2, "draft")
    assert (before["element_version"], before["env"]) == (1, "draft")
    assert (absent["status"], absent["code"], absent["_suggestion"]["op"]) == (404, "NOT_FOUND", "version")


async def test_what_is_live_runs_and_says_so(acme: World) -> None:
    live = "update elements set live_commit = 'c', live_version = 1, demo_commit = 'c', demo_version = 2"
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {})
        await renamed(client, ops)
        await renamed(client, ops)
        await acme.database.execute(f"{live} where slug = 'greet'")
        asked: list[dict[str, Any]] = [{}, {"version": 1}, {"version": 2}, {"version": 3}]
        runs = [(await replayed(client, ops, first, body)).json() for body in asked]
    places = [(run["env"], run["element_version"]) for run in runs]
    assert places == [("live", 1), ("live", 1), ("demo", 2), ("draft", 3)]


async def test_a_version_is_kept_to_when_the_element_was_believed_to_be_disabled(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {})
        await renamed(client, ops)
        runs = []
        for path in (f"runs/{first}/replay", "runs/replay"):
            await client.post(f"{ops}/disable")
            assert (await replayed(client, ops, first)).status_code == 409, "remembered by now"
            await acme.database.execute("update elements set state = enabled_state where slug = 'greet'")
            answer = await client.post(f"{ops}/{path}", json={"version": 1} | AT_ONCE[path == "runs/replay"])
            told = answer.json()
            address = f"{ops}/runs/{told.get('run_id') or told['runs'][0]['run_id']}"
            runs.append((await client.get(address, params={"wait": 30})).json())
    assert [(run["element_version"], run["status"]) for run in runs] == [(1, "completed")] * 2


async def test_gems_that_were_never_deployed_keep_a_version_from_running(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {})
        source = {"source": {"requirements": ["rake"]}}
        assert (await client.post(f"{ops}/update", json={"spec": source})).status_code == 200
        problem = await refused(client, ops, first)
        before = await replayed(client, ops, first, {"version": 1})
    assert (problem["code"], before.status_code) == ("DEPLOY_REQUIRED", 201)


async def test_an_asynchronous_replay_waits_in_the_backlog_and_is_tried_again(acme: World) -> None:
    retry = {"max_attempts": 3, "backoff_ms": 1}
    broken = {"a": 5, "fail": "RUBY_TIMEOUT", "retryable": True, "times": 1}
    async with await acme.signed_in() as client:
        ops = await acme.coded(client, retry=retry)
        first = await invoked(client, ops, broken, 500)
        accepted = await replayed(client, ops, first, Prefer="respond-async")
        address = accepted.headers["location"]
        run = (await client.get(address, params={"wait": 30})).json()
        waited = await replayed(client, ops, first, Prefer="wait=30")
    assert (accepted.status_code, accepted.json()["status"]) == (202, "pending")
    assert (run["trigger"], run["status"], len(run["attempts"])) == ("replay", "completed", 2)
    assert (waited.status_code, waited.json()["status"]) == (201, "completed")


async def test_one_key_replays_once_and_is_not_that_of_an_invoke(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"a": 1})
        answers = await asyncio.gather(*(replayed(client, ops, first, **KEY) for _ in range(5)))
        again = await replayed(client, ops, first, **KEY)
        other = await replayed(client, ops, first, {"input": {}}, **KEY)
        invoke = await client.post(f"{ops}/invoke", json={"a": 1}, headers=KEY)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert len({a.json()["run_id"] for a in (*answers, again) if a.status_code == 201}) == 1
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (invoke.status_code, acme.toy.seen) == (200, 3)


async def test_a_fault_of_the_platform_releases_the_key_of_a_replay(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"fail": "PLATFORM_FAULT", "class": "unavailable"}, 503)
        one = await replayed(client, ops, first, **KEY)
        two = await replayed(client, ops, first, **KEY)
    assert one.json()["status"] == two.json()["status"] == "failed"
    assert one.json()["run_id"] != two.json()["run_id"]
