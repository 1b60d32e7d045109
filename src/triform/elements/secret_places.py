"""Where in a spec secrets may lie: below its type's pointer `environment`, known from chemistry alone."""

from collections.abc import Collection, Mapping
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer, replaced_at

_LIMIT = "environment"


def secrets_of(element_type: ElementType, spec: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """What calls itself a secret, by name, in the order of the spec; well formed or not."""
    where = element_type.limits.get(_LIMIT)
    found = at_pointer(spec, where) if where is not None else None
    if not isinstance(found, Mapping):
        return []
    return [(name, value) for name, value in found.items() if isinstance(value, Mapping) and _claims(value)]


def replaced(element_type: ElementType, spec: Any, values: Mapping[str, Any]) -> Any:
    """A copy of `spec` with other values under these names; the same spec when there are none."""
    where = element_type.limits.get(_LIMIT)
    return (
        replaced_at(spec, where, {**at_pointer(spec, where), **values}) if where is not None and values else spec
    )


def without(element_type: ElementType, spec: Any, names: Collection[str]) -> Any:
    """A copy of `spec` that lacks these secrets; the same spec when there are none to leave out."""
    where = element_type.limits.get(_LIMIT)
    if where is None or not names:
        return spec
    kept = {name: value for name, value in at_pointer(spec, where).items() if name not in names}
    return replaced_at(spec, where, kept)


def adopted(element_type: ElementType, spec: Any, before: Mapping[str, Any]) -> Any:
    """`spec` in which a secret with neither value nor digest has the digest it had in `before`."""
    present = dict(secrets_of(element_type, before))
    kept = {
        name: present[name]
        for name, posted in secrets_of(element_type, spec)
        if name in present and "value" not in posted and posted.get("digest") is None
    }
    return replaced(element_type, spec, kept)


def pointer(element_type: ElementType, name: str | None = None) -> str:
    """Into the body that holds the spec."""
    place = f"/spec{element_type.limits[_LIMIT]}"
    return place if name is None else f"{place}/{name.replace('~', '~0').replace('/', '~1')}"


def _claims(value: Mapping[str, Any]) -> bool:
    """Whatever has a value beside other members must not be kept readable by mistake."""
    return "secret" in value or "value" in value
