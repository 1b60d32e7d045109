"""Request bodies: bounded, JSON only, and when malformed then with line and column."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from triform.api import malformed
from triform.errors import Complaint, InvalidInput, Kind, Suggestion, TriformError
from triform.json_depth import MAX_DEPTH, depth, place_below

_LENGTH = re.compile(r"[0-9]{1,18}")
"""Anything else is no length; what comes is counted anyway."""


class MalformedBody(TriformError):
    """The body is not readable JSON."""

    code: ClassVar[str] = "MALFORMED_BODY"
    kind: ClassVar[Kind] = "validation"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The parser stopped at the place named in the detail.",
        fix=f"Send well-formed JSON in UTF-8, at most {MAX_DEPTH} levels deep, or no body at all.",
        example={"name": "Ada"},
    )


class BodyTooLarge(TriformError):
    """The body is larger than this server takes."""

    code: ClassVar[str] = "BODY_TOO_LARGE"
    kind: ClassVar[Kind] = "validation"


class UnsupportedMediaType(TriformError):
    """The body is not declared as JSON."""

    code: ClassVar[str] = "UNSUPPORTED_MEDIA_TYPE"
    kind: ClassVar[Kind] = "validation"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="Operations take JSON bodies only.",
        fix="Send the header Content-Type: application/json.",
        example={"headers": {"Content-Type": "application/json"}},
    )


@dataclass(frozen=True, slots=True)
class Body:
    """`raw` as posted (`{}` when empty) and what it says."""

    raw: bytes
    value: Any


async def read(receive: Receive, content_type: str | None, content_length: str | None, limit: int) -> Body:
    """Reads the whole body. Raises BodyTooLarge, UnsupportedMediaType, MalformedBody."""
    if content_length is not None and _LENGTH.fullmatch(content_length) and int(content_length) > limit:
        raise _too_large(limit)
    raw = await _drain(receive, limit)
    if not raw.strip():
        return Body(b"{}", {})
    if not _is_json(content_type):
        raise UnsupportedMediaType(f"The content type {content_type or '(none)'!r} is not JSON.")
    return Body(raw, parse(raw))


def parse(raw: bytes) -> Any:
    """What a JSON text says. Raises MalformedBody with line and column, InvalidInput for unusable numbers."""
    if depth(raw) > MAX_DEPTH:
        reason = f"it is nested deeper than {MAX_DEPTH} levels"
        raise _unreadable(malformed.at(raw, place_below(raw, MAX_DEPTH), reason))
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"The body holds what cannot be used: {error}.", errors=(Complaint("", str(error)),)
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable(malformed.first_fault(raw)) from None


async def _drain(receive: Receive, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


def _is_json(content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit} bytes.",
        facts={"limit_bytes": limit},
        suggestion=Suggestion(
            why="Bodies are read into memory and are bounded for everybody's sake.",
            fix="Send less, or raise TRIFORM_BODY_LIMIT_BYTES on your own server.",
        ),
    )


def _unreadable(place: malformed.Place) -> MalformedBody:
    return MalformedBody(
        f"The body cannot be read at line {place.line}, column {place.column}: {place.reason}.",
        facts={"line": place.line, "column": place.column},
    )
