"""Bounds of a run: time, memory, output, log. Nothing is truncated in silence."""

import secrets

import pytest

from tests.acceptance import processes
from tests.acceptance.client import ECHO, PRICE, Circle, lines_of, refused, run_id_of, timing_of, until

MIB = 1 << 20
LOOP = "def handler(input)\n  puts 'one'\n  $stderr.puts 'two'\n  print 'three'\n  $stdout.flush\n  loop {}\nend\n"


async def test_a_handler_that_never_returns_is_stopped_and_keeps_every_line_it_printed(circle: Circle) -> None:
    element = await circle.ruby(LOOP, timeout_ms=300)
    problem = refused(await element.invoke({}), 504, "RUBY_TIMEOUT")
    assert problem["retryable"] is True
    run = await element.run(problem["run_id"])
    assert run["status"] == "failed"
    assert sorted(lines_of(run)) == ["one", "three", "two"]
    assert run["logs"]["complete"] is True
    assert run["usage"]["duration_ms"] >= 300


async def test_the_run_has_ended_a_hundred_milliseconds_after_its_timeout(circle: Circle) -> None:
    element = await circle.ruby(LOOP, timeout_ms=300)
    timings = [timing_of(await element.invoke({})) for _ in range(5)]
    took = [timing["total"] - timing["queue"] - timing["cold"] for timing in timings]
    assert min(timing["exec"] for timing in timings) >= 300
    assert min(took) < 400, "a busy machine may be late now and then, but not every time"


@pytest.mark.parametrize("how", ["loop {}", "sleep", "Thread.new { loop {} }.join", "trap('TERM') {}; loop {}"])
async def test_whatever_the_handler_does_it_ends_at_its_timeout(circle: Circle, how: str) -> None:
    element = await circle.ruby(f"def handler(input)\n  {how}\nend\n", timeout_ms=200)
    refused(await element.invoke({}), 504, "RUBY_TIMEOUT")


async def test_the_whole_process_tree_is_dead_when_a_timeout_is_told(circle: Circle) -> None:
    mark = f"{secrets.randbelow(10**6) + 10**6}.5"
    element = await circle.ruby(
        "def handler(input)\n"
        f"  3.times {{ spawn('sleep', '{mark}') }}\n"
        f"  spawn('sh', '-c', 'sleep {mark} & wait')\n"
        "  puts 'started'\n  $stdout.flush\n  sleep\nend\n",
        timeout_ms=1000,
        retry={"max_attempts": 1},
    )
    run_id = await element.start({})
    await element.printed(run_id, "started")
    assert processes.with_argument(mark)
    run = await element.ended(run_id)
    assert run["attempts"][0]["code"] == "RUBY_TIMEOUT"
    assert processes.with_argument(mark) == []


async def test_the_queue_and_the_cold_start_do_not_count_as_the_handlers_time(circle: Circle) -> None:
    element = await circle.ruby("sleep 0.5\ndef handler(input)\n  sleep 0.05\n  1\nend\n", timeout_ms=300)
    answer = await element.invoke({})
    assert answer.json() == 1
    run = await element.run(run_id_of(answer))
    assert run["usage"]["cold_start_ms"] >= 500
    assert 50 <= run["usage"]["duration_ms"] < 300


async def test_a_timeout_is_charged_since_user_code_ran(circle: Circle) -> None:
    element = await circle.ruby(LOOP, timeout_ms=100)
    answer = await element.invoke({})
    assert answer.headers["Triform-Cost-Micro-Au"] == str(PRICE)


async def test_too_much_memory_is_named_with_the_peak(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input)\n  puts 'before'\n  $stdout.flush\n  a = []\n  loop { a << 'x' * 1_000_000 }\nend\n",
        memory_mb=64,
    )
    problem = refused(await element.invoke({}), 500, "RUBY_MEMORY_EXCEEDED")
    assert problem["memory_mb"] == 64
    run = await element.run(problem["run_id"])
    assert 32 <= run["usage"]["memory_peak_mb"] <= 80
    assert lines_of(run) == ["before"]


async def test_output_may_have_6_mib_and_not_a_byte_more(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  'x' * input['n']\nend\n")
    answer = await element.invoke({"n": 6 * MIB - 2})
    assert len(answer.content) == 6 * MIB
    answer = await element.invoke({"n": 6 * MIB - 1})
    problem = refused(answer, 500, "OUTPUT_TOO_LARGE")
    run = await element.run(problem["run_id"])
    assert (run["status"], run["output"]) == ("failed", None)


async def test_a_log_keeps_a_mebibyte_and_counts_what_it_drops(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  2000.times { puts _1.to_s.rjust(1024) }\n  'done'\nend\n")
    answer = await element.invoke({})
    assert answer.json() == "done"
    run = await element.run(run_id_of(answer))
    assert (run["logs"]["total"], run["logs"]["dropped"]) == (2000, 976)
    marker = run["logs"]["lines"][-1]
    assert marker["text"].startswith("976 more lines were dropped")
    assert run["logs"]["lines"][-2]["text"].strip() == "1023"


async def test_one_endless_line_does_not_escape_the_log_limit(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  3.times { print 'x' * 1_048_576 }\n  'done'\nend\n")
    answer = await element.invoke({})
    assert answer.json() == "done"
    run = await element.run(run_id_of(answer))
    assert sum(len(line["text"]) for line in run["logs"]["lines"]) < 2 * MIB
    assert run["logs"]["dropped"] > 0


async def test_code_that_never_finishes_loading_is_a_timeout_while_loading(tight_circle: Circle) -> None:
    element = await tight_circle.ruby("puts 'loading'\n$stdout.flush\nloop {}\n" + ECHO)
    problem = refused(await element.invoke({}), 504, "RUBY_TIMEOUT")
    assert "while loading" in problem["detail"]
    assert (await element.run(problem["run_id"]))["status"] == "failed"


async def test_a_neighbour_notices_nothing_of_a_run_that_is_out_of_memory(circle: Circle) -> None:
    greedy = await circle.ruby(
        "def handler(input)\n  a = []\n  loop { a << 'x' * 1_000_000 }\nend\n", memory_mb=64
    )
    neighbour = await circle.ruby("def handler(input)\n  sleep 0.3\n  'fine'\nend\n")
    run_id = await greedy.start({})
    assert (await neighbour.invoke({})).json() == "fine"
    assert (await greedy.ended(run_id))["error"]["code"] == "RUBY_MEMORY_EXCEEDED"

    async def calm() -> bool:
        return bool((await neighbour.invoke({})).json() == "fine")

    await until(calm, "the neighbour answers afterwards too")


async def test_the_limits_of_body_output_and_log_are_settings(tight_circle: Circle) -> None:
    element = await tight_circle.ruby(
        "def handler(input)\n  300.times { puts 'x' * 99 }\n  'x' * input['n']\nend\n"
    )
    refused(await element.invoke({"n": "x" * 50_000}), 413, "BODY_TOO_LARGE")
    answer = await element.invoke({"n": 19_998})
    assert len(answer.content) == 20_000
    refused(await element.invoke({"n": 19_999}), 500, "OUTPUT_TOO_LARGE")
    run = await element.run(run_id_of(answer))
    assert (run["logs"]["total"], run["logs"]["dropped"]) == (300, 199)
    assert run["logs"]["lines"][-1]["text"].startswith("199 more lines were dropped")
