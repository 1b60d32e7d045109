"""Framing: what goes in comes out, however the bytes arrive; whatever is not a frame is refused."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from triform.json_depth import depth
from triform.substrates.isolation import channel
from triform.substrates.isolation.channel import Decoder, control, data, encode, parse_control
from triform.substrates.isolation.interfaces import Frame, ProtocolViolation

frames = st.builds(
    Frame, st.sampled_from("JDOEW"), st.binary(max_size=300), st.integers(min_value=0, max_value=0xFFFF)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(st.lists(frames, max_size=8), st.data())
def test_frames_survive_any_cutting_of_the_stream(sent: list[Frame], draw: st.DataObject) -> None:
    wire = b"".join(map(encode, sent))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    decoder, received = Decoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        received += decoder.feed(wire[start:end])
    assert received == sent
    assert decoder.pending == 0


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_frames_or_a_violation_and_nothing_else(noise: bytes) -> None:
    decoder = Decoder(limit=64)
    try:
        decoder.feed(noise)
    except ProtocolViolation:
        return
    assert decoder.pending <= 64 + 7


def test_an_oversized_frame_is_refused_at_its_header() -> None:
    with pytest.raises(ProtocolViolation, match="allowed are 100"):
        Decoder(limit=100).feed(encode(Frame("D", b"x" * 101))[:7])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="unknown kind"):
        Decoder().feed(b"\0\0\0\0Z\0\0")


def test_a_torn_frame_shows_as_pending_bytes() -> None:
    decoder = Decoder()
    assert decoder.feed(encode(Frame("D", b"abc"))[:-1]) == []
    assert decoder.pending == 9


def test_encode_refuses_what_the_other_side_would_refuse() -> None:
    with pytest.raises(ValueError, match="no such frame"):
        encode(Frame("D", bytes(channel.MAX_FRAME + 1)))
    with pytest.raises(ValueError, match="no such frame"):
        encode(Frame("?", b""))


@given(st.binary(max_size=64), st.integers(min_value=1, max_value=9))
def test_data_frames_put_together_are_the_payload(payload: bytes, size: int) -> None:
    parts = list(data(payload, size))
    assert b"".join(part.payload for part in parts) == payload
    assert all(part.kind == "D" and 0 < len(part.payload) <= size for part in parts)


def test_a_control_frame_is_read_back() -> None:
    assert parse_control(control("clone", clone=7)) == {"type": "clone", "clone": 7}


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b'"x"', b"{}", b'{"type":1}', b'{"type":"x"', b'{"type":"\xff"}', b'{"type":"x"}x', b"NaN"],
)
def test_what_is_not_a_control_message_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_control(Frame("J", payload))


def test_a_data_frame_is_not_a_control_message() -> None:
    with pytest.raises(ProtocolViolation, match="got kind D"):
        parse_control(Frame("D", b'{"type":"x"}'))


@pytest.mark.parametrize("levels", [65, 500_000])
def test_a_deeply_nested_control_message_is_refused_without_recursion(levels: int) -> None:
    with pytest.raises(ProtocolViolation, match="nested deeper"):
        parse_control(Frame("J", b'{"type":"x","a":' + b"[" * levels))


@given(json_values)
@example("[")
def test_depth_agrees_with_a_recursive_count(value: object) -> None:
    assert depth(json.dumps(value).encode()) == _depth(value)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 400_000, b"[" + b'"\\' * 400_000, b"][" * 400_000])
def test_depth_takes_hostile_text_in_linear_time(text: bytes) -> None:
    assert depth(text) <= 1
