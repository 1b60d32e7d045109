"""What tools are called.

    greet_invoke        user work of the element `greet`: the arguments are its input
    ruby__update        an operation of any element of the type; the argument `element` says of which
    circle__wallet      the same of the circle itself, which needs no saying

Slugs have no underscore and operations do not begin with one, so that a name can be read in one way only. Letters,
digits, hyphens and underscores are what every client takes.
"""

from dataclasses import dataclass

ELEMENT = "element"
"""The argument that names the element."""

_OF_TYPE, _OF_ELEMENT = "__", "_"


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says. Exactly one of `slug` and `type` is given."""

    operation: str
    slug: str | None = None
    type: str | None = None


def of_element(slug: str, operation: str) -> str:
    return f"{slug}{_OF_ELEMENT}{operation}"


def of_type(element_type: str, operation: str) -> str:
    return f"{element_type}{_OF_TYPE}{operation}"


def read(name: str) -> Named | None:
    """None for what no tool can be called."""
    owner, mark, operation = name.partition(_OF_ELEMENT)
    if not owner or not mark or not operation:
        return None
    if operation.startswith(_OF_ELEMENT):
        return Named(operation.removeprefix(_OF_ELEMENT), type=owner)
    return Named(operation, slug=owner)
