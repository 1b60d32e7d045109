"""What may be done with an element in its present state."""

from triform.chemistry.operation import Operation
from triform.elements.errors import ElementDisabled
from triform.elements.model import Element, State
from triform.errors import NotFound


def ensure_usable(element: Element, operation: Operation) -> None:
    """Raises ElementDisabled for user work on a disabled element, NotFound for anything on a deleted one."""
    if element.state is State.deleted:
        raise NotFound
    if hindered(element, operation):
        raise ElementDisabled(f"The element '{element.slug}' is disabled.")


def hindered(element: Element, operation: Operation) -> bool:
    """Whether the element is disabled and the operation would run user work on it."""
    return element.state is State.disabled and operation.execution
