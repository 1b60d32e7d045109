"""An instance is told who it is when it is made; one that cannot be told is not lent."""

from tests.unit.isolation.scripted import ScriptedDriver, ScriptedInstance
from triform.substrates.isolation.channel import parse_control
from triform.substrates.isolation.interfaces import TemplateSpec
from triform.substrates.isolation.pool import Pool


async def test_an_instance_knows_who_it_is_before_it_is_lent(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    leases = [await pool.obtain(spec) for _ in range(3)]
    said = [[parse_control(frame) for frame in instance.sent] for instance in driver.instances]
    assert {message["type"] for (message,) in said} == {"thaw"}
    assert len({message["seed"] for (message,) in said}) == len(driver.instances) >= 3
    for lease in leases:
        await pool.give_back(lease)


async def test_an_instance_that_does_not_listen_is_not_lent_and_not_left_over(
    pool: Pool, driver: ScriptedDriver, spec: TemplateSpec
) -> None:
    make = driver.make

    def deaf() -> ScriptedInstance:
        driver.make = make
        instance = make()
        instance.deaf = True
        return instance

    driver.make = deaf
    async with pool.lease(spec):
        assert [instance.dead.is_set() for instance in driver.instances][:2] == [True, False]
