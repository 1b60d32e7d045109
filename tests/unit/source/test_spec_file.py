"""The spec as a file: what is written is read back exactly, and what cannot be read is said with its line."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from triform.source import spec_file

TRICKY = [
    "on", "yes", "~", "null", "true", "12:30", "2024-01-01", "1e5", "1_000", "0x1F", "-7", "1.5", ".5", "1.", "+1",
    "-", "a: b", "#x", "<<", "=", "", "---", "...", "\0", "\x85", "é\u2028", "\ufeffa\nb", "a\n", "\n a", "\t\n",
    "\r\n",
]  # fmt: skip
TEXTS = st.text() | st.sampled_from(TRICKY)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
SPECS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def document(spec: Any, name: str = "Greet") -> dict[str, Any]:
    return {"element_type": "ruby", "slug": "greet", "name": name, "intention": "", "spec": spec}


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(TEXTS, SPECS, max_size=5), TEXTS)
def test_what_is_written_is_read_back_exactly(spec: dict[str, Any], name: str) -> None:
    told, complaints = spec_file.parsed(spec_file.written(document(spec, name)))
    assert complaints == []
    assert repr(told) == repr(document(spec, name))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TRICKY))
def test_other_readers_of_yaml_take_a_text_for_a_text_too(text: str) -> None:
    assert yaml.safe_load(spec_file.written(document({"text": text})))["spec"]["text"] == text


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"spec: &a [1]\nname: *a\n", "anchors and aliases are not allowed"),
        (b"spec: !!python/object:os.system x\n", "tags are not allowed"),
        (b"spec:\n  a: 1\n  a: 2\n", ".triform/spec.yaml:3: duplicate key 'a'"),
        (b"sepc: {}\n", ".triform/spec.yaml:1: unknown key"),
        (b"name: x\nspec: [1]\n", ".triform/spec.yaml:2: spec is a mapping"),
        (b"name: \xff\n", "is not UTF-8"),
        (b"a: [\n", ".triform/spec.yaml:"),
        (b"- a\n", "a mapping"),
        (b"spec: " + b"[" * 60 + b"]" * 60, "nested more than"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_line(content: bytes, complaint: str) -> None:
    _, complaints = spec_file.parsed(content)
    assert complaint in complaints[0].message


def test_a_number_too_large_to_be_one_stays_a_text() -> None:
    told, complaints = spec_file.parsed(b"spec: {a: 1e999, b: 1e20, c: 123456789012345678901234567890}\n")
    assert complaints == []
    assert told["spec"] == {"a": "1e999", "b": 1e20, "c": 123456789012345678901234567890}
