"""Attempts: asynchronous runs follow the element's policy, synchronous callers decide themselves."""

from datetime import datetime

from tests.acceptance.client import FAIL, PRICE, Circle, lines_of, refused, run_id_of

SLOW = "def handler(input)\n  puts 'tried'\n  $stdout.flush\n  loop {}\nend\n"


def _at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def test_an_asynchronous_run_is_tried_again_after_a_retryable_failure(circle: Circle) -> None:
    element = await circle.ruby(SLOW, timeout_ms=100, retry={"max_attempts": 3, "backoff_ms": 50})
    run = await element.ended(await element.start({}))
    assert (run["status"], run["error"]["code"]) == ("failed", "RUBY_TIMEOUT")
    assert [(each["number"], each["status"], each["code"]) for each in run["attempts"]] == [
        (number, "failed", "RUBY_TIMEOUT") for number in (1, 2, 3)
    ]
    assert lines_of(run) == ["tried"] * 3
    assert run["next_attempt_at"] is None


async def test_the_waits_between_attempts_grow_by_the_multiplier(circle: Circle) -> None:
    retry = {"max_attempts": 3, "backoff_ms": 200, "backoff_multiplier": 3}
    element = await circle.ruby(SLOW, timeout_ms=100, retry=retry)
    first, second, third = (await element.ended(await element.start({})))["attempts"]
    assert _at(second["started_at"]) - _at(first["ended_at"]) >= 0.2
    assert _at(third["started_at"]) - _at(second["ended_at"]) >= 0.6


async def test_all_attempts_live_in_one_run_and_are_invoiced_once(circle: Circle) -> None:
    element = await circle.ruby(SLOW, timeout_ms=100, retry={"max_attempts": 2, "backoff_ms": 10})
    run = await element.ended(await element.start({}))
    assert len(await element.runs()) == 1
    assert run["cost_micro_au"] == PRICE
    assert [entry["amount_micro_au"] for entry in await circle.entries(run_id=run["run_id"])] == [-PRICE]


async def test_max_attempts_counts_the_first(circle: Circle) -> None:
    element = await circle.ruby(SLOW, timeout_ms=100, retry={"max_attempts": 1})
    assert len((await element.ended(await element.start({})))["attempts"]) == 1


async def test_a_failure_that_is_not_retryable_ends_the_run_at_once(circle: Circle) -> None:
    element = await circle.ruby(FAIL, retry={"max_attempts": 5, "backoff_ms": 10})
    run = await element.ended(await element.start({}))
    assert (run["error"]["code"], run["error"]["retryable"]) == ("RUBY_EXECUTION_FAILED", False)
    assert len(run["attempts"]) == 1


async def test_between_attempts_the_run_is_pending_and_says_when_it_goes_on(circle: Circle) -> None:
    element = await circle.ruby(SLOW, timeout_ms=100, retry={"backoff_ms": 600_000})
    run_id = await element.start({})
    run = await element.backing_off(run_id)
    assert run["finished_at"] is None
    assert 599 < _at(run["next_attempt_at"]) - _at(run["attempts"][0]["ended_at"]) < 601
    assert lines_of(run) == ["tried"]
    assert (await circle.wallet())["held_micro_au"] == PRICE
    assert (await element.cancel(run_id)).json()["status"] == "cancelled"
    assert (await circle.wallet())["held_micro_au"] == 0


async def test_a_synchronous_caller_gets_the_first_outcome_and_whether_to_repeat(circle: Circle) -> None:
    element = await circle.ruby(SLOW, timeout_ms=100, retry={"max_attempts": 3, "backoff_ms": 10})
    answer = await element.invoke({})
    assert refused(answer, 504, "RUBY_TIMEOUT")["retryable"] is True
    assert len((await element.run(run_id_of(answer)))["attempts"]) == 1
