"""One Idempotency-Key, one effect."""

import asyncio

from .world import GRANT, PRICE, World

KEY = {"Idempotency-Key": "order-1"}


async def test_the_same_key_and_body_answer_with_the_original_outcome(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        first = await client.post(f"{ops}/invoke", json={"a": 1, "b": 2}, headers=KEY)
        again = await client.post(f"{ops}/invoke", json={"b": 2, "a": 1}, headers=KEY)
        wallet = (await client.get("/api/acme/ops/wallet")).json()
    assert (again.status_code, again.json()) == (200, {"sum": 3})
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["triform-run-id"] == first.headers["triform-run-id"]
    assert acme.toy.seen == 1
    assert wallet["balance_micro_au"] == GRANT - PRICE


async def test_a_failure_is_replayed_as_well(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        first = await client.post(f"{ops}/invoke", json={"fail": "TOY_BROKE"}, headers=KEY)
        again = await client.post(f"{ops}/invoke", json={"fail": "TOY_BROKE"}, headers=KEY)
    assert (again.status_code, again.json()["run_id"]) == (500, first.json()["run_id"])
    assert acme.toy.seen == 1


async def test_another_body_under_the_same_key_is_refused(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        await client.post(f"{ops}/invoke", json={"a": 1}, headers=KEY)
        other = await client.post(f"{ops}/invoke", json={"a": 2}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_in_flight_is_409_and_names_the_run(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        first = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=KEY))
        await acme.toy.begun("gate").wait()
        second = await client.post(f"{ops}/invoke", json={"wait": "gate"}, headers=KEY)
        acme.toy.gate("gate").set()
        done = await first
    assert (second.status_code, second.json()["code"]) == (409, "IDEMPOTENCY_IN_FLIGHT")
    assert second.json()["run_id"] == done.headers["triform-run-id"]


async def test_of_many_at_once_one_runs(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        twenty = (client.post(f"{ops}/invoke", json={"a": 1}, headers=KEY) for _ in range(20))
        answers = await asyncio.gather(*twenty)
    assert acme.toy.seen == 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({a.headers["triform-run-id"] for a in answers if a.status_code == 200}) == 1


async def test_a_platform_fault_gives_the_key_back(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        body = {"fail": "PLATFORM_FAULT", "class": "unavailable"}
        assert (await client.post(f"{ops}/invoke", json=body, headers=KEY)).status_code == 503
        assert (await client.post(f"{ops}/invoke", json={"a": 1}, headers=KEY)).json() == {"sum": 1}


async def test_a_refused_call_does_not_consume_the_key(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        await client.post(f"{ops}/disable")
        assert (await client.post(f"{ops}/invoke", json={"a": 1}, headers=KEY)).status_code == 409
        await client.post(f"{ops}/enable")
        assert (await client.post(f"{ops}/invoke", json={"a": 2}, headers=KEY)).json() == {"sum": 2}


async def test_keys_belong_to_one_element_and_operation(acme: World) -> None:
    async with await acme.signed_in() as client:
        one, two = await acme.adder(client, "one"), await acme.adder(client, "two")
        await client.post(f"{one}/invoke", json={"a": 1}, headers=KEY)
        assert (await client.post(f"{two}/invoke", json={"a": 2}, headers=KEY)).json() == {"sum": 2}


async def test_creating_twice_with_one_key_creates_once(acme: World) -> None:
    async with await acme.signed_in() as client:
        body = {"element_type": "adder", "slug": "sum"}
        first = await client.post("/api/acme/", json=body, headers=KEY)
        again = await client.post("/api/acme/", json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_that_is_no_key_is_refused(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json={}, headers={"Idempotency-Key": "x" * 300})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_HEADER")
