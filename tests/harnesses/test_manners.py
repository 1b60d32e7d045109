"""A harness is small enough to be read at one sitting."""

import re

import pytest

from tests.harnesses.conftest import LANGUAGES

MOST_LINES_OF_CODE = 400
_NOTHING = re.compile(r"^\s*(#.*)?$")


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_harness_has_fewer_than_400_lines_of_code(name: str) -> None:
    language = LANGUAGES[name]
    gems = language.gems
    beside = {"language.yaml", language.check, *((gems.resolve, gems.install) if gems else ())}
    programs = [path for path in language.folder.iterdir() if path.name not in beside]
    lines = [line for path in programs for line in path.read_text().splitlines() if not _NOTHING.match(line)]
    assert len(lines) < MOST_LINES_OF_CODE
