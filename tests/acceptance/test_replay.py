"""Recorded runs once more: after a change of the code, at a version from before, many at once, through a crash."""

from typing import Any

from tests.acceptance.client import GRANT, PRICE, Circle, Element, Json, refused, run_id_of
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.source import deployed, promoted
from tests.acceptance.test_mcp import agent, text

SLOW = """
def handler(input)
  $stdout.sync = true
  puts "began #{input['n']}"
  sleep 0.05 until input['n'].zero? || rand(20).zero?
  input['n'] * 2
end
"""


def taking(rate: str) -> str:
    total = f"(input['net'] * {rate}).round(2)"
    return f"def handler(input)\n  puts 'counting'\n  {{ total: {total}, net: input['net'] }}\nend\n"


async def again(element: Element, run_id: str, body: Json = None, **headers: str) -> Json:
    answer = await element.post(f"/ops/runs/{run_id}/replay", body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def compared(element: Element, run_id: str, **query: Any) -> Json:
    answer = await element.get(f"/ops/runs/{run_id}/diff", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def many(element: Element, **body: Any) -> Json:
    answer = await element.post("/ops/runs/replay", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_change_is_tried_on_what_came_in_before(circle: Circle) -> None:
    element = await circle.ruby(taking("1.19"))
    first = run_id_of(await element.invoke({"net": 100}))
    await element.patch({"spec": {"source": {"code": taking("1.25")}}})
    run = await again(element, first)
    assert (run["element_version"], run["output"]) == (2, {"total": 125.0, "net": 100})
    difference = await compared(element, run["run_id"], logs="true")
    assert difference["output"]["patch"] == [{"op": "replace", "path": "/total", "value": 125.0, "before": 119.0}]
    assert (difference["same"], difference["input"]["same"], difference["logs"]["same"]) == (False, True, True)
    before = await again(element, first, {"version": 1})
    assert (await compared(element, before["run_id"]))["same"]
    assert (await element.run(first))["replays"] == [before["run_id"], run["run_id"]]


async def test_what_is_live_is_replayed_unless_a_version_is_named(circle: Circle) -> None:
    element = await deployed(await circle.ruby(taking("1.19")))
    await promoted(element, "demo", "live")
    first = run_id_of(await element.invoke({"net": 100}))
    await element.patch({"spec": {"source": {"code": taking("1.25")}}})
    runs = [await again(element, first), await again(element, first, {"version": 2})]
    assert [(run["env"], run["output"]["total"]) for run in runs] == [("live", 119.0), ("draft", 125.0)]


async def test_code_that_fails_now_is_told_by_the_diff(circle: Circle) -> None:
    element = await circle.ruby(taking("1.19"))
    first = run_id_of(await element.invoke({"net": 100}))
    run = await again(element, first, {"input_patch": [{"op": "replace", "path": "/net", "value": None}]})
    assert (run["status"], run["error"]["code"]) == ("failed", "RUBY_EXECUTION_FAILED")
    difference = await compared(element, run["run_id"])
    assert difference["error"]["after"]["code"] == "RUBY_EXECUTION_FAILED"
    assert difference["input"]["patch"] == [{"op": "replace", "path": "/net", "value": None, "before": 100}]
    assert (await circle.wallet())["balance_micro_au"] == GRANT - 2 * PRICE


async def test_neither_run_nor_difference_is_seen_from_another_element(circle: Circle) -> None:
    element, sibling = await circle.ruby(), await circle.ruby()
    first = run_id_of(await element.invoke({}))
    second = (await again(element, first))["run_id"]
    refused(await sibling.post(f"/ops/runs/{first}/replay"), 404, "NOT_FOUND")
    refused(await sibling.get(f"/ops/runs/{second}/diff"), 404, "NOT_FOUND")
    assert (await many(sibling))["count"] == 0


async def test_a_canary_keeps_a_change_from_being_tried_on_everything(circle: Circle) -> None:
    element = await circle.ruby(taking("1.19"))
    for net in range(4):
        await element.invoke({"net": net + 1})
    await element.patch({"spec": {"source": {"code": taking("1.25")}}})
    stopped = await many(element, dry_run=False, canary=1)
    fine = await many(element, dry_run=False, canary=2, version=1, per_second=100)
    assert (stopped["stopped"], len(await element.runs(batch=stopped["batch"]))) == (True, 1)
    runs = [await element.ended(each["run_id"]) for each in fine["runs"]]
    assert (fine["stopped"], [run["output"]["net"] for run in runs]) == (False, [1, 2, 3, 4])


async def test_an_agent_repeats_and_compares(circle: Circle) -> None:
    element = await circle.ruby(taking("1.19"))
    first = run_id_of(await element.invoke({"net": 100}))
    asked = {"element": element.slug, "run_id": first, "input_patch": [{"op": "add", "path": "/net", "value": 10}]}
    async with agent(circle) as client:
        run = text(await client.call_tool("ruby__run_replay", asked))
        difference = text(
            await client.call_tool("ruby__run_diff", {"element": element.slug, "run_id": run["run_id"]})
        )
        plan = text(await client.call_tool("ruby__runs_replay", {"element": element.slug}))
    assert (run["replay_of"], run["trigger"], run["output"]["total"]) == (first, "replay", 11.9)
    assert [step["path"] for step in difference["output"]["patch"]] == ["/total", "/net"]
    assert [each["replay_of"] for each in plan["runs"]] == [first]


async def test_a_batch_outlives_the_server_that_took_it(start_server: StartServer) -> None:
    server = start_server()
    async with client_of(server) as http:
        circle = await sign_in(http, "repeaters")
        element = await circle.ruby(
            SLOW, "slow", concurrency={"max": 2}, retry={"max_attempts": 3, "backoff_ms": 10}
        )
        for n in range(5):
            await element.invoke({"n": n})
        taken = await many(element, dry_run=False, per_second=100)
        await element.reached(taken["runs"][0]["run_id"], "completed")
    server.kill()
    async with client_of(start_server()) as http:
        element = Element(Circle(http, circle.name, circle.token), "slow")
        runs = [await element.ended(each["run_id"]) for each in taken["runs"]]
        wallet = await element.circle.wallet()
    assert [run["output"] for run in runs] == [0, 2, 4, 6, 8]
    assert {run["batch"] for run in runs} == {taken["batch"]}
    assert wallet == {"balance_micro_au": GRANT - 10 * PRICE, "held_micro_au": 0}
