"""What a guest may say, as types. Whatever does not fit raises `ProtocolViolation`."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from triform.json_depth import depth
from triform.substrates.isolation.channel import MAX_CONTROL_DEPTH
from triform.substrates.isolation.interfaces import Frame, ProtocolViolation

ErrorKind = Literal["exception", "exit", "unserialisable", "load_error", "syntax_error", "handler_not_found"]


class Place(msgspec.Struct, frozen=True):
    """One frame of a backtrace; `file` is relative for user code."""

    file: str
    line: int
    label: str = ""


class SyntaxProblem(msgspec.Struct, frozen=True):
    """Line from 1, column from 0; without `file`, of the one that was to be read."""

    line: int
    column: int
    message: str
    file: str = ""


class GuestError(msgspec.Struct, frozen=True, rename={"class_name": "class"}):
    """An error as the harness tells it; see PROTOCOL.md."""

    kind: ErrorKind
    class_name: str
    message: str
    backtrace: tuple[Place, ...] = ()
    path: str | None = None
    status: int | None = None
    missing: str | None = None
    network: bool = False
    errors: tuple[SyntaxProblem, ...] = ()
    cause: "GuestError | None" = None

    def chain(self) -> "tuple[GuestError, ...]":
        """This error and its causes, outermost first."""
        return (self, *(self.cause.chain() if self.cause else ()))


class _Message(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Ready(_Message, frozen=True, tag="ready"):
    pass


class Progress(_Message, frozen=True, tag="progress"):
    percent: float | None = None
    message: str = ""
    data: Any = None


class Log(_Message, frozen=True, tag="log"):
    level: str
    message: str
    fields: Any = None


class HostCall(_Message, frozen=True, tag="call"):
    id: int
    method: str
    params: Any = None


class Result(_Message, frozen=True, tag="result"):
    run: str
    bytes: int | None = None
    error: GuestError | None = None


class Exited(_Message, frozen=True, tag="exited"):
    code: int | None = None
    signal: int | None = None


Message = Ready | Progress | Log | HostCall | Result | Exited

_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def parse(frame: Frame) -> Message:
    """What a J frame of the channel says. Raises `ProtocolViolation`."""
    if depth(frame.payload) > MAX_CONTROL_DEPTH:
        raise ProtocolViolation(f"a message nested deeper than {MAX_CONTROL_DEPTH} levels")
    try:
        return _DECODER.decode(frame.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolViolation(f"not a message of the protocol: {error}") from None


def parse_error(error: Mapping[str, Any] | None) -> GuestError | None:
    """The error object of a `load_failed`; None when there is none or it makes no sense."""
    try:
        return msgspec.convert(error, GuestError | None)
    except (msgspec.ValidationError, RecursionError):
        return None
