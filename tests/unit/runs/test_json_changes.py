"""Differences of JSON values, and the patches that make one of another."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.runs.json_changes import MOST, MOST_BYTES, Changes, changes
from triform.runs.json_patch import BadPatch, patched, same
from triform.runs.pointers import names, places_of, token

LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
NAMES = st.text("ab/~-0", max_size=3)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)
ROOM = 1 << 20
POINTERS = st.lists(NAMES | st.integers(0, 3).map(str), max_size=3).map(
    lambda parts: "".join(map(token, parts))
) | st.text("/~ab0-", max_size=5)
STEPS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"from": POINTERS, "value": JSON},
)


def text(value: Any) -> bytes:
    return msgspec.json.encode(value)


def result(value: Any, *steps: dict[str, Any]) -> Any:
    return msgspec.json.decode(patched(text(value), steps, ROOM))


def complaint(value: Any, *steps: dict[str, Any], room: int = ROOM) -> tuple[int, str]:
    with pytest.raises(BadPatch) as caught:
        patched(text(value), steps, room)
    return caught.value.step, caught.value.member


def refusal(value: Any, steps: list[dict[str, Any]]) -> BadPatch | None:
    try:
        msgspec.json.decode(patched(text(value), steps, ROOM))
    except BadPatch as error:
        return error
    return None


@given(JSON, JSON)
@examples(300)
def test_the_difference_of_two_values_applied_to_one_gives_the_other(one: Any, other: Any) -> None:
    found = changes(text(one), text(other))
    assert found.complete
    assert same(msgspec.json.decode(patched(text(one), found.steps, ROOM)), msgspec.json.decode(text(other)))


@given(JSON, JSON)
@examples(200)
def test_there_is_no_difference_exactly_between_values_that_are_the_same(one: Any, other: Any) -> None:
    assert changes(text(one), text(one)).none
    assert changes(text(one), text(other)).none == same(one, other)


@given(JSON, JSON)
@examples(200)
def test_a_difference_says_what_was_there_before(one: Any, other: Any) -> None:
    document = text(one)
    for step in changes(document, text(other)).steps:
        if step["op"] != "add":
            patched(document, [{"op": "test", "path": step["path"], "value": step["before"]}], ROOM)
        document = patched(document, [step], ROOM)


@given(JSON, st.lists(STEPS, max_size=6))
@examples(500)
def test_any_patch_gives_a_value_or_names_the_step_and_the_member(value: Any, steps: list[Any]) -> None:
    refused = refusal(value, steps)
    if refused is not None:
        assert 0 <= refused.step < len(steps)
        assert refused.member in ("path", "from", "value")
        assert refused.reason


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, 1.0), ("1", 1), (None, False), ([], {})])
def test_what_only_python_takes_for_the_same_is_different(one: Any, other: Any) -> None:
    assert changes(text([one]), text([other])).steps == (
        {"op": "replace", "path": "/0", "value": other, "before": one},
    )


def test_the_order_of_members_makes_no_difference() -> None:
    assert changes(b'{"a": 1, "b": {"c": 2, "d": 3}}', b'{"b":{"d":3,"c":2},"a":1}').none


def test_an_item_put_before_others_is_one_step() -> None:
    assert changes(b"[1,2,3,4]", b"[0,1,2,3,4]").steps == ({"op": "add", "path": "/0", "value": 0},)
    assert changes(b"[1,2,3,4]", b"[1,2,4]").steps == ({"op": "remove", "path": "/2", "before": 3},)


def test_what_is_too_much_is_cut_and_says_so() -> None:
    many = changes(text(list(range(1000))), text(list(range(1, 2001, 2))))
    assert (len(many.steps), many.complete) == (MOST, False)
    large = changes(b"1", text("x" * MOST_BYTES))
    assert large == Changes((), False)
    assert not large.none


def test_what_cannot_be_taken_apart_is_replaced_whole() -> None:
    deep, wide = b"[" * 5000 + b"]" * 5000, b"[1e999]"
    for other in (deep, wide):
        (step,) = changes(b"[]", other).steps
        assert (step["op"], step["path"], bytes(step["value"])) == ("replace", "", other)
        assert changes(other, other).none


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([{"op": "add", "path": "/list/-", "value": 3}], {"list": [1, 2, 3], "a": {"b": 1}}),
        ([{"op": "add", "path": "", "value": 7}], 7),
        ([{"op": "replace", "path": "/a", "value": None}], {"list": [1, 2], "a": None}),
        ([{"op": "move", "from": "/list/0", "path": "/list/1"}], {"list": [2, 1], "a": {"b": 1}}),
        ([{"op": "move", "from": "/a/b", "path": "/b"}], {"list": [1, 2], "a": {}, "b": 1}),
        ([{"op": "copy", "from": "/a", "path": "/a/b"}], {"list": [1, 2], "a": {"b": {"b": 1}}}),
        ([{"op": "test", "path": "/a", "value": {"b": 1}}], {"list": [1, 2], "a": {"b": 1}}),
        ([{"op": "move", "from": "/a", "path": "/a"}], {"list": [1, 2], "a": {"b": 1}}),
    ],
)
def test_every_operation_does_what_the_standard_says(steps: list[Any], expected: Any) -> None:
    assert result({"list": [1, 2], "a": {"b": 1}}, *steps) == expected


@pytest.mark.parametrize(
    ("step", "member"),
    [
        ({"op": "remove", "path": ""}, "path"),
        ({"op": "remove", "path": "/none"}, "path"),
        ({"op": "replace", "path": "/none", "value": 1}, "path"),
        ({"op": "replace", "path": "/list/-", "value": 1}, "path"),
        ({"op": "add", "path": "/list/3", "value": 1}, "path"),
        ({"op": "add", "path": "/list/01", "value": 1}, "path"),
        ({"op": "add", "path": "/text/0", "value": 1}, "path"),
        ({"op": "add", "path": "/none/deeper", "value": 1}, "path"),
        ({"op": "add", "path": "no/pointer", "value": 1}, "path"),
        ({"op": "add", "path": "/~2", "value": 1}, "path"),
        ({"op": "add", "path": "/x"}, "value"),
        ({"op": "test", "path": "/list/0", "value": True}, "value"),
        ({"op": "test", "path": "/list/0", "value": 1.0}, "value"),
        ({"op": "copy", "path": "/x"}, "from"),
        ({"op": "copy", "from": "/none", "path": "/x"}, "from"),
        ({"op": "move", "from": "/a", "path": "/a/b"}, "path"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_member(step: dict[str, Any], member: str) -> None:
    first = {"op": "test", "path": "/text", "value": "t"}
    assert complaint({"list": [1], "text": "t", "a": {"b": 1}}, first, step) == (1, member)


def test_copies_are_bounded_together() -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(16)]
    step, member = complaint({"text": "x" * 100}, *doubling, room=10_000)
    assert (step < 10, member) == (True, "from")


def test_a_value_is_not_put_in_deeper_than_it_can_be_written() -> None:
    value: Any = {}
    for _ in range(90):
        value = {"x": value}
    steps = [{"op": "add", "path": "/x" * (90 * n + 1), "value": value} for n in range(100)]
    assert complaint({"x": 1}, *steps)[1] == "path"


@given(st.lists(st.text()))
def test_a_pointer_leads_back_to_its_names(parts: list[str]) -> None:
    assert names("".join(map(token, parts))) == parts


def test_places_are_found_in_texts_and_in_names() -> None:
    value = {"a/b": ["x", {"~": "no x here"}], "x": {"below": "x"}, "n": 1}
    assert places_of(value, lambda each: "x" in each, 10) == ["/a~1b/0", "/a~1b/1/~0", "/x"]
    assert places_of(value, lambda each: "x" in each, 1) == ["/a~1b/0"]
