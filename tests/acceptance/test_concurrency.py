"""Room: how many runs at once, who waits, and who is sent away."""

from collections.abc import Awaitable, Callable
from itertools import pairwise

import anyio
import httpx2

from tests.acceptance.client import HOLD, PRICE, Circle, Element, refused, until

QUICK = "def handler(input)\n  'quick'\nend\n"


async def _hold(element: Element, number: int) -> list[str]:
    """So many runs that are carried out at this moment."""
    started = [await element.start({}) for _ in range(number)]
    for run_id in started:
        await element.printed(run_id, "started")
    return started


async def test_no_more_run_at_once_than_concurrency_max(circle: Circle) -> None:
    element = await circle.ruby(HOLD, concurrency={"max": 2})
    started = [await element.start({}) for _ in range(3)]
    running = await element.some(2, "running")
    (waiting,) = await element.runs(status="pending")
    assert {waiting["run_id"], *(run["run_id"] for run in running)} == set(started)
    await element.cancel(running[0]["run_id"])
    await element.reached(waiting["run_id"], "running")
    assert len(await element.runs(status="running")) == 2
    await circle.free_all()


async def test_synchronous_calls_keep_to_concurrency_max_and_wait_their_turn(circle: Circle) -> None:
    code = "def handler(input)\n  t = Process.clock_gettime(Process::CLOCK_MONOTONIC)\n  sleep 0.1\n"
    element = await circle.ruby(
        code + "  [t, Process.clock_gettime(Process::CLOCK_MONOTONIC)]\nend\n", concurrency={"max": 1}
    )
    spans: list[list[float]] = []

    async def call() -> None:
        answer = await element.invoke({})
        assert answer.status_code == 200, answer.text
        spans.append(answer.json())

    async with anyio.create_task_group() as callers:
        for _ in range(5):
            callers.start_soon(call)
    spans.sort()
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


async def test_a_call_that_waits_too_long_ends_as_a_failed_run_and_holds_no_money(tight_circle: Circle) -> None:
    element = await tight_circle.ruby(HOLD, concurrency={"max": 1})
    (held,) = await _hold(element, 1)
    answer = await element.invoke({})
    problem = refused(answer, 429, "CONCURRENCY_LIMIT")
    assert int(answer.headers["Retry-After"]) >= 1
    assert problem["retryable"] is True
    run = await element.run(problem["run_id"])
    assert (run["status"], run["error"]["code"], run["started_at"]) == ("failed", "CONCURRENCY_LIMIT", None)
    assert run["cost_micro_au"] == 0
    assert (await tight_circle.wallet())["held_micro_au"] == PRICE
    await element.cancel(held)
    assert (await tight_circle.wallet())["held_micro_au"] == 0


async def test_a_full_queue_sends_callers_away_without_a_run(tight_circle: Circle) -> None:
    await tight_circle.top_up(100 * PRICE)
    element = await tight_circle.ruby(HOLD, concurrency={"max": 1})
    (held,) = await _hold(element, 1)
    answers: list[httpx2.Response] = []

    async def call() -> None:
        answers.append(await element.invoke({}))

    async with anyio.create_task_group() as callers:
        for _ in range(5):
            callers.start_soon(call)
    codes = sorted(answer.json()["code"] for answer in answers)
    assert codes == ["CONCURRENCY_LIMIT"] * 2 + ["QUEUE_FULL"] * 3
    for answer in answers:
        refused(answer, 429, answer.json()["code"])
        assert "Retry-After" in answer.headers
        assert ("Triform-Run-Id" in answer.headers) == (answer.json()["code"] == "CONCURRENCY_LIMIT")
    assert len(await element.runs()) == 3
    await element.cancel(held)


async def test_a_full_backlog_takes_no_more_asynchronous_runs(tight_circle: Circle) -> None:
    await tight_circle.top_up(100 * PRICE)
    element = await tight_circle.ruby(HOLD, concurrency={"max": 1})
    await _hold(element, 1)
    for _ in range(3):
        await element.start({})
    answer = await element.invoke({}, prefer="respond-async")
    refused(answer, 429, "BACKLOG_FULL")
    assert "Retry-After" in answer.headers
    assert len(await element.runs()) == 4
    assert (await tight_circle.wallet())["held_micro_au"] == 4 * PRICE


async def test_the_backlog_of_one_circle_is_not_that_of_another(
    tight_circle: Circle, sign_in_again: Callable[[Circle], Awaitable[Circle]]
) -> None:
    await tight_circle.top_up(100 * PRICE)
    element = await tight_circle.ruby(HOLD, concurrency={"max": 1})
    await _hold(element, 1)
    for _ in range(3):
        await element.start({})
    other = await (await sign_in_again(tight_circle)).ruby(QUICK)
    run = await other.ended(await other.start({}))
    assert run["output"] == "quick"


async def test_reserved_slots_stay_free_for_their_element(tight_circle: Circle) -> None:
    await tight_circle.top_up(1000 * PRICE)
    favoured = await tight_circle.ruby(QUICK, concurrency={"reserved": 2})
    greedy = await tight_circle.ruby(HOLD)

    async def kept_free() -> bool:
        started = await _hold(greedy, 2)
        started.append(await greedy.start({}))
        answer = await favoured.invoke({})
        assert answer.json() == "quick", answer.text
        running = await greedy.runs(status="running")
        for run_id in started:
            await greedy.cancel(run_id)
        return len(running) == 2

    await until(kept_free, "two of four slots are kept free")
    await favoured.request("DELETE", params={"confirm": "true"})


async def test_asynchronous_runs_of_one_element_start_in_the_order_they_came(circle: Circle) -> None:
    element = await circle.ruby(QUICK, concurrency={"max": 1})
    started = [await element.start({"n": number}) for number in range(6)]
    runs = [await element.ended(run_id) for run_id in started]
    assert [run["started_at"] for run in runs] == sorted(run["started_at"] for run in runs)


async def test_waiting_is_measured_as_queue_time(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  sleep 0.3\nend\n", concurrency={"max": 1})
    await element.invoke({})
    answers: list[httpx2.Response] = []

    async def call() -> None:
        answers.append(await element.invoke({}))

    async with anyio.create_task_group() as callers:
        callers.start_soon(call)
        callers.start_soon(call)
    runs = await element.runs(limit=2)
    assert max(run["usage"]["queue_ms"] for run in runs) > 100

    async def idle() -> bool:
        return bool((await circle.wallet())["held_micro_au"] == 0)

    await until(idle, "nothing is held")
