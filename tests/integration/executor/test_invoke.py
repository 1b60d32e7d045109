"""A run from the door to the ledger."""

from .world import GRANT, PRICE, World


async def test_an_invoke_answers_the_bare_value_and_the_facts_in_headers(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={"a": 1, "b": 2})
        assert (answer.status_code, answer.json()) == (200, {"sum": 3})
        assert answer.headers["triform-cost-micro-au"] == str(PRICE)
        assert answer.headers["triform-version"] == "1"
        assert answer.headers["triform-env"] == "draft"
        assert {"queue", "cold", "exec", "total"} == {
            part.split(";")[0] for part in answer.headers["server-timing"].split(", ")
        }
        run = (await client.get(answer.headers["location"])).json()
    assert run["run_id"] == answer.headers["triform-run-id"]
    assert (run["status"], run["output"], run["input"]) == ("completed", {"sum": 3}, {"a": 1, "b": 2})
    assert run["debits"] == [{"dimension": "per_invocation", "amount_micro_au": PRICE}]
    assert run["trace_id"] == answer.headers["traceparent"].split("-")[1]


async def test_every_run_is_debited_exactly_once(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        run_ids = [(await client.post(f"{ops}/invoke", json={})).headers["triform-run-id"] for _ in range(3)]
        wallet = (await client.get("/api/acme/ops/wallet")).json()
        entries = (await client.get("/api/acme/ops/wallet/entries")).json()["entries"]
    assert wallet == {"balance_micro_au": GRANT - 3 * PRICE, "held_micro_au": 0}
    assert [entry["run_id"] for entry in entries if entry["run_id"]] == run_ids[::-1]
    assert entries[0]["balance_after_micro_au"] == GRANT - 3 * PRICE


async def test_a_failed_run_is_a_problem_with_its_run_id_and_is_charged(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={"fail": "TOY_BROKE", "print": "before\n"})
        problem = answer.json()
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert (problem["code"], problem["class"], problem["retryable"]) == ("TOY_BROKE", "internal", False)
        assert problem["_suggestion"]["fix"] == "Ask for something else."
        run = (await client.get(f"{ops}/runs/{problem['run_id']}")).json()
    assert run["status"] == "failed"
    assert run["cost_micro_au"] == PRICE
    assert [line["text"] for line in run["logs"]["lines"]] == ["before"]


async def test_a_platform_fault_is_not_charged(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={"fail": "PLATFORM_FAULT", "class": "unavailable"})
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert answer.status_code == 503
    assert wallet == {"balance_micro_au": GRANT, "held_micro_au": 0}


async def test_the_envelope_is_opened_once_and_only_when_alone(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)

        async def seen(body: object, query: str = "") -> object:
            answer = await client.post(f"{ops}/invoke{query}", json=body)
            return (await client.get(answer.headers["location"])).json()["input"]

        assert await seen({"payload": {"a": 1}}) == {"a": 1}
        assert await seen({"_triform_trace": 1, "data": {"_triformx": 1, "a": 2}}) == {"a": 2}
        assert await seen({"payload": {"a": 1}, "b": 2}) == {"payload": {"a": 1}, "b": 2}
        assert await seen({"input": {"payload": {"x": 1}}}) == {"payload": {"x": 1}}
        assert await seen({"data": {}}) == {}
        assert await seen({"payload": {"a": 1}}, "?raw=1") == {"payload": {"a": 1}}


async def test_without_money_nothing_runs_and_free_operations_go_on(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        await acme.database.execute("update wallets set balance_micro_au = 9999")
        await acme.database.execute("alter table ledger disable trigger ledger_append_only")
        await acme.database.execute("update ledger set amount_micro_au = 9999, balance_after_micro_au = 9999")
        answer = await client.post(f"{ops}/invoke", json={})
        assert answer.status_code == 402
        problem = answer.json()
        assert (problem["code"], problem["price_micro_au"], problem["balance_micro_au"]) == (
            "INSUFFICIENT_BALANCE",
            PRICE,
            9999,
        )
        assert acme.toy.seen == 0
        assert (await client.get(f"{ops}/runs")).json()["runs"] == []
        assert (await client.get(f"{ops}/get")).status_code == 200
        topped = await client.post(
            "/api/acme/ops/wallet/top_up", json={"amount_micro_au": 20_000, "reference": "invoice 7"}
        )
        assert topped.json()["balance_micro_au"] == 29_999
        assert (await client.post(f"{ops}/invoke", json={})).status_code == 200
