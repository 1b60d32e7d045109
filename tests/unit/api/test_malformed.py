"""The place where a body stops being JSON, to the character."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from triform.api.body import MalformedBody, parse
from triform.api.malformed import first_fault


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("tru", 1, 4, "it ends in the middle of a value"),
        ('{"a": tru}', 1, 10, "expected true, false or null"),
        ('{"grüße": tru}', 1, 14, "expected true, false or null"),
        ('{"🎉": "é" 1}', 1, 11, "expected `,` or `}`"),
        ('{"a": 1,}', 1, 9, "trailing comma"),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3, "expected `,` or `}`"),
        ('{\r\n  "a": é\r\n}', 2, 8, "expected value"),
        ('{"a": "x\ny"}', 1, 9, "control character (\\u0000-\\u001F) found while parsing a string"),
        ('{"a": "\\x"}', 1, 9, "invalid escape"),
        ('{"a": NaN}', 1, 7, "expected value"),
        ('{"a": -Infinity}', 1, 8, "invalid number"),
        ("[1,\n\n,2]", 3, 1, "expected value"),
        ('{"a": 1} x', 1, 10, "trailing characters"),
        ("\ufeff{}", 1, 1, "expected value"),
        ("[1, 2\n", 2, 1, "it ends in the middle of a list"),
    ],
)
def test_it_is_the_first_character_that_does_not_fit(text: str, line: int, column: int, reason: str) -> None:
    found = first_fault(text.encode())
    assert (found.line, found.column, found.reason) == (line, column, reason)


def test_bytes_that_are_no_text_are_named_where_they_begin() -> None:
    found = first_fault('{"ü": "'.encode() + b'\xff"}')
    assert (found.line, found.column, found.reason) == (1, 8, "invalid unicode code point")


def _refused(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True
    return False


def _offset(text: str) -> int:
    """In characters; of lines that end in LF alone."""
    found = first_fault(text.encode())
    return sum(len(line) + 1 for line in text.split("\n")[: found.line - 1]) + found.column - 1


_LETTERS = '{}[],:"\\truenfals01.eE+- \n'
_LONGEST_ESCAPE = 4
"""Hexadecimal digits are judged together."""


def _documents() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


@given(_documents(), st.sampled_from([None, 1]), st.data())
def test_before_the_place_all_could_still_be_well(document: Any, indent: int | None, data: st.DataObject) -> None:
    whole = json.dumps(document, indent=indent, ensure_ascii=False)
    assume(whole.isprintable() or "\n" in whole)
    cut, more = data.draw(st.integers(0, len(whole))), data.draw(st.text(alphabet=_LETTERS, max_size=3))
    text = whole[:cut] + more + whole[cut + 1 :]
    assume(_refused(text.encode()))
    place = _offset(text)
    before, through = text[:place], text[: place + _LONGEST_ESCAPE]
    assert not _refused(before.encode()) or _offset(before) == len(before)
    assert place == len(text) or (_refused(through.encode()) and _offset(through) == place)


def test_the_problem_says_it_in_words_and_in_numbers() -> None:
    with pytest.raises(MalformedBody) as refused:
        parse(b'{"a": tru}')
    assert refused.value.message == "The body cannot be read at line 1, column 10: expected true, false or null."
    assert refused.value.facts == {"line": 1, "column": 10}


def test_too_many_levels_are_placed_in_characters_too() -> None:
    with pytest.raises(MalformedBody) as refused:
        parse(('{"ü":' + "[" * 100 + "]" * 100 + "}").encode())
    assert refused.value.facts == {"line": 1, "column": 105}
