"""The bodies of /api/auth/*: small JSON objects, read strictly."""

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from triform.api.body import UnsupportedMediaType, read
from triform.errors import Complaint, InvalidInput, Suggestion

LIMIT_BYTES = 16 << 10

Shape = TypeVar("Shape", bound=msgspec.Struct)

_AT_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")


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


async def read_body(request: Request, shape: type[Shape]) -> Shape:
    """The body as `shape`; an empty one is `{}`.

    Raises UnsupportedMediaType, BodyTooLarge, MalformedBody, and InvalidInput with pointers.
    """
    declared = request.headers.get("content-type")
    if declared is not None and declared.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    body = await read(request.receive, declared, request.headers.get("content-length"), LIMIT_BYTES)
    try:
        return msgspec.convert(body.value, shape)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None


def _misfit(message: str) -> InvalidInput:
    path = _AT_PATH.search(message)
    pointer = path["path"].replace(".", "/") if path else ""
    complaint = Complaint(pointer, _AT_PATH.sub("", message))
    return InvalidInput(
        f"{pointer.lstrip('/') or 'The body'}: {complaint.message}.",
        errors=(complaint,),
        suggestion=Suggestion(why=complaint.message, fix="Correct the members named under `errors`."),
    )
