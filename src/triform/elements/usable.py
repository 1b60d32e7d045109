"""What may be done with an element in its present state."""

from triform.chemistry.element_type import ElementType
from triform.chemistry.operation import Operation
from triform.elements.code_source import origin_of
from triform.elements.errors import DeployRequired, ElementDisabled
from triform.elements.model import Element, State
from triform.elements.specs import requirements_of
from triform.errors import NotFound, Suggestion


def ensure_usable(element: Element, operation: Operation) -> None:
    """Raises ElementDisabled for user work on a disabled element, NotFound for anything on a deleted one."""
    if element.state is State.deleted:
        raise NotFound
    if hindered(element, operation):
        raise ElementDisabled(f"The element '{element.slug}' is disabled.")


def hindered(element: Element, operation: Operation) -> bool:
    """Whether the element is disabled and the operation would run user work on it."""
    return element.state is State.disabled and operation.execution


def undeployed(element_type: ElementType, element: Element) -> DeployRequired | None:
    """The refusal of an element that needs what the last deploy did not bring along. Without needs: never."""
    wanted, bundled = requirements_of(element_type, element.spec), element.bundled
    if wanted and (bundled is None or bundled.bundle is None or bundled.requirements != wanted):
        return DeployRequired(f"The gems that version {element.version} requires have not been deployed.")
    origin = origin_of(element_type, element.spec)
    if origin and (bundled is None or bundled.fetched_from != origin):
        return DeployRequired(
            f"The source of version {element.version} has not been fetched.", suggestion=_FETCHED_BY_DEPLOY
        )
    return None


_FETCHED_BY_DEPLOY = Suggestion(
    why="Code of another repository is fetched by deploy alone, and runs as it was then.",
    fix="Deploy (POST …/ops/deploy), then repeat.",
    op="deploy",
)
