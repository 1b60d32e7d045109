"""What may be done with an element in its present state."""

from triform.chemistry.element_type import ElementType
from triform.chemistry.operation import Operation
from triform.elements.errors import ElementDisabled
from triform.elements.model import Element, State
from triform.elements.specs import requirements_of
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


def lacks_deploy(element_type: ElementType, element: Element) -> bool:
    """Whether the element requires what the last deploy did not bring along. Without requirements: never."""
    wanted, bundled = requirements_of(element_type, element.spec), element.bundled
    return bool(wanted) and (bundled is None or bundled.bundle is None or bundled.requirements != wanted)
