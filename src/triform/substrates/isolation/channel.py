"""Frames on the wire, both ways, and control messages as strict JSON. Pure: no I/O, no clock.

    u32be length | u8 kind | u16be stream | payload

Everything decoded here was written by a guest and is taken as hostile: whatever is not exactly the
protocol raises `ProtocolViolation`, before memory is spent on it.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triform.json_depth import depth
from triform.substrates.isolation.interfaces import Frame, ProtocolViolation

MAX_FRAME = 1 << 20
"""Bytes of payload one frame may carry."""

MAX_CONTROL_DEPTH = 64
KINDS = frozenset("JDOEW")

_HEADER = struct.Struct(">IBH")


def encode(frame: Frame) -> bytes:
    """The bytes of one frame. ValueError when the payload is over `MAX_FRAME` or the kind is unknown."""
    if frame.kind not in KINDS or len(frame.payload) > MAX_FRAME:
        raise ValueError(f"no such frame: kind {frame.kind!r}, {len(frame.payload)} bytes")
    return _HEADER.pack(len(frame.payload), ord(frame.kind), frame.stream) + frame.payload


def control(kind: str, **members: Any) -> Frame:
    """A control frame: `{"type": kind, **members}`."""
    return Frame("J", msgspec.json.encode({"type": kind, **members}))


def data(payload: bytes, size: int = MAX_FRAME) -> Iterator[Frame]:
    """`payload` cut into D frames of at most `size` bytes; none for an empty payload."""
    for start in range(0, len(payload), size):
        yield Frame("D", payload[start : start + size])


class Decoder:
    """Turns bytes, in whatever pieces they arrive, into frames."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that has not arrived whole; nonzero at the end of a stream means a torn frame."""
        return len(self._buffer)

    def feed(self, received: bytes) -> list[Frame]:
        """Every frame completed by `received`. Raises `ProtocolViolation`; the decoder is then of no use."""
        self._buffer += received
        frames: list[Frame] = []
        at = 0
        while (frame := self._next(at)) is not None:
            frames.append(frame)
            at += _HEADER.size + len(frame.payload)
        del self._buffer[:at]
        return frames

    def _next(self, at: int) -> Frame | None:
        if len(self._buffer) - at < _HEADER.size:
            return None
        length, code, stream = _HEADER.unpack_from(self._buffer, at)
        if length > self._limit:
            raise ProtocolViolation(f"a frame of {length} bytes, allowed are {self._limit}")
        if chr(code) not in KINDS:
            raise ProtocolViolation(f"a frame of unknown kind {code}")
        body = at + _HEADER.size
        if len(self._buffer) - body < length:
            return None
        return Frame(chr(code), bytes(memoryview(self._buffer)[body : body + length]), stream)


def parse_control(frame: Frame) -> Mapping[str, Any]:
    """The JSON object of a J frame, with a string `type`. Raises `ProtocolViolation`."""
    if frame.kind != "J":
        raise ProtocolViolation(f"expected a control frame, got kind {frame.kind}")
    message = _decode(frame.payload)
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolViolation("a control message must be an object with a string member `type`")
    return message


def _decode(payload: bytes) -> Any:
    if depth(payload) > MAX_CONTROL_DEPTH:
        raise ProtocolViolation(f"a control message nested deeper than {MAX_CONTROL_DEPTH} levels")
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolViolation(f"a control message that is not JSON: {error}") from None
