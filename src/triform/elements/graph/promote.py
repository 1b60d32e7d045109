"""`promote`: the versions of everything a project holds are frozen for an environment."""

from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.schema import at_pointer, replaced_at
from triform.circles.policy import allow
from triform.clock import Clock, rfc3339
from triform.elements.errors import DeployRequired, NotPromotable, NotPromoted
from triform.elements.graph.model import Node
from triform.elements.graph.store import GraphStore
from triform.elements.model import DEMO, LIVE, Element
from triform.elements.request import OperationRequest, expect_version
from triform.elements.saving import Saving
from triform.elements.show import element_json, etag, event_json
from triform.elements.store import ElementStore
from triform.errors import Complaint, NotFound, Suggestion
from triform.reply import Reply
from triform.storage.database import Transaction


class Promote:
    def __init__(
        self, catalogue: Catalogue, store: ElementStore, graphs: GraphStore, saving: Saving, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._graphs = graphs
        self._saving = saving
        self._clock = clock

    async def __call__(self, call: OperationRequest, tx: Transaction) -> Reply:
        """`{environment}` → the element at its next version. Raises NotPromotable, Forbidden, VersionMismatch,
        DeployRequired, NotPromoted."""
        if call.type.promoted is None:
            raise NotPromotable(f"'{call.element.slug}' has no members that could be promoted.")
        env: str = call.argument("environment")
        if env == LIVE:
            allow(call.principal, "admin", call.operation.name)
        found = await self._store.lock(tx, call.element.circle_id, call.element.id)
        if found is None:
            raise NotFound()
        expect_version(call, found)
        frozen = await self._present(tx, found) if env == DEMO else _of_demo(found, call.type.promoted)
        return await self._kept(call, tx, found, env, frozen)

    async def _kept(
        self, call: OperationRequest, tx: Transaction, before: Element, env: str, frozen: dict[str, Any]
    ) -> Reply:
        about = {"promoted_at": rfc3339(self._clock.now()), "promoted_by": call.principal.actor.id}
        place = f"{call.type.promoted}/{env}"
        changed = before.evolve(spec=replaced_at(before.spec, place, {**frozen, **about}))
        added = await self._saving.next_version(tx, call, before, changed, f"promoted to {env}")
        told = {**event_json(added.element), "environment": env, "members": frozen["members"]}
        return Reply(
            element_json(added.element, call.type, added.warnings),
            etag(added.element),
            (("element.promoted", told),),
            after_commit=added.after_commit,
        )

    async def _present(self, tx: Transaction, project: Element) -> dict[str, Any]:
        graph = await self._graphs.graph(tx, project.circle_id)
        nodes = sorted(graph.below(project.id), key=lambda node: node.slug)
        if not nodes:
            raise NotPromotable(f"'{project.slug}' has no members yet.", suggestion=_ADD)
        undeployed = [node for node in nodes if not await self._is_deployed(tx, node)]
        if undeployed:
            raise _deploy_first(undeployed)
        return {"members": {node.slug: node.version for node in nodes}, "version": project.version}

    async def _is_deployed(self, tx: Transaction, node: Node) -> bool:
        """Types that have nothing to deploy are ready as they are."""
        kind = self._catalogue.find(node.element_type)
        if kind is None or kind.operation("deploy") is None:
            return True
        return await self._store.deployment(tx, node.id, node.version) is not None


def _of_demo(project: Element, place: str) -> dict[str, Any]:
    demo = at_pointer(project.spec, f"{place}/{DEMO}")
    if demo is None:
        raise NotPromoted(
            f"Nothing of '{project.slug}' has been promoted to {DEMO} yet.",
            suggestion=Suggestion(
                why="A project is promoted one step at a time.",
                fix=f"Promote it to {DEMO} first.",
                op="promote",
                example={"environment": DEMO},
            ),
        )
    return {name: demo[name] for name in ("members", "version")}


def _deploy_first(nodes: list[Node]) -> DeployRequired:
    listed = ", ".join(f"{node.slug} (version {node.version})" for node in nodes[:20])
    return DeployRequired(
        f"These members have not been deployed at their present version: {listed}.",
        errors=tuple(Complaint("", f"{node.slug}: version {node.version} is not deployed") for node in nodes[:20]),
        suggestion=Suggestion(
            why="What is promoted runs at once, so it has to have been loaded successfully.",
            fix="Deploy each of them, then promote again.",
            op="deploy",
        ),
    )


_ADD = Suggestion(
    why="A project is promoted with the versions of its members.",
    fix="Create elements below the project's address, or name some in `members`.",
    op="update",
)
