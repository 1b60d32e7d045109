"""A stage per language, over the thin driver: real harness, real language, real runtime image."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.languages import read_languages
from triform.testing.cases import Stage
from triform.testing.isolation import ThinDriver

REPOSITORY = Path(__file__).parents[2]
LANGUAGES = read_languages()


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """For the language named by the test's parameter `language`."""
    language = LANGUAGES[request.getfixturevalue("language")]
    image = Images(REPOSITORY / ".triform" / "images").find(language)
    driver = ThinDriver(LANGUAGES, tmp_path / "place")
    await driver.start()
    yield Stage(driver, language, image.root, CodeStore(tmp_path / "code"))
    await driver.stop()
