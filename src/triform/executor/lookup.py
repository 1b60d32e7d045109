"""Elements and principals as the executor needs them: remembered, and looked up anew when a commit disagrees."""

from uuid import UUID

from triform.chemistry.operation import Operation
from triform.circles.credentials import Credentials
from triform.elements.cache import ElementCache
from triform.elements.errors import DeployRequired
from triform.elements.model import DRAFT, LIVE, Element
from triform.elements.usable import lacks_deploy
from triform.errors import NotFound
from triform.executor.errors import Stale
from triform.runs.call import Call


class Lookup:
    def __init__(self, cache: ElementCache, credentials: Credentials) -> None:
        self._cache = cache
        self._credentials = credentials

    async def at_version(self, circle_id: UUID, element_id: UUID, version: int) -> Element:
        """The living element with its spec of that version. Raises NotFound."""
        found = await self._cache.at_version(circle_id, element_id, version)
        if found is None:
            raise NotFound
        return found

    async def placed(self, call: Call) -> Call:
        """The call with its element at the version of the environment it goes to. Raises NotPromoted."""
        if not call.operation.has_env:
            return call
        env = call.asked_env or (LIVE if LIVE in call.element.branches else DRAFT)
        if env == DRAFT:
            return call
        element = await self._cache.in_env(call.element, env)
        return call.evolve(env=env, element=element)

    async def ensure_usable(self, element: Element, operation: Operation) -> Element:
        """`element`, or what it has become where only that allows `operation`. Raises ElementDisabled."""
        return await self._cache.ensure_usable(element, operation)

    async def ensure_deployed(self, call: Call) -> None:
        """Raises DeployRequired, and Stale when only what was remembered lacked a deploy."""
        if not lacks_deploy(call.type, call.element):
            return
        await self._cache.fresh(call.element)
        if lacks_deploy(
            call.type, await self.at_version(call.element.circle_id, call.element.id, call.element.version)
        ):
            raise DeployRequired(f"The gems that version {call.element.version} requires have not been deployed.")
        raise Stale

    async def again(self, call: Call) -> Call:
        """The call with element and principal looked up anew. Raises NotFound or Unauthenticated."""
        element = await self._cache.reload(call.element)
        principal = await self._credentials.reload(call.principal)
        return call.evolve(element=element, principal=principal)
