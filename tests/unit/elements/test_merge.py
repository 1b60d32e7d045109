"""Partial updates: JSON Merge Patch."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from triform.elements.merge import deep_merge, shallow_merge

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
KEYS = st.sampled_from("abcd")
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=10),
    max_size=4,
)


def test_the_examples_of_the_rfc() -> None:
    for base, patch, merged in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert deep_merge(base, patch) == merged


@given(OBJECTS)
def test_merging_nothing_changes_nothing(base: dict[str, Any]) -> None:
    assert deep_merge(base, {}) == base


@given(OBJECTS, OBJECTS)
def test_merging_twice_is_merging_once(base: dict[str, Any], patch: dict[str, Any]) -> None:
    once = deep_merge(base, patch)
    assert deep_merge(once, patch) == once


@given(OBJECTS, OBJECTS)
def test_neither_side_is_changed(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((base, patch))
    deep_merge(base, patch)
    shallow_merge(base, patch)
    assert (base, patch) == before


@given(OBJECTS, OBJECTS)
def test_members_that_the_patch_does_not_name_stay(base: dict[str, Any], patch: dict[str, Any]) -> None:
    for merged in (deep_merge(base, patch), shallow_merge(base, patch)):
        assert {k: v for k, v in merged.items() if k not in patch} == {
            k: v for k, v in base.items() if k not in patch
        }


@given(OBJECTS, OBJECTS)
def test_a_null_removes_its_member(base: dict[str, Any], patch: dict[str, Any]) -> None:
    gone = {name for name, value in patch.items() if value is None}
    assert not gone & deep_merge(base, patch).keys()
    assert not gone & shallow_merge(base, patch).keys()


@given(OBJECTS)
def test_whatever_an_object_merged_into_another_kind_of_value_leaves_no_nulls_of_the_patch(
    patch: dict[str, Any],
) -> None:
    def nulls(value: Any) -> bool:
        return isinstance(value, dict) and any(each is None or nulls(each) for each in value.values())

    assert not nulls(deep_merge([1], patch))


def test_a_shallow_merge_replaces_whole_members() -> None:
    assert shallow_merge({"a": {"x": 1}, "b": 2}, {"a": {"y": 1}}) == {"a": {"y": 1}, "b": 2}
