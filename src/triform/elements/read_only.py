"""Members of a spec that the platform writes (`readOnly` in properties.yaml): nobody else sets or removes them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import members
from triform.elements.checking import CheckedSpec
from triform.errors import Complaint


def kept(element_type: ElementType, spec: Any, before: Mapping[str, Any]) -> Any:
    """`spec` with these members as `before` has them, whatever it says of them itself."""
    names = owned(element_type)
    if not names or not isinstance(spec, Mapping):
        return spec
    own = {name: value for name, value in spec.items() if name not in names}
    return own | {name: before[name] for name in names if name in before}


def warned(element_type: ElementType, checked: CheckedSpec, posted: Any) -> CheckedSpec:
    """With a warning for each of these members that was posted and is another one in the checked spec."""
    differing = tuple(_differing(element_type, checked.spec, posted))
    return replace(checked, of_rules=(*checked.of_rules, *differing)) if differing else checked


def _differing(element_type: ElementType, spec: Mapping[str, Any], posted: Any) -> Iterator[Complaint]:
    for name in owned(element_type):
        if isinstance(posted, Mapping) and name in posted and posted[name] != spec.get(name):
            yield Complaint(f"/spec/{name}", "is written by the platform alone; what was sent is left out")


def owned(element_type: ElementType) -> list[str]:
    """The members of a spec that are the platform's alone."""
    declared = members(element_type.properties.document).items()
    return [name for name, schema in declared if isinstance(schema, Mapping) and schema.get("readOnly")]
