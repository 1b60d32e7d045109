"""Changes that make no version: meta, enable, disable, delete."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from triform.clock import Clock
from triform.elements import bounds
from triform.elements.bonds import Bond, Bonds
from triform.elements.cache import Forget
from triform.elements.checking import below_spec, raise_any
from triform.elements.errors import ConfirmationRequired, ElementInUse
from triform.elements.graph.connections import AfterCommit, Connections
from triform.elements.merge import shallow_merge
from triform.elements.model import Element, State
from triform.elements.request import Request, expect_version, flag
from triform.elements.show import element_json, etag, event_json
from triform.elements.store import ElementStore
from triform.errors import Complaint, NotFound, Suggestion
from triform.reply import Reply
from triform.storage.database import Transaction

BONDS_LISTED = 20


class Upkeep:
    def __init__(
        self,
        store: ElementStore,
        bonds: Iterable[Bonds],
        connections: Connections,
        forget: Forget,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bonds = tuple(bonds)
        self._connections = connections
        self._forget = forget
        self._clock = clock

    async def update_meta(self, call: Request, tx: Transaction) -> Reply:
        """`{meta}` → the element; top-level members replace those of the same name, null removes one."""
        patch = call.argument("meta")
        raise_any(bounds.check_meta(patch))
        element = await self._locked(call, tx)
        meta = shallow_merge(element.meta, patch)
        raise_any(bounds.check_meta(meta))
        element = element.evolve(meta=meta, updated_at=self._clock.now())
        await self._store.set_meta(tx, element)
        return self._reply(call, element, "element.meta_updated")

    async def disable(self, call: Request, tx: Transaction) -> Reply:
        """`{reason?}` → the element; disabling twice changes nothing."""
        element = await self._locked(call, tx)
        if element.state is State.disabled:
            return self._reply(call, element)
        element = element.evolve(state=State.disabled, enabled_state=element.state)
        connected = await self._connections.touched(tx, call.type, element)
        return await self._switched(call, tx, element, "element.disabled", connected)

    async def enable(self, call: Request, tx: Transaction) -> Reply:
        """`{reason?}` → the element in the state it had before; enabling twice changes nothing."""
        element = await self._locked(call, tx)
        if element.state is not State.disabled:
            return self._reply(call, element)
        element = element.evolve(state=element.enabled_state)
        connected = await self._connections.touched(tx, call.type, element)
        return await self._switched(call, tx, element, "element.enabled", connected)

    async def delete(self, call: Request, tx: Transaction) -> Reply:
        """`confirm=true` → the element as it was, deleted. Raises ConfirmationRequired, ElementInUse."""
        if not flag(call, "confirm", False):
            raise ConfirmationRequired()
        found = await self._store.lock_for_delete(tx, call.element.circle_id, call.element.id)
        if found is None or found.is_circle:
            raise NotFound()
        expect_version(call, found)
        await self._refuse_if_needed(found, tx)
        await self._store.forget_secrets(tx, found.id)
        return await self._switched(call, tx, found.evolve(state=State.deleted), "element.deleted")

    async def _refuse_if_needed(self, element: Element, tx: Transaction) -> None:
        children, _ = await self._store.children(tx, element.id, limit=BONDS_LISTED)
        found = [Bond("child", child.slug) for child in children]
        for bonds in self._bonds:
            found += await bonds.of(element, tx, BONDS_LISTED)
        if found:
            raise _in_use(element, found)

    async def _locked(self, call: Request, tx: Transaction) -> Element:
        element = await self._store.lock(tx, call.element.circle_id, call.element.id)
        if element is None:
            raise NotFound()
        expect_version(call, element)
        return element

    async def _switched(
        self, call: Request, tx: Transaction, element: Element, event: str, connected: AfterCommit = ()
    ) -> Reply:
        element = element.evolve(updated_at=self._clock.now())
        await self._store.set_state(tx, element)
        return self._reply(call, element, event, connected)

    def _reply(
        self, call: Request, element: Element, event: str | None = None, connected: AfterCommit = ()
    ) -> Reply:
        told: dict[str, Any] = event_json(element)
        if isinstance(reason := call.argument("reason"), str):
            told["reason"] = reason
        warnings = below_spec(call.type.check_spec(element.spec).warnings)
        return Reply(
            element_json(element, call.type, warnings),
            etag(element),
            ((event, told),) if event else (),
            after_commit=(partial(self._forget, element.id), *connected),
        )


def _in_use(element: Element, found: Sequence[Bond]) -> ElementInUse:
    listed = ", ".join(f"{bond.kind} {bond.name}" for bond in found[:BONDS_LISTED])
    return ElementInUse(
        f"The element '{element.slug}' is in use by: {listed}.",
        errors=tuple(Complaint("", f"{bond.kind} {bond.name}") for bond in found[:BONDS_LISTED]),
        suggestion=Suggestion(
            why="What is listed still needs the element.",
            fix="Cancel its runs, delete its children, undo attachments, take it out of projects; then repeat.",
            op="runs",
        ),
        facts={"in_use_by": [{"kind": bond.kind, "name": bond.name} for bond in found[:BONDS_LISTED]]},
    )
