"""Readiness: loaded once, ready ahead of demand, within its budget, and nothing left behind."""

import asyncio

import pytest

from tests.unit.isolation.conftest import POLICY, make_spec
from tests.unit.isolation.scripted import ScriptedDriver
from triform.substrates.isolation.interfaces import DriverFault, LoadFailed, TemplateSpec
from triform.substrates.isolation.pool import Pool
from triform.testing.clock import FakeClock


async def settle() -> None:
    """Lets everything in the background that can go on, go on."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_user_code_is_loaded_once_however_many_ask(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    leases = await asyncio.gather(*(pool.obtain(spec) for _ in range(8)))
    assert len(driver.templates) == 1
    assert len({id(lease.instance) for lease in leases}) == 8
    for lease in leases:
        await pool.give_back(lease)


async def test_the_first_lease_is_cold_and_the_next_is_ready(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    async with pool.lease(spec) as first:
        assert first.cold
        assert first.load_output
    await settle()
    async with pool.lease(spec) as second:
        assert not second.cold
        assert second.cold_start_ms == 0
        assert not second.load_output


async def test_an_instance_is_lent_once_and_dead_afterwards(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    lent = []
    for _ in range(5):
        async with pool.lease(spec) as lease:
            lent.append(lease.instance)
        await settle()
    assert len({id(instance) for instance in lent}) == 5
    assert all(instance.dead.is_set() for instance in driver.instances if instance in lent)


async def test_spares_follow_demand_up_to_the_limit_and_fall_when_it_ends(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec, clock: FakeClock
) -> None:
    leases = [await pool.obtain(spec) for _ in range(5)]
    for lease in leases:
        await pool.give_back(lease)
    await settle()
    assert pool.facts()["spares"] == POLICY.most_spares
    await pool.tend()
    await pool.tend()
    assert pool.facts()["spares"] == 1
    clock.advance(61)
    await pool.tend()
    assert pool.facts() == {"templates": 1, "spares": 0, "leases": 0, "memory_mb": 40}


async def test_a_failing_load_is_remembered(pool: Pool, driver: ScriptedDriver, spec: TemplateSpec) -> None:
    loads: list[TemplateSpec] = []
    driver.on_template = lambda spec: loads.append(spec) or LoadFailed("load_error", {"class": "X"})
    for _ in range(3):
        with pytest.raises(LoadFailed) as failed:
            await pool.obtain(spec)
        assert failed.value.error == {"class": "X"}
    assert len(loads) == 1


async def test_a_failure_that_may_pass_is_forgotten_soon_any_other_later(
    pool: Pool, driver: ScriptedDriver, clock: FakeClock
) -> None:
    for owner, cause in (("slow", "timeout"), ("wrong", "load_error")):
        driver.on_template = lambda spec, cause=cause: LoadFailed(cause)
        with pytest.raises(LoadFailed):
            await pool.obtain(make_spec(owner))
    driver.on_template = lambda spec: None
    clock.advance(31)
    await pool.tend()
    async with pool.lease(make_spec("slow")):
        pass
    with pytest.raises(LoadFailed):
        await pool.obtain(make_spec("wrong"))
    clock.advance(3600)
    await pool.tend()
    async with pool.lease(make_spec("wrong")):
        pass


async def test_warming_tries_again_what_failed_before(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    driver.on_template = lambda spec: LoadFailed("load_error")
    with pytest.raises(LoadFailed):
        await pool.warm(spec)
    driver.on_template = lambda spec: None
    await pool.warm(spec)
    await settle()
    lease = pool.spare(spec)
    assert lease is not None
    await pool.give_back(lease)


async def test_warming_twice_loads_once(pool: Pool, driver: ScriptedDriver, spec: TemplateSpec) -> None:
    await asyncio.gather(pool.warm(spec), pool.warm(spec))
    await settle()
    await pool.warm(spec)
    assert len(driver.templates) == 1


async def test_the_least_recently_used_template_gives_way(
    pool: Pool, driver: ScriptedDriver, clock: FakeClock
) -> None:
    for owner in ("a", "b", "a", "c"):
        clock.advance(1)
        async with pool.lease(make_spec(owner)):
            pass
        await settle()
    assert sorted(template.spec.owner for template in driver.standing) == ["a", "c"]
    assert pool.facts()["memory_mb"] <= POLICY.memory_mb


async def test_a_template_at_work_never_gives_way(pool: Pool, driver: ScriptedDriver, clock: FakeClock) -> None:
    leases = []
    for owner in ("a", "b", "c"):
        clock.advance(1)
        leases.append(await pool.obtain(make_spec(owner)))
    assert not driver.discarded
    for lease in leases:
        await pool.give_back(lease)
    await pool.tend()
    assert [template.spec.owner for template in driver.discarded] == ["a"]


async def test_a_template_that_no_longer_clones_is_replaced(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    await pool.warm(spec)
    await settle()
    broken = driver.templates[0]
    driver.on_clone = lambda template: DriverFault("it is dead") if template is broken else None
    async with pool.lease(spec):
        pass
    async with pool.lease(spec) as lease:
        assert lease.template is not broken
    await settle()
    assert broken in driver.discarded


async def test_a_machine_that_does_not_work_is_tried_twice(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    tries: list[TemplateSpec] = []
    driver.on_template = lambda spec: tries.append(spec) or DriverFault("no")
    with pytest.raises(DriverFault):
        await pool.obtain(spec)
    assert len(tries) == 2


async def test_a_distrusted_template_goes_when_its_last_lease_is_back(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    lease, other = await pool.obtain(spec), await pool.obtain(spec)
    pool.distrust(lease)
    await pool.give_back(lease)
    await settle()
    assert not driver.discarded
    async with pool.lease(spec) as fresh:
        assert fresh.template is not lease.template
    await pool.give_back(other)
    await settle()
    assert driver.discarded == [lease.template]


async def test_a_template_for_one_run_serves_one_run(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    driver.reusable = False
    leases = await asyncio.gather(*(pool.obtain(spec) for _ in range(3)))
    assert len({id(lease.template) for lease in leases}) == 3
    for lease in leases:
        await pool.give_back(lease)
    assert all(lease.template in driver.discarded for lease in leases)
    await settle()
    assert pool.facts()["spares"] == 1


async def test_what_was_warmed_for_one_run_is_used_for_it(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    driver.reusable = False
    warmed = await pool.warm(spec)
    await settle()
    async with pool.lease(spec) as lease:
        assert lease.template is warmed


async def test_a_load_nobody_waits_for_any_more_is_called_off(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    called_off = asyncio.Event()

    async def load() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            called_off.set()

    driver.on_template = lambda spec: load()
    waiting = [asyncio.create_task(pool.obtain(spec)) for _ in range(2)]
    await settle()
    waiting[0].cancel()
    await settle()
    assert not called_off.is_set()
    waiting[1].cancel()
    await asyncio.wait_for(called_off.wait(), 5)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_stopping_ends_a_load_and_refuses_new_leases(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    driver.on_template = lambda spec: asyncio.Event().wait()
    waiting = asyncio.create_task(pool.obtain(spec))
    await settle()
    await pool.stop()
    with pytest.raises(DriverFault):
        await waiting
    with pytest.raises(DriverFault, match="stopping"):
        await pool.obtain(spec)


async def test_a_lease_is_ended_even_when_its_user_is_cancelled(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    started = asyncio.Event()

    async def use() -> None:
        async with pool.lease(spec):
            started.set()
            await asyncio.Event().wait()

    using = asyncio.create_task(use())
    await started.wait()
    using.cancel()
    await asyncio.gather(using, return_exceptions=True)
    await settle()
    assert pool.facts()["leases"] == 0
    assert driver.instances[0].dead.is_set()
