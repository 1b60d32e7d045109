"""Elements and principals as the executor needs them: remembered, and looked up anew when a commit disagrees."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from triform.chemistry.operation import Operation
from triform.circles.credentials import Credentials
from triform.elements.cache import ElementCache
from triform.elements.model import DEMO, DRAFT, LIVE, Element
from triform.elements.usable import undeployed
from triform.errors import NotFound, Suggestion
from triform.executor.errors import Stale
from triform.runs.call import Call

Attached: TypeAlias = Callable[[Element], Awaitable[Mapping[str, str]]]
"""The environment variables that what is attached to an element gives its runs."""

_OTHER_VERSION = Suggestion(
    why="Only a version from the element's history can run.",
    fix="Choose one of GET …/ops/version?history=true, or leave `version` out.",
    op="version",
)


Frozen: TypeAlias = Callable[[Element, Sequence[str]], Awaitable[Mapping[str, int]]]
"""By environment, what the projects it is reached through have promoted of an element."""


class Lookup:
    def __init__(self, cache: ElementCache, credentials: Credentials, attached: Attached, frozen: Frozen) -> None:
        self._cache = cache
        self._credentials = credentials
        self._attached = attached
        self._frozen = frozen

    async def at_version(self, circle_id: UUID, element_id: UUID, version: int) -> Element:
        """The living element with its spec of that version. Raises NotFound."""
        found = await self._cache.at_version(circle_id, element_id, version)
        if found is None:
            raise NotFound
        return found

    async def placed(self, call: Call) -> Call:
        """The call with its element at the version it named, or that of the environment it goes to, and with what
        is attached to it. Raises NotPromoted, and NotFound for a version there is not."""
        if call.asked_version is not None:
            call = await self._pinned(call, call.asked_version)
        elif call.operation.has_env:
            call = await self._in_env(call)
        return await self.equipped(call)

    async def equipped(self, call: Call) -> Call:
        """The call with what is attached to its element, for user work."""
        found = await self._attached(call.element) if call.operation.execution else None
        return call.evolve(environment=found) if found else call

    async def _in_env(self, call: Call) -> Call:
        frozen = await self._frozen(call.element, call.through) if call.through else {}
        env = call.asked_env or (LIVE if LIVE in frozen or LIVE in call.element.branches else DRAFT)
        if env == DRAFT:
            return call
        if env in frozen:
            found = await self.at_version(call.element.circle_id, call.element.id, frozen[env])
            return call.evolve(env=env, element=found, frozen=frozen)
        return call.evolve(env=env, element=await self._cache.in_env(call.element, env))

    async def _pinned(self, call: Call, version: int) -> Call:
        found = await self._cache.at_version(call.element.circle_id, call.element.id, version)
        if found is None:
            raise NotFound(f"The element has no version {version}.", suggestion=_OTHER_VERSION)
        standing = (name for name in (LIVE, DEMO) if (tip := found.branches.get(name)) and tip.version == version)
        return call.evolve(env=next(standing, DRAFT), element=found)

    async def ensure_usable(self, element: Element, operation: Operation) -> Element:
        """`element`, or what it has become where only that allows `operation`. Raises ElementDisabled."""
        return await self._cache.ensure_usable(element, operation)

    async def ensure_deployed(self, call: Call) -> None:
        """Raises DeployRequired, and Stale when only what was remembered lacked a deploy."""
        if undeployed(call.type, call.element) is None:
            return
        await self._cache.fresh(call.element)
        now = await self.at_version(call.element.circle_id, call.element.id, call.element.version)
        raise undeployed(call.type, now) or Stale

    async def again(self, call: Call) -> Call:
        """The call with element and principal looked up anew. Raises NotFound or Unauthenticated."""
        element = await self._cache.reload(call.element)
        principal = await self._credentials.reload(call.principal)
        return call.evolve(element=element, principal=principal)
