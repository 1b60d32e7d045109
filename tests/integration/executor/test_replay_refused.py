"""What is not run once more, and how that is said; inputs with secrets in them; who may."""

from typing import Any

import pytest

from .asking import invoked, keyed, refused, replayed
from .world import GRANT, PRICE, World

SECRET = "correct horse battery"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"input_patch": [{"op": "remove", "path": "/z"}]}, "/input_patch/0/path"),
        ({"input_patch": [{"op": "add", "path": "/b"}]}, "/input_patch/0/value"),
        (
            {"input_patch": [{"op": "test", "path": "/a", "value": 1}, {"op": "move", "from": "x", "path": "/y"}]},
            "/input_patch/1/from",
        ),
        ({"input_patch": [{"op": "eat", "path": "/a"}]}, "/input_patch/0/op"),
        ({"input_patch": {}}, "/input_patch"),
        ({"input": {}, "input_patch": []}, ""),
        ({"version": 0}, "/version"),
        ({"versoin": 1}, "/versoin"),
    ],
)
async def test_what_cannot_be_done_is_refused_at_its_place(
    acme: World, body: dict[str, Any], pointer: str
) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        problem = await refused(client, ops, await invoked(client, ops, {"a": 1}), body)
    assert (problem["status"], problem["code"]) == (422, "INVALID_INPUT")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert acme.toy.seen == 1


async def test_a_patch_cannot_blow_the_input_up(acme: World) -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/x{n}"} for n in range(20)]
    deep = [{"op": "copy", "from": "", "path": "/x" * n + "/x"} for n in range(1, 9)]
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"x": {}, "text": "y" * 1000})
        large = await refused(client, ops, first, {"input_patch": doubling})
        nested = [{"op": "add", "path": "/x" * (50 * n + 1), "value": _nested(50)} for n in range(50)]
        deeper = await refused(client, ops, first, {"input_patch": nested})
        fine = await replayed(client, ops, first, {"input_patch": deep[:3]})
    assert large["errors"][0]["pointer"].endswith("/from")
    assert (deeper["code"], fine.status_code) == ("INVALID_INPUT", 201)


def _nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"x": value}
    return value


async def test_masked_inputs_are_not_replayed_as_they_are_on_record(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client, environment={"TOKEN": {"secret": True, "value": SECRET}})
        first = await invoked(client, ops, {"auth": {"a/b": f"Bearer {SECRET}"}, "a": 1})
        problem = await refused(client, ops, first)
        patch = problem["_suggestion"]["example"]["input_patch"]
        missing = await refused(client, ops, first, {"input_patch": [{"op": "remove", "path": "/a"}]})
        patched = await replayed(client, ops, first, {"input_patch": patch})
        whole = await replayed(client, ops, first, {"input": {"a": 2, "auth": SECRET}})
        untouched = await replayed(client, ops, await invoked(client, ops, {"a": 3, "note": "[secret]"}))
    assert (problem["status"], problem["code"], problem["masked"]) == (409, "RUN_NOT_REPLAYABLE", ["/auth/a~1b"])
    assert missing["code"] == "RUN_NOT_REPLAYABLE"
    assert patched.json()["input"] == {"auth": {"a/b": "…"}, "a": 1}
    assert whole.json()["input"] == {"a": 2, "auth": "[secret]"}
    assert (untouched.status_code, untouched.json()["output"]) == (201, {"sum": 3})
    assert SECRET not in problem["detail"] + whole.text


async def test_an_asynchronous_replay_with_a_secret_is_given_the_exact_input(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client, environment={"PIN": {"secret": True, "value": "12345678"}})
        first = await invoked(client, ops, {"a": 1})
        accepted = await replayed(client, ops, first, {"input": {"a": 12345678, "b": 1}}, Prefer="wait=30")
    run = accepted.json()
    assert (run["input"], run["output"]) == ({"a": "[secret]", "b": 1}, {"sum": 12345679})


async def test_inputs_of_which_nothing_but_their_size_is_known_are_not_replayed(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        first = await invoked(client, ops, {"a": 1})
        await acme.database.execute("update runs set input = NULL where run_id = $1", first)
        problem = await refused(client, ops, first)
        patched = await refused(client, ops, first, {"input_patch": []})
        given = await replayed(client, ops, first, {"input": {"a": 4}})
    assert problem["code"] == patched["code"] == "RUN_NOT_REPLAYABLE"
    assert "digest" in problem["_suggestion"]["why"]
    assert given.json()["output"] == {"sum": 4}


async def test_runs_from_before_masking_was_noted_are_judged_by_the_marker(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        plain = await invoked(client, ops, {"a": 1})
        marked = await invoked(client, ops, {"a": 1, "note": "[secret]"})
        await acme.database.execute("update runs set input_masked = NULL")
        assert (await replayed(client, ops, plain)).status_code == 201
        assert (await refused(client, ops, marked))["masked"] == ["/note"]


async def test_what_runs_no_version_is_not_replayed(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        deployed = await client.post(f"{ops}/deploy")
        updated = await client.post(f"{ops}/update", json={"name": "X"})
        problems = [await refused(client, ops, answer.headers["triform-run-id"]) for answer in (deployed, updated)]
    assert [problem["code"] for problem in problems] == ["RUN_NOT_REPLAYABLE"] * 2


async def test_a_foreign_run_is_as_absent_as_none(acme: World) -> None:
    async with await acme.signed_in() as client, await acme.signed_in("other") as stranger:
        ops = await acme.coded(client)
        sibling = await acme.coded(client, "sibling")
        run_id = await invoked(client, ops, {})
        theirs = await stranger.post(
            "/api/other/",
            json={"element_type": "ruby", "slug": "greet", "spec": {"source": {"code": "def handler(i) = i"}}},
        )
        assert theirs.status_code == 201, theirs.text
        answers = [
            await replayed(client, sibling, run_id),
            await replayed(stranger, ops, run_id),
            await replayed(stranger, "/api/other/greet/ops", run_id, {"input": {}}),
            await replayed(client, ops, "0190d6a0-0000-7000-8000-00000000abcd"),
        ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "NOT_FOUND")}
    assert acme.toy.seen == 1


async def test_whoever_may_not_call_the_operation_may_not_replay_it(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        run_id = await invoked(client, ops, {})
        statuses = []
        for role, scopes in (("viewer", []), ("admin", ["run_replay"]), ("operator", ["run_replay", "invoke"])):
            async with acme.client(await keyed(client, role, scopes)) as caller:
                statuses.append((await replayed(caller, ops, run_id)).status_code)
    assert statuses == [403, 403, 201]


async def test_a_disabled_element_replays_nothing_and_an_empty_wallet_pays_for_none(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.coded(client)
        run_id = await invoked(client, ops, {})
        await client.post(f"{ops}/disable")
        disabled = await refused(client, ops, run_id)
        await client.post(f"{ops}/enable")
        spend = "update wallets set balance_micro_au = $1"
        await acme.database.execute(spend, PRICE - 1)
        broke = await refused(client, ops, run_id)
        await acme.database.execute(spend, GRANT - PRICE)
    assert (disabled["code"], broke["code"]) == ("ELEMENT_DISABLED", "INSUFFICIENT_BALANCE")
    assert acme.toy.seen == 1
