"""Bodies and envelopes: what is read is what was sent, and what cannot be read is refused with its place."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from triform.api.body import MAX_DEPTH, Body, BodyTooLarge, MalformedBody, parse, read
from triform.api.envelope import ENVELOPES, INTERNAL, opened
from triform.errors import InvalidInput, TriformError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = TEXT | st.sampled_from([*ENVELOPES, INTERNAL, f"{INTERNAL}_x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
LIKE_JSON = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", '"', ":", ",", "\\", "\\ud800", "\\u0000", "1e400", "-", "0", "true", "\n"]
    ),
    max_size=12,
).map(lambda parts: "".join(parts).encode())
SPACE = st.sampled_from(["", " ", "\n", "\t\r\n "])


def outcome(act: Callable[..., Any], *given: Any) -> Any:
    """What it answers, or the refusal it raises."""
    try:
        return act(*given)
    except TriformError as refused:
        return refused


@given(st.binary(max_size=60) | LIKE_JSON)
def test_bytes_that_say_nothing_are_refused_at_a_place_within_them(raw: bytes) -> None:
    found: Any = outcome(parse, raw)
    if isinstance(found, MalformedBody):
        lines = raw.split(b"\n")
        assert 1 <= found.facts["line"] <= len(lines)
        assert 1 <= found.facts["column"] <= len(lines[found.facts["line"] - 1]) + 1
    elif isinstance(found, InvalidInput):
        assert found.errors
    else:
        assert found == json.loads(raw)


@given(JSON, SPACE, st.booleans())
def test_a_text_says_what_it_says_to_everybody(value: Any, space: str, escaped: bool) -> None:
    text = space + json.dumps(value, ensure_ascii=escaped, separators=(f"{space},", f":{space}")) + space
    assert parse(text.encode()) == value


@given(st.integers(1, 300), st.sampled_from(["[]", "{}"]), st.integers(0, 99))
def test_depth_is_bounded_to_the_level(levels: int, kind: str, strings: int) -> None:
    opening = '{"[[{":' if kind == "{}" else '["\\"[[",' * (strings % 2) or "["
    text = (opening * levels + "1" + kind[1] * levels).encode()
    if levels <= MAX_DEPTH:
        assert parse(text) is not None
    else:
        with pytest.raises(MalformedBody, match="nested deeper"):
            parse(text)


@given(st.lists(st.tuples(TEXT, st.integers()), min_size=1, max_size=6))
def test_of_two_members_of_one_name_the_last_counts(members: list[tuple[str, int]]) -> None:
    text = "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}"
    assert parse(text.encode()) == dict(members)


@given(JSON)
def test_an_opened_envelope_has_no_internal_keys_and_bytes_that_say_the_same(value: Any) -> None:
    body = Body(json.dumps(value).encode(), value)
    inside = opened(body)
    assert parse(inside.raw) == inside.value
    assert not isinstance(inside.value, dict) or not any(key.startswith(INTERNAL) for key in inside.value)
    if inside.value == value:
        assert inside.raw is body.raw


@given(st.dictionaries(TEXT, st.integers(), max_size=3), st.sampled_from(ENVELOPES))
def test_a_lone_envelope_is_opened_whatever_is_inside(inside: dict[str, int], name: str) -> None:
    kept = {key: value for key, value in inside.items() if not key.startswith(INTERNAL)}
    assert opened(Body(b"", {name: inside, INTERNAL: 1})).value == kept


def received(pieces: Sequence[bytes]) -> Any:
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return waiting.pop(0)

    return receive


@given(
    st.binary(max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
    st.none() | st.text(st.characters(max_codepoint=0xFF), max_size=4) | st.integers(0, 60).map(str),
)
@example(b"1", [], "²")
@example(b"1", [], "9" * 5000)
async def test_a_body_in_pieces_is_the_body_whatever_length_was_announced(
    inside: bytes, cuts: list[int], length: str | None
) -> None:
    raw, limit = b'"' + inside.hex().encode() + b'"', 50
    places = [0, *sorted(cuts), len(raw)]
    receive = received([raw[start:end] for start, end in pairwise(places)])
    announced = int(length) if length and length.isascii() and length.isdigit() and len(length) < 9 else 0
    try:
        body = await read(receive, "application/json", length, limit)
    except BodyTooLarge:
        assert len(raw) > limit or announced > limit
    else:
        assert body == Body(raw, inside.hex())
        assert len(raw) <= limit
