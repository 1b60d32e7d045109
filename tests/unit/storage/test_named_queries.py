"""Every `QUERIES["name"]` in the product exists, and every named query is used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import triform
from triform.storage.queries import parse

_SOURCE = Path(triform.__file__).parent
_FILES = sorted(_SOURCE.rglob("*.sql"))
_QUERY_FILES = [path for path in _FILES if "migrations" not in path.parts]


def _names_used(folder: Path) -> Iterator[str]:
    """Names looked up with a literal in a mapping called QUERIES (or SOMETHING_QUERIES) in this folder."""
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if name.endswith(
                    "QUERIES"
                ):
                    yield key


def _names_defined(folder: Path) -> set[str]:
    texts = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.sql")}
    return {name for path, text in texts.items() for name in parse(text, str(path))}


@pytest.mark.parametrize("folder", sorted({path.parent for path in _QUERY_FILES}), ids=lambda path: path.name)
def test_the_names_used_in_a_room_are_the_names_defined_there(folder: Path) -> None:
    assert set(_names_used(folder)) == _names_defined(folder)
