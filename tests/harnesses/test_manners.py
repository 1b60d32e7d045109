"""A harness is small enough to be read at one sitting."""

import re
from pathlib import Path

import pytest

from tests.harnesses.conftest import LANGUAGES

MOST_LINES_OF_CODE = 400
_NOTHING = re.compile(r"^\s*(#.*)?$")


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_harness_has_fewer_than_400_lines_of_code(name: str) -> None:
    language = LANGUAGES[name]
    programs = [path for path in language.folder.iterdir() if _is_harness(path, language.check)]
    lines = [line for path in programs for line in path.read_text().splitlines() if not _NOTHING.match(line)]
    assert len(lines) < MOST_LINES_OF_CODE


def _is_harness(path: Path, check: str | None) -> bool:
    return path.name not in ("language.yaml", check)
