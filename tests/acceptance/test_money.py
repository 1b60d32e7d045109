"""The wallet: what is held, what is charged, and that the sums are always right."""

from typing import Any

import anyio
import httpx2
import pytest

from tests.acceptance.client import FAIL, GRANT, HOLD, PRICE, Circle, Json, refused, run_id_of, until
from tests.acceptance.conftest import Circles


async def _ledger(circle: Circle) -> list[Json]:
    """Every entry there is, oldest first, read page by page."""
    entries: list[Json] = []
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = (await circle.get("/ops/wallet/entries", params=query)).json()
        entries += page["entries"]
        if page["next"] is None:
            return entries[::-1]
        query["next"] = page["next"]


async def _assert_sums_are_right(circle: Circle) -> None:
    """Balance = sum of the ledger at each entry, never negative; each debit has its run, each run its debit."""
    entries, wallet = await _ledger(circle), await circle.wallet()
    balance = 0
    for entry in entries:
        balance += entry["amount_micro_au"]
        assert entry["balance_after_micro_au"] == balance >= 0
    assert wallet == {"balance_micro_au": balance, "held_micro_au": 0}
    charged: dict[str, int] = {}
    for entry in entries:
        if entry["amount_micro_au"] < 0:
            charged[entry["run_id"]] = charged.get(entry["run_id"], 0) - entry["amount_micro_au"]
    runs = (await circle.get("/ops/runs", params={"limit": 500})).json()["runs"]
    assert charged == {run["run_id"]: run["cost_micro_au"] for run in runs if run["cost_micro_au"]}


async def test_a_new_circle_is_granted_100_au(circle: Circle) -> None:
    assert await circle.wallet() == {"balance_micro_au": GRANT, "held_micro_au": 0}
    (entry,) = await circle.entries()
    assert (entry["amount_micro_au"], entry["balance_after_micro_au"]) == (GRANT, GRANT)
    assert entry["run_id"] is None


async def test_an_invocation_costs_10000_micro_au_and_the_debit_names_its_run(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({})
    assert answer.headers["Triform-Cost-Micro-Au"] == "10000"
    (entry,) = await circle.entries(run_id=run_id_of(answer))
    assert entry["run_id"] == run_id_of(answer)
    assert (entry["dimension"], entry["amount_micro_au"]) == ("per_invocation", -10_000)
    assert entry["balance_after_micro_au"] == GRANT - 10_000
    assert entry["at"].endswith("Z")
    run = await element.run(run_id_of(answer))
    assert (run["cost_micro_au"], run["debits"]) == (
        10_000,
        [{"dimension": "per_invocation", "amount_micro_au": 10_000}],
    )


async def test_entries_are_paged_newest_first(circle: Circle) -> None:
    element = await circle.ruby()
    runs = [run_id_of(await element.invoke({})) for _ in range(3)]
    page = (await circle.get("/ops/wallet/entries", params={"limit": 2})).json()
    assert [entry["run_id"] for entry in page["entries"]] == [runs[2], runs[1]]
    rest = (await circle.get("/ops/wallet/entries", params={"limit": 2, "next": page["next"]})).json()
    assert [entry["run_id"] for entry in rest["entries"]] == [runs[0], None]
    assert rest["next"] is None
    assert [entry["run_id"] for entry in await circle.entries(offset=1, limit=1)] == [runs[1]]


async def test_money_is_held_while_a_run_goes_on_and_settled_when_it_ends(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    assert await circle.wallet() == {"balance_micro_au": GRANT, "held_micro_au": PRICE}
    await element.printed(run_id, "started")
    assert await circle.wallet() == {"balance_micro_au": GRANT, "held_micro_au": PRICE}
    await element.cancel(run_id)
    assert (await circle.wallet())["held_micro_au"] == 0


async def test_user_code_that_fails_is_charged(circle: Circle) -> None:
    element = await circle.ruby(FAIL)
    answer = await element.invoke({})
    assert answer.headers["Triform-Cost-Micro-Au"] == str(PRICE)
    assert (await circle.wallet())["balance_micro_au"] == GRANT - PRICE


async def test_code_that_fails_while_loading_is_charged(circle: Circle) -> None:
    element = await circle.ruby("raise 'no'\ndef handler(input) = 1\n")
    answer = await element.invoke({})
    refused(answer, 500, "RUBY_EXECUTION_FAILED")
    assert answer.headers["Triform-Cost-Micro-Au"] == str(PRICE)


async def test_platform_operations_and_deploy_are_free(circle: Circle) -> None:
    element = await circle.ruby()
    for path in ("deploy", "disable", "enable", "get", "runs"):
        assert (await element.post(f"/ops/{path}", {})).status_code == 200
    await element.patch({"name": "N"})
    assert await circle.wallet() == {"balance_micro_au": GRANT, "held_micro_au": 0}


async def test_refusals_cost_nothing_and_make_no_run(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.invoke({}, params={"raw": "maybe"}), 422, "INVALID_INPUT")
    refused(await element.post("/ops/invoke", content=b"{"), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert await element.runs() == []
    assert await circle.wallet() == {"balance_micro_au": GRANT, "held_micro_au": 0}


async def test_without_enough_balance_a_call_is_refused_with_price_balance_and_the_way_out(
    tight_circle: Circle,
) -> None:
    element = await tight_circle.ruby()
    for _ in range(2):
        assert (await element.invoke({})).status_code == 200
    problem = refused(await element.invoke({}), 402, "INSUFFICIENT_BALANCE")
    assert "10000" in problem["detail"]
    assert "5000" in problem["detail"]
    assert "wallet/top_up" in problem["_suggestion"]["fix"]
    refused(await element.invoke({}, prefer="respond-async"), 402, "INSUFFICIENT_BALANCE")
    assert len(await element.runs()) == 2
    await _assert_sums_are_right(tight_circle)


async def test_free_operations_keep_working_without_money(tight_circle: Circle) -> None:
    element = await tight_circle.ruby()
    for _ in range(2):
        await element.invoke({})
    refused(await element.invoke({}), 402, "INSUFFICIENT_BALANCE")
    assert (await element.get()).status_code == 200
    assert (await element.patch({"name": "N"})).status_code == 200
    assert (await element.post("/ops/deploy", {})).status_code == 200


async def test_a_top_up_makes_calls_possible_again_and_is_booked_with_its_reference(tight_circle: Circle) -> None:
    element = await tight_circle.ruby()
    for _ in range(2):
        await element.invoke({})
    refused(await element.invoke({}), 402, "INSUFFICIENT_BALANCE")
    answer = await tight_circle.post("/ops/wallet/top_up", {"amount_micro_au": 5000, "reference": "invoice 7"})
    assert answer.json() == {"balance_micro_au": 10_000, "held_micro_au": 0}
    newest = (await tight_circle.entries(limit=1))[0]
    assert (newest["amount_micro_au"], newest["reference"]) == (5000, "invoice 7")
    assert (await element.invoke({})).status_code == 200
    assert (await tight_circle.wallet())["balance_micro_au"] == 0


@pytest.mark.parametrize("amount", [0, -1, 1.5, "10", None, 10**30])
async def test_a_top_up_is_a_positive_whole_number(circle: Circle, amount: Any) -> None:
    body = {"amount_micro_au": amount, "reference": "r"}
    problem = refused(await circle.post("/ops/wallet/top_up", body), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"] == "/amount_micro_au"
    assert (await circle.wallet())["balance_micro_au"] == GRANT


async def test_a_quote_says_what_a_call_will_cost(circle: Circle) -> None:
    element = await circle.ruby()
    line = {"dimension": "per_invocation", "most_micro_au": PRICE, "expected_micro_au": PRICE}
    told = (await element.get("/ops/invoke/quote")).json()
    assert told == {
        "operation": "invoke",
        "most_micro_au": PRICE,
        "expected_micro_au": PRICE,
        "lines": [line],
        "basis": {"runs": 0, "p50_duration_ms": None},
        "free_micro_au": GRANT,
        "affordable": True,
    }
    assert await circle.wallet() == {"balance_micro_au": GRANT, "held_micro_au": 0}
    for _ in range(2):
        await element.invoke({})
    told = (await element.get("/ops/invoke/quote")).json()
    assert (told["basis"]["runs"], told["free_micro_au"]) == (2, GRANT - 2 * PRICE)
    assert told["basis"]["p50_duration_ms"] > 0


async def test_a_quote_counts_what_is_held_as_gone(tight_circle: Circle) -> None:
    element = await tight_circle.ruby(HOLD)
    quotes = [(await element.get("/ops/invoke/quote")).json()]
    for _ in range(2):
        await element.start({})
    quotes.append((await element.get("/ops/invoke/quote")).json())
    await tight_circle.free_all()
    assert [(quote["free_micro_au"], quote["affordable"]) for quote in quotes] == [(25_000, True), (5_000, False)]


async def test_what_is_held_cannot_be_spent_twice(tight_circle: Circle) -> None:
    element = await tight_circle.ruby(HOLD)
    for _ in range(2):
        await element.start({})
    assert (await tight_circle.wallet())["held_micro_au"] == 2 * PRICE
    refused(await element.invoke({}), 402, "INSUFFICIENT_BALANCE")
    await tight_circle.free_all()


async def test_calls_that_race_for_the_last_money_admit_exactly_as_many_as_it_pays(tight_circle: Circle) -> None:
    element = await tight_circle.ruby("def handler(input)\n  1\nend\n", concurrency={"max": 4})
    await tight_circle.top_up(2 * PRICE)
    answers: list[httpx2.Response] = []

    async def call() -> None:
        answers.append(await element.invoke({}))

    async with anyio.create_task_group() as callers:
        for _ in range(6):
            callers.start_soon(call)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 4 + [402] * 2
    await _assert_sums_are_right(tight_circle)


async def test_the_sums_are_right_after_a_storm_of_every_kind_of_run(circle: Circle) -> None:
    fine, bad = await circle.ruby("def handler(input)\n  1\nend\n"), await circle.ruby(FAIL)
    slow = await circle.ruby("def handler(input)\n  loop {}\nend\n", timeout_ms=100, retry={"max_attempts": 2})
    held = await circle.ruby(HOLD)

    async def storm(number: int) -> None:
        for _ in range(3):
            await fine.invoke({}, key=f"k{number % 4}")
            await bad.invoke({}, prefer="respond-async")
        await slow.invoke({})
        await slow.invoke({}, prefer="respond-async")
        await held.cancel(await held.start({}))

    async with anyio.create_task_group() as callers:
        for number in range(8):
            callers.start_soon(storm, number)

    async def calm() -> bool:
        return bool((await circle.wallet())["held_micro_au"] == 0)

    await until(calm, "nothing is held any more")
    await _assert_sums_are_right(circle)


async def test_one_circle_pays_nothing_for_another(new_circle: Circles) -> None:
    one, other = await new_circle(), await new_circle()
    await (await one.ruby()).invoke({})
    assert await other.wallet() == {"balance_micro_au": GRANT, "held_micro_au": 0}
    assert len(await other.entries()) == 1


@pytest.mark.parametrize("role", ["viewer", "operator", "member"])
async def test_only_an_admin_tops_up_but_everybody_may_look(circle: Circle, role: str) -> None:
    made = await circle.post("/ops/tokens/create", {"name": role, "role": role})
    mine = Circle(circle.http, circle.name, made.json()["token"])
    body = {"amount_micro_au": 1, "reference": "r"}
    refused(await mine.post("/ops/wallet/top_up", body), 403, "FORBIDDEN")
    assert await mine.wallet() == {"balance_micro_au": GRANT, "held_micro_au": 0}
