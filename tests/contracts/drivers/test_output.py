"""What a run prints and answers arrives whole, however it ends."""

from tests.contracts.drivers.bench import Bench, anew, finish, invoke, printed
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.drivers.process.template import ProcessTemplate


async def test_every_line_arrives_in_order_and_streams_stay_apart(bench: Bench, probes: ProcessTemplate) -> None:
    ran = await bench.run(probes, "print", lines=500)
    assert ran.output == "printed"
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith("line")] == [f"line {at}" for at in range(500)]
    assert "from a child" in lines
    assert ran.stderr == "to stderr\n"


async def test_every_line_printed_before_a_kill_is_kept(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate
) -> None:
    instance = await driver.clone(probes, anew())
    await invoke(instance, "print and stay", lines=2000)
    ran = await finish(instance, printed("line 1999\n"))
    assert ran.stdout.splitlines() == [f"line {at}" for at in range(2000)]


async def test_lines_are_kept_that_nobody_had_read_when_the_kill_came(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate
) -> None:
    instance = await driver.clone(probes, anew())
    await invoke(instance, "exit hard")
    ran = await finish(instance)
    assert ran.last("exited")["code"] == 7


async def test_a_large_answer_arrives_whole(bench: Bench, probes: ProcessTemplate) -> None:
    assert (await bench.run(probes, "large", bytes=5 << 20)).output == "x" * (5 << 20)


async def test_a_large_question_arrives_whole(bench: Bench, probes: ProcessTemplate) -> None:
    assert (await bench.run(probes, "echo", value="y" * (5 << 20))).output == "y" * (5 << 20)


async def test_a_crash_is_told_apart_from_an_exit(bench: Bench, probes: ProcessTemplate) -> None:
    ran = await bench.run(probes, "segfault")
    ended = ran.last("exited")
    assert ended["code"] is None
    assert ended["signal"] in (6, 11)
    assert ran.output is None
