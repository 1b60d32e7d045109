"""An instance is told who it is when it is made."""

from tests.unit.isolation.scripted import ScriptedDriver
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
