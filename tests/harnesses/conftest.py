"""A stage per language and driver: real harness, real language, real runtime image."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.interfaces import Driver
from triform.substrates.isolation.languages import read_languages
from triform.testing.cases import Stage

REPOSITORY = Path(__file__).parents[2]
LANGUAGES = read_languages()
DRIVERS: Mapping[str, Callable[[], Driver]] = {"process": lambda: ProcessDriver(LANGUAGES)}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Not pytest's own folder, which only its owner may enter: a sandbox's uid must reach the code."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module", params=DRIVERS)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[Driver]:
    driver = DRIVERS[request.param]()
    await driver.start()
    yield driver
    await driver.stop()


@pytest.fixture
async def stage(request: pytest.FixtureRequest, driver: Driver, place: Path) -> Stage:
    """For the language named by the test's parameter `language`."""
    language = LANGUAGES[request.getfixturevalue("language")]
    image = await Images(REPOSITORY / ".triform" / "images").build(language)
    return Stage(driver, language, image.root, CodeStore(place / "code"))
