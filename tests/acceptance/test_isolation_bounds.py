"""What a run may take is bounded, and nobody else notices when it wants more."""

import asyncio

import pytest

from tests.acceptance.client import Circle, refused, run_id_of
from tests.acceptance.patches import patched
from tests.acceptance.snippets import snippets

HUNGRY = "x = []; loop { x << 'x' * 1_000_000 }"


@pytest.mark.parametrize(
    "ruby",
    [
        HUNGRY,
        "'x' * 500_000_000",
        "8.times.map { fork { 'x' * 40_000_000; sleep } }; sleep 5",
        "File.write('/dev/shm/held', 'x' * 60_000_000); 'x' * 80_000_000",
    ],
)
async def test_memory_is_a_hard_limit_of_the_whole_run(circle: Circle, ruby: str) -> None:
    """Of the process, its children and its files in memory, all together."""
    refused(await (await snippets(circle)).run(ruby), 500, "RUBY_MEMORY_EXCEEDED")


async def test_exceeding_it_tells_limit_and_peak_and_offers_a_larger_one(circle: Circle) -> None:
    probe = await snippets(circle)
    problem = refused(await probe.run("'x' * 150_000_000; :done"), 500, "RUBY_MEMORY_EXCEEDED")
    assert problem["memory_mb"] == 128
    assert 100 < problem["memory_peak_mb"] <= 130
    run = await probe.element.run(problem["run_id"])
    assert run["usage"]["memory_peak_mb"] > 100
    assert run["cost_micro_au"] == 10_000
    larger = patched((await probe.element.get()).json()["spec"], problem["_suggestion"]["patch"])
    await probe.element.patch({"spec": larger})
    assert await probe.value("'x' * 150_000_000; :done") == "done"


async def test_a_neighbour_of_a_hungry_run_keeps_working(circle: Circle) -> None:
    """Runs of the same element, forked from the same process, and of another one."""
    probe, other = await snippets(circle), await snippets(circle)
    working = "10.times.sum { |n| sleep 0.02; n }"
    *neighbours, hungry = await asyncio.gather(
        probe.value(working), other.value(working), probe.value(working), probe.run(HUNGRY)
    )
    assert neighbours == [45, 45, 45]
    refused(hungry, 500, "RUBY_MEMORY_EXCEEDED")
    assert await probe.value("1") == 1


async def test_what_the_code_took_while_loading_does_not_count(circle: Circle) -> None:
    element = await circle.ruby(
        "DATA_SET = 'x' * 60_000_000\ndef handler(input)\n  ('y' * 60_000_000).size + DATA_SET.size\nend\n",
        memory_mb=96,
    )
    for _ in range(2):
        assert (await element.invoke({})).json() == 120_000_000


async def test_the_peak_of_a_run_is_its_own(circle: Circle) -> None:
    probe = await snippets(circle)
    await probe.value("('x' * 80_000_000).size")
    small = await probe.element.run(run_id_of(await probe.run("1")))
    large = await probe.element.run(run_id_of(await probe.run("('x' * 80_000_000).size")))
    assert small["usage"]["memory_peak_mb"] < 40 < 76 < large["usage"]["memory_peak_mb"]


async def test_one_endless_file_is_bounded_likewise(circle: Circle) -> None:
    endless = "File.open('/tmp/x', 'wb') { |f| f.sync = true; loop { f.write('x' * 1_048_576) } }"
    problem = refused(await (await snippets(circle)).run(endless), 500, "RUBY_EXECUTION_FAILED")
    assert problem["exception"]["class"] == "Errno::ENOSPC"


async def test_a_run_gets_one_processor_s_time_at_most(circle: Circle) -> None:
    probe = await snippets(circle)
    busy = "4.times { fork { loop {} } }; t = Process.clock_gettime(Process::CLOCK_MONOTONIC); sleep 0.5; 1"
    run = await probe.element.run(run_id_of(await probe.run(busy)))
    assert run["usage"]["cpu_ms"] <= 1.5 * run["usage"]["duration_ms"] + 100


async def test_cpu_time_is_told(circle: Circle) -> None:
    probe = await snippets(circle)
    busy = "t = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID); "
    busy += "nil while Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - t < 0.2"
    run = await probe.element.run(run_id_of(await probe.run(busy)))
    assert run["usage"]["cpu_ms"] >= 190
    idle = await probe.element.run(run_id_of(await probe.run("sleep 0.2")))
    assert idle["usage"]["cpu_ms"] < 150


async def test_an_output_that_is_too_large_fails_and_says_how_large_it_may_be(circle: Circle) -> None:
    problem = refused(await (await snippets(circle)).run("'x' * 7_000_000"), 500, "OUTPUT_TOO_LARGE")
    assert str(6 << 20) in problem["detail"] or "6 MiB" in problem["detail"], problem["detail"]
