"""One schema document checks, completes and reads query strings; it never fetches and never echoes a value."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.chemistry.schema import BadSchema, compile_schema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "count": {"type": "integer", "default": 1, "maximum": 9},
        "ratio": {"type": "number"},
        "deep": {"type": "boolean", "default": True},
        "tags": {"type": "array", "items": {"type": "string"}},
        "inner": {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 5}}},
        "kind": {"enum": ["a", "b"]},
    },
}


def said(value: Any, schema: dict[str, Any] = SCHEMA) -> dict[str, str]:
    return {complaint.pointer: complaint.message for complaint in compile_schema(schema).check(value)}


def test_every_departure_is_told_by_its_pointer() -> None:
    assert said({"count": 10, "kind": "c", "nmae": "x", "tags": ["a", 1], "inner": {"x": "1"}}) == {
        "/name": "is required",
        "/count": "must be at most 9",
        "/kind": "must be one of a, b",
        "/nmae": "is not a known field; did you mean name?",
        "/tags/1": "must be a string",
        "/inner/x": "must be an integer",
    }


def test_a_complaint_never_shows_the_value() -> None:
    schema = {"properties": {"key": {"anyOf": [{"maxLength": 2}, {"const": 7}]}, "n": {"uniqueItems": True}}}
    told = " ".join(said({"key": "hunter2hunter2", "n": ["hunter2", "hunter2"]}, schema).values())
    assert told
    assert "hunter2" not in told


def test_pointers_escape_what_pointers_must() -> None:
    assert list(said({"a/b~c": 1}, {"additionalProperties": {"type": "string"}})) == ["/a~1b~0c"]


def test_a_schema_may_say_it_in_its_own_words() -> None:
    assert said("B", {"pattern": "^[a-z]$", "x-message": "must be one small letter"}) == {
        "": "must be one small letter"
    }


def test_at_most_fifty_complaints_are_made() -> None:
    assert len(compile_schema({"items": {"type": "string"}}).check(list(range(1000)))) == 50


def test_what_is_not_json_is_a_complaint() -> None:
    assert "" in said({"name": object()})


def test_defaults_are_filled_in_at_every_depth() -> None:
    completed = compile_schema(SCHEMA).complete({"name": "ab"})
    assert completed == {"name": "ab", "count": 1, "deep": True, "inner": {"x": 5}}


def test_a_whole_number_written_with_a_point_becomes_an_integer() -> None:
    completed = compile_schema(SCHEMA).complete({"count": 3.0, "ratio": 3.0})
    assert type(completed["count"]) is int
    assert type(completed["ratio"]) is float


def test_defaults_are_left_out_also_inside_and_filled_in_again() -> None:
    compiled = compile_schema(SCHEMA)
    full = {"name": "ab", "count": 1, "deep": False, "inner": {"x": 5, "y": [1]}, "tags": [], "other": {"x": 5}}
    lean = compiled.without_defaults(full)
    assert lean == {"name": "ab", "deep": False, "inner": {"y": [1]}, "tags": [], "other": {"x": 5}}
    assert compiled.complete(lean) == full
    assert compiled.without_defaults(compiled.complete({"name": "ab"})) == {"name": "ab"}


@given(
    st.dictionaries(
        st.sampled_from(list(SCHEMA["properties"])), st.none() | st.integers() | st.just({}) | st.text()
    )
)
def test_completing_changes_neither_value_nor_schema(value: dict[str, Any]) -> None:
    before = copy.deepcopy((value, SCHEMA))
    compiled = compile_schema(SCHEMA)
    compiled.complete(value).clear()
    completed = compiled.complete(value)
    assert (value, SCHEMA) == before
    assert compiled.complete(completed) == completed


def test_query_strings_become_what_the_schema_expects() -> None:
    read = compile_schema(SCHEMA).read_query(
        {"name": ["7"], "count": ["5"], "deep": ["false"], "ratio": ["1.5"], "tags": ["a,b", "c"], "kind": ["a"]}
    )
    assert read == {"name": "7", "count": 5, "deep": False, "ratio": 1.5, "tags": ["a", "b", "c"], "kind": "a"}


@given(st.text(max_size=30))
def test_a_query_string_that_cannot_be_read_is_complained_about_not_raised(text: str) -> None:
    compiled = compile_schema(SCHEMA)
    for name in ("count", "deep", "ratio"):
        value = compiled.read_query({name: [text]})[name]
        assert isinstance(value, str) is any(c.pointer == f"/{name}" and "must be a" in c.message
                                             for c in compiled.check({"name": "ab", name: value}))  # fmt: skip


@pytest.mark.parametrize("uri", ["http://127.0.0.1/x", "file:///etc/passwd", "other.json"])
def test_a_schema_cannot_reach_outside(uri: str) -> None:
    with pytest.raises(BadSchema):
        compile_schema({"$ref": uri})


def test_only_shared_schemas_that_are_referred_to_come_along() -> None:
    shared = {"a": {"$ref": "#/$defs/b"}, "b": {"type": "string"}, "c": {}}
    compiled = compile_schema({"$ref": "#/$defs/a"}, shared)
    assert list(compiled.document["$defs"]) == ["a", "b"]
    assert compiled.check(1)
