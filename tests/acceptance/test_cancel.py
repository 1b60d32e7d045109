"""Cancelling."""

import secrets

import anyio

from tests.acceptance import processes
from tests.acceptance.client import GRANT, HOLD, PRICE, Circle, lines_of, refused, run_id_of


async def test_a_running_run_is_cancelled_within_a_second(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    await element.printed(run_id, "started")
    answer = await element.cancel(run_id)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < 1
    assert (answer.json()["run_id"], answer.json()["status"]) == (run_id, "cancelled")
    run = await element.run(run_id)
    assert (run["status"], run["error"]["code"]) == ("cancelled", "RUN_CANCELLED")
    assert lines_of(run) == ["started"]
    assert run["finished_at"]


async def test_the_process_tree_is_dead_when_cancel_answers(circle: Circle) -> None:
    mark = f"{secrets.randbelow(10**6) + 10**6}.25"
    element = await circle.ruby(
        f"def handler(input)\n  spawn('sleep', '{mark}')\n  puts 'started'\n  $stdout.flush\n  sleep\nend\n"
    )
    run_id = await element.start({})
    await element.printed(run_id, "started")
    assert processes.with_argument(mark)
    await element.cancel(run_id)
    assert processes.with_argument(mark) == []


async def test_a_pending_run_is_cancelled_before_it_ever_runs(circle: Circle) -> None:
    element = await circle.ruby(HOLD, concurrency={"max": 1})
    running = await element.start({})
    await element.printed(running, "started")
    pending = await element.start({})
    answer = await element.cancel(pending)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.elapsed.total_seconds() < 1
    run = await element.run(pending)
    assert (run["started_at"], run["attempts"], lines_of(run)) == (None, [], [])
    await element.cancel(running)
    assert (await element.run(pending))["status"] == "cancelled"


async def test_whoever_waits_for_a_cancelled_run_is_told_so(circle: Circle) -> None:
    element = await circle.ruby(HOLD)

    async def cancel_it() -> None:
        (run,) = await element.some(1, "running")
        await element.printed(run["run_id"], "started")
        await element.cancel(run["run_id"])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancel_it)
        problem = refused(await element.invoke({}), 409, "RUN_CANCELLED")
    assert (await element.run(problem["run_id"]))["status"] == "cancelled"


async def test_a_run_that_has_ended_cannot_be_cancelled(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.cancel(run_id_of(await element.invoke({}))), 409, "RUN_NOT_CANCELLABLE")


async def test_a_run_can_be_cancelled_once(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    await element.cancel(run_id)
    refused(await element.cancel(run_id), 409, "RUN_NOT_CANCELLABLE")


async def test_a_cancelled_run_holds_no_money(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    await element.printed(run_id, "started")
    assert (await circle.wallet())["held_micro_au"] == PRICE
    await element.cancel(run_id)
    wallet, run = await circle.wallet(), await element.run(run_id)
    assert wallet["held_micro_au"] == 0
    assert wallet["balance_micro_au"] == GRANT - run["cost_micro_au"]
