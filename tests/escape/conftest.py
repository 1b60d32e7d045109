"""Drivers and languages as the contract tests have them, a neighbour beside every escape, nothing left behind."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.contracts.drivers.bench import Bench, eventually
from tests.contracts.drivers.conftest import bench, driver, image, language_name
from tests.escape import left
from tests.escape.attempts import LOAD, MARK, RUN, Escapes
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.drivers.process.template import ProcessTemplate

__all__ = ["bench", "driver", "image", "language_name"]


@pytest.fixture(scope="session", autouse=True)
def marked_environment() -> None:
    """Something to look for: every process that is started from here on has it."""
    os.environ["ESCAPE_MARK"] = MARK


@pytest.fixture(params=[LOAD, RUN])
def moment(request: pytest.FixtureRequest) -> str:
    """Every escape is tried twice: while the code is loaded, and in its handler."""
    return str(request.param)


@pytest.fixture(scope="module")
async def neighbour(bench: Bench) -> AsyncIterator[ProcessTemplate]:
    """Another one's code, which goes on working whatever happens."""
    before = held(bench)
    template = await bench.driver.template(bench.spec("probes"))
    yield template
    await bench.driver.discard(template)
    await eventually(lambda: held(bench) == before)


def held(bench: Bench) -> tuple[int, int]:
    """Descriptors of this process, which is the server here, and of the launcher."""
    return len(left.descriptors()), len(left.descriptors(bench.driver.launcher_pid or 0))


@pytest.fixture(scope="module")
async def shared(bench: Bench, neighbour: ProcessTemplate) -> AsyncIterator[Escapes]:
    escapes = Escapes(bench, neighbour)
    yield escapes
    await escapes.close()


@pytest.fixture
async def escapes(shared: Escapes, driver: ProcessDriver) -> AsyncIterator[Escapes]:
    """After every test: no process, no group, no file, no descriptor more than there was."""
    before, templates = left.descriptors(), shared.templates
    yield shared
    try:
        await eventually(lambda: not left.strays(driver.launcher_pid or 0, shared.templates), within_s=20)
    except TimeoutError:
        pytest.fail(f"left behind: {left.strays(driver.launcher_pid or 0, shared.templates)}")
    if shared.templates == templates:
        await eventually(lambda: len(left.descriptors()) <= len(before))
