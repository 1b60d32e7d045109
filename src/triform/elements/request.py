"""What an operation of an element is told: the part of a call that this room may know."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

from triform.chemistry.element_type import ElementType
from triform.chemistry.operation import Operation
from triform.circles.model import Principal
from triform.elements.errors import VersionMismatch
from triform.elements.model import Element
from triform.elements.source import Brought
from triform.errors import Complaint, InvalidInput, Suggestion


class Request(Protocol):
    """Who asks for what on which element; the executor's call is one."""

    @property
    def principal(self) -> Principal: ...

    @property
    def element(self) -> Element: ...

    @property
    def type(self) -> ElementType: ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """Secret values that came with the spec, by name; the input has their digests."""

    @property
    def if_match(self) -> int | None: ...

    @property
    def brought(self) -> Brought | None: ...

    def argument(self, name: str, default: Any = None) -> Any: ...


class OperationRequest(Request, Protocol):
    """One that knows which operation it asks for."""

    @property
    def operation(self) -> Operation: ...


def expect_version(call: Request, element: Element) -> None:
    """Holds the stored element against `If-Match`. Raises VersionMismatch."""
    if call.if_match is None or call.if_match == element.version:
        return
    raise VersionMismatch(
        f"The element is at version {element.version}, not {call.if_match}.",
        suggestion=Suggestion(
            why="It was changed after you read it.",
            fix=f"Get it again, apply your change to version {element.version} and send that as If-Match.",
            op="get",
        ),
        facts={"version": element.version, "expected": call.if_match},
    )


def flag(call: Request, name: str, default: bool) -> bool:
    """A yes or no, as JSON or as query text. Raises InvalidInput."""
    value = call.argument(name)
    if value is None:
        return default
    found = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if found is None:
        raise refusal(name, "this is true or false")
    return found


def whole_number(call: Request, name: str, default: int, least: int, most: int) -> int:
    """An integer within bounds, as JSON or as query text. Raises InvalidInput."""
    value = call.argument(name)
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refusal(name, f"this is a whole number from {least} to {most}")
    return value


def word(call: Request, name: str, most: int = 200) -> str | None:
    """A short text, None when not given. Raises InvalidInput."""
    value = call.argument(name)
    if value is None or is_word(value, most):
        return value
    raise refusal(name, f"this is a text of at most {most} characters")


def words(call: Request, name: str, most: int = 100) -> list[str] | None:
    """Short texts, None when not given. Raises InvalidInput."""
    value = call.argument(name)
    if value is not None and (not isinstance(value, list) or len(value) > most or not all(map(is_word, value))):
        raise refusal(name, f"this is a list of at most {most} texts")
    return value


def is_word(value: Any, most: int = 200) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= most and "\0" not in value


def refusal(name: str, message: str) -> InvalidInput:
    """What to raise for one argument."""
    return refuse(Complaint(f"/{name}", message))


def refuse(*complaints: Complaint) -> InvalidInput:
    """What to raise for these complaints; the first one is the message."""
    first = complaints[0]
    return InvalidInput(
        f"{first.pointer}: {first.message}.",
        errors=complaints,
        suggestion=Suggestion(
            why="The listed members of the input are not what the operation takes.",
            fix="; ".join(f"{each.pointer or 'input'}: {each.message}" for each in complaints[:3]) + ".",
        ),
    )
