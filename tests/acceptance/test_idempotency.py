"""One `Idempotency-Key`, one effect."""

import anyio
import httpx2
import pytest

from tests.acceptance.client import FAIL, GRANT, HOLD, PRICE, Circle, refused, run_id_of

COUNT = "def handler(input)\n  [input, Process.clock_gettime(Process::CLOCK_REALTIME, :nanosecond)]\nend\n"


async def test_the_same_key_and_body_answers_with_the_original_outcome(circle: Circle) -> None:
    element = await circle.ruby(COUNT)
    first, again = [await element.invoke({"n": 1}, key="k-1") for _ in range(2)]
    assert again.status_code == first.status_code == 200
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert run_id_of(again) == run_id_of(first)
    assert len(await element.runs()) == 1
    assert (await circle.wallet())["balance_micro_au"] == GRANT - PRICE


async def test_a_failure_is_replayed_with_its_status(circle: Circle) -> None:
    element = await circle.ruby(FAIL)
    first, again = [refused(await element.invoke({}, key="k"), 500, "RUBY_EXECUTION_FAILED") for _ in range(2)]
    assert first["run_id"] == again["run_id"]
    assert len(await element.runs()) == 1


async def test_the_same_key_with_another_body_is_refused(circle: Circle) -> None:
    element = await circle.ruby()
    await element.invoke({"n": 1}, key="k")
    refused(await element.invoke({"n": 2}, key="k"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(await element.runs()) == 1


async def test_white_space_and_the_order_of_members_make_no_other_body(circle: Circle) -> None:
    element = await circle.ruby()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    await element.post("/ops/invoke", content='{"a":1,"b":2}', headers=headers)
    again = await element.post("/ops/invoke", content='{ "b": 2, "a": 1 }', headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_key_belongs_to_one_element_and_one_operation(circle: Circle) -> None:
    one, two = await circle.ruby(), await circle.ruby()
    answers = [
        await one.invoke({}, key="k"),
        await two.invoke({}, key="k"),
        await one.post("/ops/deploy", {}, headers={"Idempotency-Key": "k"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({run_id_of(answer) for answer in answers}) == 3


async def test_while_the_first_call_goes_on_its_repeats_are_told_so(circle: Circle) -> None:
    element = await circle.ruby(HOLD)

    async def first() -> None:
        refused(await element.invoke({}, key="k"), 409, "RUN_CANCELLED")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        (run,) = await element.some(1, "running")
        problem = refused(await element.invoke({}, key="k"), 409, "IDEMPOTENCY_IN_FLIGHT")
        assert run["run_id"] in problem["_suggestion"]["fix"]
        assert problem["retryable"] is True
        await element.cancel(run["run_id"])


async def test_an_asynchronous_call_repeated_names_the_same_run(circle: Circle) -> None:
    element = await circle.ruby(COUNT)
    first, again = [await element.invoke({}, key="k", prefer="respond-async") for _ in range(2)]
    assert again.status_code == first.status_code == 202
    assert again.json()["run_id"] == first.json()["run_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    await element.ended(first.json()["run_id"])
    assert len(await element.runs()) == 1


@pytest.mark.parametrize("prefer", ["", "respond-async"])
async def test_of_twenty_racing_calls_with_one_key_one_runs(circle: Circle, prefer: str) -> None:
    element = await circle.ruby(COUNT)
    answers: list[httpx2.Response] = []

    async def call() -> None:
        answers.append(await element.invoke({"n": 1}, key="race", prefer=prefer))

    async with anyio.create_task_group() as callers:
        for _ in range(20):
            callers.start_soon(call)
    told = [answer for answer in answers if answer.status_code in (200, 202)]
    for answer in answers:
        if answer not in told:
            refused(answer, 409, "IDEMPOTENCY_IN_FLIGHT")
    assert sum("Idempotent-Replayed" not in answer.headers for answer in told) == 1
    assert len({run_id_of(answer) for answer in told}) == 1
    (run,) = await element.runs()
    await element.ended(run["run_id"])
    assert (await circle.wallet()) == {"balance_micro_au": GRANT - PRICE, "held_micro_au": 0}


async def test_a_platform_operation_takes_effect_once(circle: Circle) -> None:
    body = {"element_type": "ruby", "slug": "greet", "spec": {"source": {"code": COUNT}}}
    first, again = [await circle.post("/", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_of_racing_updates_with_one_key_one_makes_a_version(circle: Circle) -> None:
    element = await circle.ruby()
    answers: list[httpx2.Response] = []

    async def update() -> None:
        answers.append(await element.patch({"name": "N"}, headers={"Idempotency-Key": "k"}))

    async with anyio.create_task_group() as callers:
        for _ in range(10):
            callers.start_soon(update)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["version"] for answer in answers} == {2}
    assert (await element.get()).json()["version"] == 2


async def test_a_refused_call_does_not_consume_its_key(circle: Circle) -> None:
    element = await circle.ruby()
    await element.post("/ops/disable", {})
    refused(await element.invoke({}, key="k"), 409, "ELEMENT_DISABLED")
    await element.post("/ops/enable", {})
    answer = await element.invoke({"other": "body"}, key="k")
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers


async def test_a_call_the_wallet_cannot_pay_does_not_consume_its_key(tight_circle: Circle) -> None:
    element = await tight_circle.ruby()
    for _ in range(2):
        await element.invoke({})
    refused(await element.invoke({}, key="k"), 402, "INSUFFICIENT_BALANCE")
    await tight_circle.top_up(PRICE)
    answer = await element.invoke({}, key="k")
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers


@pytest.mark.parametrize("key", [" ", "", "x" * 256, "a\x01b"])
async def test_a_key_that_cannot_be_kept_is_refused(circle: Circle, key: str) -> None:
    element = await circle.ruby()
    try:
        answer = await element.post("/ops/invoke", {}, headers={"Idempotency-Key": key})
    except httpx2.LocalProtocolError:
        return
    assert answer.status_code == 400, answer.text


async def test_the_key_stays_with_the_run(circle: Circle) -> None:
    element = await circle.ruby()
    longest = "k" * 255
    answer = await element.invoke({}, key=longest)
    assert answer.status_code == 200
    assert run_id_of(await element.invoke({}, key=longest)) == run_id_of(answer)
