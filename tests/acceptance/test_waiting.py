"""Who waits for a run and how long: `Prefer`, `wait`, and callers who do not wait at all."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import anyio
import httpx2

from tests.acceptance.client import (
    FAIL,
    HOLD,
    Circle,
    refused,
    run_id_of,
    until,
)


async def test_prefer_async_is_accepted_with_the_run_as_body(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="respond-async")
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert int(answer.headers["Retry-After"]) >= 0
    assert answer.headers["Location"] == f"{element.path}/ops/runs/{answer.json()['run_id']}"
    assert (answer.json()["status"], answer.json()["trigger"]) == ("pending", "async")
    run = await element.ended(answer.json()["run_id"])
    assert (run["status"], run["output"]) == ("completed", {"n": 1})


async def test_get_right_after_202_finds_the_run_every_time(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  nil\nend\n")
    statuses: list[int] = []

    async def one_after_the_other(times: int) -> None:
        for _ in range(times):
            run_id = await element.start({})
            statuses.append((await element.get(f"/ops/runs/{run_id}")).status_code)

    async with anyio.create_task_group() as callers:
        for _ in range(20):
            callers.start_soon(one_after_the_other, 20)
    assert statuses == [200] * 400

    async def all_ended() -> bool:
        return not await element.runs(status="pending") and not await element.runs(status="running")

    await until(all_ended, "all of them have ended", within_s=60)
    assert await element.runs(status="failed") == []


async def test_wait_holds_the_answer_back_until_the_run_has_ended(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  sleep 0.5\n  7\nend\n")
    run_id = await element.start({})
    run = (await element.get(f"/ops/runs/{run_id}", params={"wait": "30"})).json()
    assert (run["status"], run["output"]) == ("completed", 7)


async def test_wait_gives_up_in_time_with_the_run_as_it_is(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    await element.printed(run_id, "started")
    run = (await element.get(f"/ops/runs/{run_id}", params={"wait": "0.2"})).json()
    assert run["status"] == "running"
    assert run["finished_at"] is None
    await element.cancel(run_id)


async def test_many_may_wait_for_the_same_run_also_at_the_circle_and_by_post(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  sleep 0.5\n  7\nend\n")
    path = f"/ops/runs/{await element.start({})}"
    told: list[httpx2.Response] = []

    async def wait(door: Callable[[], Awaitable[httpx2.Response]]) -> None:
        told.append(await door())

    async with anyio.create_task_group() as waiting:
        for _ in range(5):
            waiting.start_soon(wait, lambda: element.get(path, params={"wait": "30"}))
            waiting.start_soon(wait, lambda: circle.get(path, params={"wait": "30"}))
            waiting.start_soon(wait, lambda: element.post(path, {"wait": 30}))
    assert {answer.json()["status"] for answer in told} == {"completed"}
    assert len(told) == 15


async def test_waiting_for_a_run_that_is_not_there_is_no_waiting(circle: Circle) -> None:
    element = await circle.ruby()
    path = f"/ops/runs/{uuid4()}"
    refused(await element.get(path, params={"wait": "60"}, timeout=20), 404, "NOT_FOUND")


async def test_wait_is_at_most_60_seconds(circle: Circle) -> None:
    element = await circle.ruby()
    run_id = run_id_of(await element.invoke({}))
    refused(await element.get(f"/ops/runs/{run_id}", params={"wait": "61"}), 422, "INVALID_INPUT")


async def test_prefer_wait_answers_with_the_result_when_it_comes_in_time(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="wait=20")
    assert (answer.status_code, answer.json()) == (200, {"n": 1})
    assert answer.headers["Preference-Applied"] == "wait=20"
    failing = await circle.ruby(FAIL)
    refused(await failing.invoke({}, prefer="wait=20"), 500, "RUBY_EXECUTION_FAILED")


async def test_prefer_wait_answers_202_when_the_result_is_late(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    answer = await element.invoke({}, prefer="wait=1")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("pending", "running")
    await element.cancel(answer.json()["run_id"])


async def test_both_preferences_together_wait_and_then_answer_202(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="respond-async, wait=20")
    assert (answer.status_code, answer.json()) == (200, {"n": 1})


async def test_preferences_nobody_knows_are_ignored(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="handling=lenient, wait=soon, return=minimal")
    assert (answer.status_code, answer.json()) == (200, {"n": 1})
    assert "Preference-Applied" not in answer.headers


async def test_prefer_works_on_platform_operations(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.patch({"name": "Named"}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "completed"
    assert answer.json()["output"]["name"] == "Named"
    assert answer.headers["Location"] == f"{element.path}/ops/runs/{answer.json()['run_id']}"
    waited = await element.patch({"name": "Again"}, headers={"Prefer": "wait=5"})
    assert (waited.status_code, waited.json()["name"]) == (200, "Again")


async def test_prefer_works_on_deploy(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/deploy", {}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    run = await element.ended(answer.json()["run_id"])
    assert (run["operation"], run["status"]) == ("deploy", "completed")
    assert (await element.get()).json()["state"] == "deployed"


async def test_an_asynchronous_run_uses_the_version_it_was_called_with_or_says_which(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  1\nend\n")
    run_id = await element.start({})
    await element.patch({"spec": {"source": {"code": "def handler(input)\n  2\nend\n"}}})
    run = await element.ended(run_id)
    assert run["output"] == run["element_version"]
