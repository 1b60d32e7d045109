"""What a run may use up, and what happens when it does."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import anyio
import pytest

from tests.contracts.drivers import outside
from tests.contracts.drivers.bench import Bench, anew, eventually, finish, invoke, printed
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.interfaces import GuestGone, Limits
from triform.testing.groups import homes_of

MIB = 1 << 20


@pytest.mark.parametrize("probe", ["eat", "child eats"])
async def test_a_run_that_eats_memory_ends_as_oom_and_nobody_else_notices(
    bench: Bench, probes: ProcessTemplate, probe: str
) -> None:
    neighbour = await bench.driver.clone(probes, anew())
    ran = await bench.run(probes, probe)
    assert ran.exit.oom
    assert ran.exit.memory_peak_bytes > 32 * MIB
    assert ran.output is None
    await invoke(neighbour, "echo", value="still here")
    assert (await finish(neighbour)).output == "still here"


async def test_a_child_s_memory_is_seen_by_who_looks_first(bench: Bench, probes: ProcessTemplate) -> None:
    """Its parent may still answer before the launcher has ended it: that answer must not count."""
    launcher = bench.driver.launcher_pid or 0
    if not homes_of(launcher):
        pytest.skip("needs cgroups: without, nobody is killed but by the launcher")
    instance = await bench.driver.clone(probes, anew())
    with stopped(launcher):
        await invoke(instance, "child ate")
        async for frame in instance.frames():
            if frame.kind == "J":
                break
        assert (await instance.usage()).oom
    assert (await instance.kill()).oom


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_the_kernel_holds_a_run_to_its_limits(bench: Bench, driver: ProcessDriver) -> None:
    """As written, not as felt: on a busy machine nobody gets more than a processor anyway."""
    launcher = driver.launcher_pid or 0
    if not homes_of(launcher):
        pytest.skip("needs cgroups")
    template = await driver.template(bench.spec("plain", Limits(memory_mb=96, pids=40, cpus=0.5)))
    before = outside.groups_of(launcher)
    instance = await driver.clone(template, anew())
    (group,) = outside.groups_of(launcher) - before
    bounds = outside.bounds_of(launcher, group)
    await instance.kill()
    await driver.discard(template)
    assert bounds in (
        {"memory.limit_in_bytes": str(96 * MIB), "pids.max": "40", "cpu.cfs_quota_us": "50000"},
        {"memory.max": str(96 * MIB), "pids.max": "40", "cpu.max": "50000 100000"},
    )


async def test_what_a_run_used_is_told(bench: Bench) -> None:
    template = await bench.driver.template(bench.spec("probes", Limits(memory_mb=128)))
    idle = await bench.run(template, "echo", value=1)
    busy = await bench.run(template, "use", mb=40, cpu_s=0.3)
    assert busy.output == 40 * MIB
    assert busy.exit.memory_peak_bytes > 35 * MIB
    assert idle.exit.memory_peak_bytes < 20 * MIB
    assert busy.exit.cpu_ms > 250 > idle.exit.cpu_ms
    await bench.driver.discard(template)


async def test_a_tree_of_processes_dies_as_one(bench: Bench, driver: ProcessDriver) -> None:
    template = await driver.template(bench.spec("probes", replace(Limits(memory_mb=256), pids=200)))
    namespace = outside.user_namespace(template.pid)
    instance = await driver.clone(template, anew())
    await invoke(instance, "tree", count=40)
    ran = await finish(instance, printed("planted"))
    assert ran.stdout == "planted\n"
    await eventually(lambda: outside.pids_in(namespace) == {template.first, template.pid})
    await driver.discard(template)
    assert outside.pids_in(namespace) == set()


async def test_groups_go_with_their_runs(bench: Bench, driver: ProcessDriver, probes: ProcessTemplate) -> None:
    launcher = driver.launcher_pid or 0
    await bench.run(probes, "echo", value=1)
    kept = outside.groups_of(launcher)
    for _ in range(5):
        await bench.run(probes, "echo", value=1)
    await eventually(lambda: outside.groups_of(launcher) <= kept)  # used again, or removed


async def test_kill_may_be_called_again_and_ends_everything(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate
) -> None:
    instance = await driver.clone(probes, anew())
    first = await instance.kill()
    assert await instance.kill() == first
    with pytest.raises(GuestGone):
        await invoke(instance, "echo", value=1)


async def test_a_flooding_run_is_held_back_until_it_is_read(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate
) -> None:
    instance = await driver.clone(probes, anew())
    await invoke(instance, "flood")
    taken = 0
    async for frame in instance.frames():
        taken += len(frame.payload)
        if taken > 4 * MIB:
            break
    for _ in range(50):
        await anyio.lowlevel.checkpoint()
    await instance.kill()
    left = sum([len(frame.payload) async for frame in instance.frames()])
    assert left <= 4 * MIB
