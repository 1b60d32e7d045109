"""Loading: what makes a template, what makes it unfit to share, what makes it fail."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.contracts.drivers import outside
from tests.contracts.drivers.bench import Bench, anew, eventually
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.interfaces import DriverFault, Limits, LoadFailed


async def test_loading_that_hangs_is_ended_and_what_it_printed_is_kept(
    bench: Bench, driver: ProcessDriver
) -> None:
    before = outside.children_of(driver.launcher_pid or 0)
    with pytest.raises(LoadFailed) as failed:
        await driver.template(bench.spec("hangs", load_timeout_ms=700))
    assert failed.value.cause == "timeout"
    assert b"".join(frame.payload for frame in failed.value.output) == b"before\n"
    assert outside.children_of(driver.launcher_pid or 0) == before


async def test_loading_that_ends_the_process_says_so(bench: Bench, driver: ProcessDriver) -> None:
    with pytest.raises(LoadFailed) as failed:
        await driver.template(bench.spec("ends"))
    assert failed.value.cause == "exit"
    assert failed.value.error
    assert failed.value.error["code"] == 3


async def test_loading_that_eats_memory_ends_as_oom(bench: Bench, driver: ProcessDriver) -> None:
    with pytest.raises(LoadFailed) as failed:
        await driver.template(bench.spec("hoards", Limits(memory_mb=64), load_timeout_ms=30_000))
    assert failed.value.cause == "oom"


async def test_load_output_is_kept_up_to_a_bound(bench: Bench, driver: ProcessDriver) -> None:
    template = await driver.template(bench.spec("chatters"))
    kept = sum(len(frame.payload) for frame in template.load_output)
    assert 1 << 17 < kept < 1 << 20
    assert (await bench.run(template)).output == "loaded"
    await driver.discard(template)


async def test_a_discarded_template_leaves_nothing_and_makes_no_clones(
    bench: Bench, driver: ProcessDriver
) -> None:
    template = await driver.template(bench.spec("plain"))
    instance = await driver.clone(template, anew())
    namespace = outside.user_namespace(template.pid)
    await driver.discard(template)
    assert outside.pids_in(namespace) == set()
    with pytest.raises(DriverFault):
        await driver.clone(template, anew())
    await instance.kill()
    await driver.discard(template)


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process of the host."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


async def test_the_launcher_bounds_nobody_but_clones_of_the_template_that_is_named(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate, stranger: int
) -> None:
    """Whoever is bounded is killed later on: not a stranger, not another template's, not halves of two."""
    other = await driver.template(bench.spec("plain"))
    halves = ((probes.first, other.pid), (other.first, probes.pid))
    for first, runner in ((stranger, stranger), (other.first, other.pid), *halves):
        with pytest.raises(DriverFault, match="no clone"):
            await driver._link.ask("bound", template=probes.name, harness=probes.pid, first=first, runner=runner)
    await driver.discard(other)


async def test_many_clones_at_once_are_all_ready(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate
) -> None:
    instances = await asyncio.gather(*(driver.clone(probes, anew()) for _ in range(40)))
    await asyncio.gather(*(instance.kill() for instance in instances))
    await eventually(lambda: outside.pids_in(outside.user_namespace(probes.pid)) == {probes.first, probes.pid})


async def test_a_template_whose_process_is_gone_says_so(bench: Bench, driver: ProcessDriver) -> None:
    template = await driver.template(bench.spec("plain"))
    os.kill(template.pid, signal.SIGKILL)
    await eventually(lambda: not template.alive)
    with pytest.raises(DriverFault):
        await driver.clone(template, anew())
    await driver.discard(template)
