"""Specs were checked when they were saved; after an upgrade the rules may have become stricter."""

from uuid import UUID

from triform.elements.errors import InvalidSpec
from triform.runs.call import Call

_REMEMBERED = 4096


class SpecRules:
    """Remembers which element versions passed, so that the check costs a look-up."""

    def __init__(self) -> None:
        self._passed: dict[tuple[UUID, int], None] = {}

    async def check(self, call: Call) -> None:
        """Raises InvalidSpec when the stored spec breaks a rule of its type as it is now."""
        version = (call.element.id, call.element.version)
        if version in self._passed:
            return
        verdict = call.type.check_spec(call.element.spec)
        if verdict.errors:
            raise InvalidSpec(errors=verdict.errors, suggestion=verdict.suggestion)
        self._passed[version] = None
        if len(self._passed) > _REMEMBERED:
            del self._passed[next(iter(self._passed))]
