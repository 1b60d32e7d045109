"""What the guard holds every driver to."""

import asyncio

import pytest

from tests.unit.isolation.scripted import ScriptedDriver
from triform.substrates.isolation.channel import control
from triform.substrates.isolation.guard import GuardedDriver, Patience, Stage
from triform.substrates.isolation.interfaces import DriverFault, GuestGone, LoadFailed, TemplateSpec

THAW, INVOKE = control("thaw"), control("invoke", run="r", bytes=0)


@pytest.fixture
def guard(driver: ScriptedDriver) -> GuardedDriver:
    return GuardedDriver(driver, Patience(clone_s=0.01, kill_s=0.01, discard_s=0.01, load_slack_s=0.01))


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_an_instance_serves_one_invoke(guard: GuardedDriver, spec: TemplateSpec) -> None:
    instance = await guard.clone(await guard.template(spec), THAW)
    await instance.send(INVOKE)
    with pytest.raises(DriverFault, match="one run only"):
        await instance.send(INVOKE)


async def test_a_killed_instance_takes_nothing(guard: GuardedDriver, spec: TemplateSpec) -> None:
    instance = await guard.clone(await guard.template(spec), THAW)
    await instance.kill()
    with pytest.raises(GuestGone):
        await instance.send(INVOKE)
    assert instance.stage is Stage.gone


async def test_killing_twice_kills_once(guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec) -> None:
    instance = await guard.clone(await guard.template(spec), THAW)
    await asyncio.gather(instance.kill(), instance.kill())
    assert driver.instances[0].kills == 1
    assert (guard.counts.instances, guard.counts.gone, guard.counts.alive) == (1, 1, 0)


async def test_a_kill_goes_on_when_its_caller_is_cancelled(
    guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    instance = await guard.clone(await guard.template(spec), THAW)
    killing = asyncio.create_task(instance.kill())
    await asyncio.sleep(0)
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    await driver.instances[0].dead.wait()


async def test_an_instance_that_will_not_die_is_a_leak_and_a_fault(
    guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = await guard.clone(await guard.template(spec), THAW)
    monkeypatch.setattr(driver.instances[0], "kill", for_ever)
    with pytest.raises(DriverFault, match="kill took longer"):
        await instance.kill()
    assert (guard.counts.leaked, guard.counts.alive) == (1, 1)


async def test_a_clone_that_takes_too_long_is_a_fault(
    guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    template = await guard.template(spec)
    driver.on_clone = lambda template: for_ever()
    with pytest.raises(DriverFault, match="clone took longer"):
        await guard.clone(template, THAW)
    assert guard.last_fault.startswith("clone")


async def test_what_user_code_did_at_load_stays_what_it_is(
    guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    driver.on_template = lambda spec: LoadFailed("exit")
    with pytest.raises(LoadFailed):
        await guard.template(spec)
    assert (guard.counts.load_failures, guard.counts.faults) == (1, 0)


@pytest.mark.parametrize("error", [OSError("no space"), KeyError("x"), DriverFault("x"), GuestGone("x")])
async def test_anything_else_that_goes_wrong_is_a_fault(
    error: Exception, guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    driver.on_template = lambda spec: error
    with pytest.raises(DriverFault):
        await guard.template(spec)
    assert guard.counts.faults == 1


async def test_discarding_never_raises_but_counts_what_stayed(
    guard: GuardedDriver, driver: ScriptedDriver, spec: TemplateSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = await guard.template(spec)
    monkeypatch.setattr(driver, "discard", lambda template: for_ever())
    await guard.discard(template)
    assert (guard.counts.discarded, guard.counts.leaked) == (0, 1)
