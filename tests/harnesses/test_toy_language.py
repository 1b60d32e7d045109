"""A language the product has never heard of: a folder, and it plays cases over every driver."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.harnesses.conftest import LANGUAGES, REPOSITORY
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.languages import read_languages
from triform.testing.cases import Case, Stage, cases_for, run_case

ANSWERS = """
::Object.define_method(:handler) do |input|
  left, right = ::File.read("main.plus").match(/^answer (\\w+) plus (\\w+)$/).captures
  input.fetch(left) + input.fetch(right)
end
"""
CASES = [
    {
        "name": "two members are added",
        "source": {"plus": "answer a plus b"},
        "input": {"a": 1, "b": 41},
        "runs": 2,
        "expect": {"output": 42},
    },
    {
        "name": "a member that is not there is an error",
        "source": {"plus": "answer a plus c"},
        "input": {"a": 1},
        "expect": {"cause": "handler_error", "error": {"class": "KeyError", "message": "c"}},
    },
    {
        "name": "what is no sentence of the language is told at load",
        "source": {"plus": "answer nothing"},
        "expect": {"load_cause": "load_error"},
    },
]


@pytest.fixture
def folder(place: Path) -> Path:
    """The language `plus`: the Ruby harness with another way to load."""
    home = place / "languages" / "plus"
    if not home.exists():
        shutil.copytree(LANGUAGES["ruby"].folder, home)
        user = (home / "user.rb").read_text()
        load = '::Kernel.load("#{@root}/#{@entry}")'
        assert load in user
        words = f'::File.read(@entry).match?(/ plus /) or Core.raise("no sentence")\n{ANSWERS}'
        (home / "user.rb").write_text(user.replace(load, words))
        declaration = yaml.safe_load((home / "language.yaml").read_text())
        declaration |= {"language": "plus", "file": "main.plus"}
        (home / "language.yaml").write_text(yaml.safe_dump(declaration))
        (place / "cases.yaml").write_text(yaml.safe_dump(CASES))
    return home.parent


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
async def test_a_language_from_another_folder_plays_its_cases(number: int, folder: Path, place: Path) -> None:
    languages = read_languages([folder])
    image = await Images(REPOSITORY / ".triform" / "images").build(LANGUAGES["ruby"])
    driver = ProcessDriver(languages)
    await driver.start()
    try:
        case: Case = cases_for("plus", place)[number]
        await run_case(case, Stage(driver, languages["plus"], image.root, CodeStore(place / "code")))
    finally:
        await driver.stop()
