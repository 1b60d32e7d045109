"""What circles and identities may be called: ASCII only, so that no two names look alike.

Names that are only shown to people may be of any script, on one line.
"""

import re

from triform.errors import Complaint, InvalidInput, Suggestion

RESERVED_CIRCLE_NAMES = frozenset({"auth", "git", "api", "mcp", "ops", "events"})

_CIRCLE = re.compile(r"[a-z][a-z0-9-]{2,31}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, breaks of line and paragraph, what turns the direction of writing, halves of characters."""
_IDENTITY = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,119}", re.IGNORECASE | re.ASCII)


def circle_name(value: object, pointer: str = "/circle_name") -> str:
    """`value` when it is an acceptable circle name; raises InvalidInput pointing at `pointer`."""
    if not isinstance(value, str) or not _CIRCLE.fullmatch(value):
        raise _refusal(
            pointer, "must be 3 to 32 of a-z, 0-9 and -, beginning with a letter", example=_nearest(value)
        )
    if value in RESERVED_CIRCLE_NAMES:
        raise _refusal(pointer, f"{value!r} is reserved", example=f"{value}-circle")
    return value


def identity_name(value: object, pointer: str = "/identity") -> str:
    """`value` in lower case when it is an acceptable identity (a name or an e-mail address).

    Case is folded after the check, never before: `K` (the Kelvin sign) must not become `k`.
    """
    if not isinstance(value, str) or not _IDENTITY.fullmatch(value):
        raise _refusal(
            pointer,
            "must be 1 to 120 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit",
            example=_nearest(value),
        )
    return value.lower()


def fits_one_line(text: str) -> bool:
    """Whether it can be shown in a line of text without changing that line."""
    return bool(text.strip()) and _CONTROL.search(text) is None


def _refusal(pointer: str, rule: str, example: str) -> InvalidInput:
    return InvalidInput(
        f"{pointer[1:]}: {rule}.",
        errors=(Complaint(pointer, rule),),
        suggestion=Suggestion(why=f"The name {rule}.", fix="Choose another name.", example=example),
    )


def _nearest(value: object) -> str:
    """An acceptable name that resembles what was asked for."""
    text = value.lower() if isinstance(value, str) else ""
    words = re.findall(r"[a-z0-9]+", text[:200])
    name = "-".join(words).lstrip("0123456789-")[:32].rstrip("-")
    return name if _CIRCLE.fullmatch(name) and name not in RESERVED_CIRCLE_NAMES else "acme"
