from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.isolation.scripted import ScriptedDriver
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.shelf import Footprint, Policy
from triform.testing.clock import FakeClock
from triform.testing.listener import RecordingListener

POLICY = Policy(
    memory_mb=100, footprint=Footprint(template_mb=40, instance_mb=1), most_spares=3, idle_s=60, lag_s=0
)


@pytest.fixture
def driver() -> ScriptedDriver:
    return ScriptedDriver()


@pytest.fixture
def listener() -> RecordingListener:
    return RecordingListener()


@pytest.fixture
def spec() -> TemplateSpec:
    return make_spec()


def make_spec(owner: str = "one") -> TemplateSpec:
    return TemplateSpec(
        language="toy",
        image=Path("/image"),
        code=Path("/code"),
        entry="main.toy",
        handler="handler",
        limits=Limits(memory_mb=64),
        load_timeout_ms=1000,
        owner=owner,
    )


@pytest.fixture
async def pool(driver: ScriptedDriver, clock: FakeClock) -> AsyncIterator[Pool]:
    pool = Pool(driver, clock, POLICY)
    yield pool
    await pool.stop()
    assert not driver.alive
    assert not driver.standing
