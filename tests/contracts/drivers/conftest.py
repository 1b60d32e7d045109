"""Every driver that can work here, with every language that has probe programs."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contracts.drivers import outside
from tests.contracts.drivers.bench import PROGRAMS, Bench
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.images import Image, Images
from triform.substrates.isolation.interfaces import Template
from triform.substrates.isolation.languages import read_languages
from triform.testing.groups import homes_of

REPOSITORY = Path(__file__).parents[3]
NOBODY_IN_PARTICULAR = 64_123
DRIVERS = ["process-root", "process-unprivileged"]
LANGUAGES = sorted(folder.name for folder in PROGRAMS.iterdir())


@pytest.fixture(scope="session", params=LANGUAGES)
def language_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
async def image(language_name: str) -> Image:
    """Built once per machine; whoever comes at the same time waits for it."""
    return await Images(REPOSITORY / ".triform" / "images").build(read_languages()[language_name])


@pytest.fixture(scope="module", params=DRIVERS)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[ProcessDriver]:
    as_root = request.param == "process-root"
    if as_root and os.geteuid():
        pytest.skip("needs root")
    uid = None if as_root or os.geteuid() else NOBODY_IN_PARTICULAR
    driver = ProcessDriver(read_languages(), launcher_uid=uid)
    capabilities = await driver.probe()
    assert capabilities.available, capabilities.why_not
    before = outside.mounts()
    await driver.start()
    launcher = driver.launcher_pid or 0
    yield driver
    await driver.stop()
    assert not homes_of(launcher)
    assert not outside.lives(launcher)
    assert outside.mounts() == before


@pytest.fixture(scope="module")
def bench(driver: ProcessDriver, language_name: str, image: Image) -> Iterator[Bench]:
    # A folder of mode 0700, as a data directory is. Started by root, sandboxes must reach what is below; an
    # ordinary user's are the user's own, but here that user is another one than the tests'.
    with TemporaryDirectory() as folder:
        if not outside.of_root(driver.launcher_pid or 0):
            Path(folder).chmod(0o755)
        yield Bench(driver, read_languages()[language_name], image.root, Path(folder))


@pytest.fixture(scope="module")
async def probes(bench: Bench) -> AsyncIterator[Template]:
    """A template of the probe program, shared by a module's tests: it must survive all of them."""
    template = await bench.driver.template(bench.spec("probes"))
    assert template.reusable, template.warnings
    yield template
    assert template.reusable, template.warnings
    await bench.driver.discard(template)
