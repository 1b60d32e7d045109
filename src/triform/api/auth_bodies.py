"""The bodies of /api/auth/*: small JSON objects, read strictly."""

import re
from typing import ClassVar, TypeVar

import msgspec
from starlette.requests import Request

from triform.errors import Complaint, InvalidInput, Kind, Suggestion, TriformError

LIMIT_BYTES = 16 << 10

Body = TypeVar("Body", bound=msgspec.Struct)

_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_AT_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")


class UnsupportedMediaType(TriformError):
    """The request body is not JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    kind: ClassVar[Kind] = "validation"
    default_suggestion = Suggestion(
        why="Only JSON is read; forms of foreign pages cannot send it.", fix="Send Content-Type: application/json."
    )


class MalformedBody(TriformError):
    """The request body is not readable JSON."""

    code = "MALFORMED_BODY"
    kind: ClassVar[Kind] = "validation"
    default_suggestion = Suggestion(
        why="The parser stopped at the line and column named in the detail.", fix="Send a well-formed JSON object."
    )


class BodyTooLarge(TriformError):
    """The request body is too large."""

    code = "BODY_TOO_LARGE"
    kind: ClassVar[Kind] = "validation"
    default_suggestion = Suggestion(
        why=f"A sign-in takes at most {LIMIT_BYTES} bytes.", fix="Send only the members that are documented."
    )


class DevSignIn(msgspec.Struct, forbid_unknown_fields=True):
    circle_name: str
    identity: str | None = None


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """`circle` and `circle_name` are the same: which circle to enter, for members of several."""

    identity: str
    password: str
    circle: str | None = None
    circle_name: str | None = None


class Refresh(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: str


class Logout(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: str | None = None


class Claiming(msgspec.Struct, forbid_unknown_fields=True):
    link: str
    password: str
    identity: str | None = None
    circle_name: str | None = None


async def read_body(request: Request, shape: type[Body]) -> Body:
    """The body as `shape`; an empty one is `{}`. Raises the errors above, and InvalidInput with pointers."""
    body = await _bounded(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and (kind or body):
        raise UnsupportedMediaType
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedBody(f"The body is not readable JSON{_place(body, str(error))}.") from error


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            raise BodyTooLarge
    return bytes(body)


def _misfit(message: str) -> InvalidInput:
    path = _AT_PATH.search(message)
    pointer = path["path"].replace(".", "/") if path else ""
    complaint = Complaint(pointer, _AT_PATH.sub("", message))
    return InvalidInput(
        f"{pointer.lstrip('/') or 'The body'}: {complaint.message}.",
        errors=(complaint,),
        suggestion=Suggestion(why=complaint.message, fix="Correct the members named under `errors`."),
    )


def _place(body: bytes, message: str) -> str:
    """` (line 2, column 7)`, both from 1, when the parser said where."""
    found = _AT_BYTE.search(message)
    if found is None:
        return ""
    before = body[: int(found[1])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f" (line {line}, column {column})"
