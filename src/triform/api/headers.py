"""Request headers with a meaning: Prefer, Idempotency-Key, If-Match."""

import re
from collections.abc import Iterator
from typing import ClassVar

from starlette.datastructures import Headers
from starlette.types import Scope

from triform.errors import Kind, Suggestion, TriformError
from triform.runs.call import Preference

LONGEST_WAIT_S = 60.0
_VERSION = re.compile(r'(?:W/)?"?(\d{1,9})"?')
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_QUOTED = re.compile(r'^"(.+)"$')


class InvalidHeader(TriformError):
    """A request header has a value that cannot be understood."""

    code: ClassVar[str] = "INVALID_HEADER"
    kind: ClassVar[Kind] = "validation"


def preference(values: list[str]) -> Preference:
    """RFC 7240. What is not known or not readable is ignored, as that standard asks."""
    respond_async, wait_s = False, None
    for name, value in _preferences(values):
        if name == "respond-async":
            respond_async = True
        elif name == "wait" and value.isascii() and value.isdigit():
            wait_s = min(float(value), LONGEST_WAIT_S)
    return Preference(respond_async, wait_s)


def applied(prefer: Preference) -> str:
    """The value of Preference-Applied."""
    said = ["respond-async"] if prefer.respond_async else []
    if prefer.wait_s is not None:
        said.append(f"wait={int(prefer.wait_s)}")
    return ", ".join(said)


def idempotency_key(value: str | None) -> str | None:
    """1 to 255 printable ASCII characters. Raises InvalidHeader."""
    if value is None:
        return None
    key = _QUOTED.sub(r"\1", value.strip())
    if not _KEY.fullmatch(key):
        raise InvalidHeader(
            "Idempotency-Key is not 1 to 255 printable ASCII characters.",
            suggestion=Suggestion(
                why="The key is kept and compared byte by byte.",
                fix="Use a random UUID per request.",
                example={"headers": {"Idempotency-Key": "6f1c1f2e-8f0b-4a53-9f0e-2b8d2f3f6c11"}},
            ),
        )
    return key


def if_match(value: str | None) -> int | None:
    """The version an `If-Match: "<version>"` names; `*` and absent are None. Raises InvalidHeader."""
    if value is None or value.strip() == "*":
        return None
    found = _VERSION.fullmatch(value.strip())
    if found is None:
        raise InvalidHeader(
            "If-Match does not name a version.",
            suggestion=Suggestion(
                why="An element's ETag is its version number in quotes.",
                fix="Send back the ETag that GET answered with.",
                op="get",
                example={"headers": {"If-Match": '"3"'}},
            ),
        )
    return int(found[1])


def raw_path(scope: Scope) -> str:
    """As it came over the wire: what is percent-encoded names nothing of ours."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def origin_of(scope: Scope, headers: Headers) -> str:
    """How the caller addressed us. The Host has been checked; TLS may end in a proxy that says so."""
    secure = scope["scheme"] == "https" or headers.get("x-forwarded-proto") == "https"
    return f"{'https' if secure else 'http'}://{headers.get('host', '')}"


def _preferences(values: list[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        for part in value.split(","):
            name, _, argument = part.partition(";")[0].partition("=")
            yield name.strip().lower(), argument.strip().strip('"')
