"""What a deploy leaves behind: the pin of a version, and the element in state `deployed`."""

import msgspec

from triform.circles.model import Actor
from triform.clock import Clock
from triform.elements.cache import ElementCache
from triform.elements.errors import VersionPromoted
from triform.elements.model import DEMO, LIVE, Deployment, Element, State
from triform.elements.show import event_json
from triform.elements.store import ElementStore, Speaks
from triform.errors import NotFound
from triform.ids import Ids
from triform.storage.database import Database, Transaction


class Deployments:
    def __init__(
        self, database: Database, store: ElementStore, cache: ElementCache, ids: Ids, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._cache = cache
        self._ids = ids
        self._clock = clock

    async def of(self, element: Element) -> Deployment | None:
        """What the last deploy of this very version pinned."""
        return await self._store.deployment(self._database, element.id, element.version)

    async def ensure_free(self, element: Element, commit: str) -> None:
        """Raises VersionPromoted where runs of what was promoted would change with this commit."""
        await self._ensure_free(self._database, await self._cache.fresh(element), element.version, commit)

    async def record(self, element: Element, deployment: Deployment, actor: Actor, *, trace_id: str = "") -> bool:
        """Keeps the pin for its version; True when that is still the element's version, which is deployed now.

        `deployment.deploy_id` is the id of the deploy's run. A disabled element becomes deployed on enable.
        Raises NotFound, VersionPromoted, where another commit was fetched.
        """
        async with self._database.transaction() as tx:
            if deployment.fetched_commit is not None:
                locked = await self._store.lock(tx, element.circle_id, element.id)
                if locked is None:
                    raise NotFound
                await self._ensure_free(tx, locked, deployment.version, deployment.fetched_commit)
            await self._store.insert_deployment(tx, element.id, deployment)
            current = await self._store.set_deployed(tx, element.id, deployment.version, deployment.created_at)
            if current:
                await self._tell(tx, element, deployment, actor, trace_id)
        self._cache.forget(element.id)
        return current

    async def _ensure_free(self, db: Speaks, element: Element, version: int, commit: str) -> None:
        """Whoever promotes locks the row: with it locked, this holds until the transaction ends."""
        promoted = [branch for branch in (LIVE, DEMO) if _stands_at(element, branch, version)]
        pinned = await self._store.deployment(db, element.id, version) if promoted else None
        if pinned is not None and pinned.fetched_commit not in (None, commit):
            raise VersionPromoted(
                f"Version {version} is {promoted[0]} with commit {(pinned.fetched_commit or '')[:12]}; "
                f"the repository is now at {commit[:12]}."
            )

    async def _tell(
        self, tx: Transaction, element: Element, deployment: Deployment, actor: Actor, trace_id: str
    ) -> None:
        deployed = element.evolve(state=State.deployed, version=deployment.version)
        data = {**event_json(deployed), "runtime_image": deployment.runtime_image}
        await self._store.insert_event(
            tx,
            (
                self._ids.new(), element.circle_id, element.id, element.slug, "element.deployed",
                deployment.deploy_id, "deploy", actor.kind, actor.id, trace_id, self._clock.now(),
                msgspec.json.encode(data),
            ),
        )  # fmt: skip


def _stands_at(element: Element, branch: str, version: int) -> bool:
    tip = element.branches.get(branch)
    return tip is not None and tip.version == version
