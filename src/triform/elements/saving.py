"""The next version of an element: its row, its secrets, its place in the history and in git, its deployment."""

from dataclasses import replace

from triform.chemistry.element_type import ElementType
from triform.clock import Clock
from triform.elements.code_source import FILE, code_source
from triform.elements.errors import SlugTaken
from triform.elements.graph.connections import Connections
from triform.elements.model import Element, State
from triform.elements.request import Request
from triform.elements.secrets import Secrets
from triform.elements.source import Change
from triform.elements.specs import reserved_slots, source_of
from triform.elements.store import ElementStore
from triform.elements.versions import Added, Versions
from triform.storage.database import Transaction


class Saving:
    def __init__(
        self, store: ElementStore, versions: Versions, connections: Connections, secrets: Secrets, clock: Clock
    ) -> None:
        self._store = store
        self._versions = versions
        self._connections = connections
        self._secrets = secrets
        self._clock = clock

    async def first_version(
        self, tx: Transaction, call: Request, element_type: ElementType, element: Element
    ) -> Added:
        """A new element in the caller's name. A git bundle is the commit of it.

        Raises SlugTaken; InvalidSpec and SourceUnavailable as `next_version`.
        """
        element = await self._secrets.settled(tx, element_type, element, call.secrets)
        if not await self._store.insert(tx, element, reserved_slots(element_type, element.spec)):
            raise SlugTaken(f"The slug '{element.slug}' is taken.")
        connected = await self._connections.settle(tx, element_type, element)
        summary = call.brought.summary if call.brought else "created"
        added = await self._versions.add(tx, Change(element, call.principal.actor, summary), call.brought)
        return replace(added, after_commit=(*added.after_commit, *connected))

    async def next_version(
        self,
        tx: Transaction,
        call: Request,
        before: Element,
        changed: Element,
        summary: str,
        files_of: str | None = None,
    ) -> Added:
        """`before`, whose row is locked, becomes `changed` in the caller's name. A push is the commit of it.

        `files_of`: the commit that has its files. Raises InvalidSpec for its secrets and for what it refers to;
        SourceMoved and SourceUnavailable where files come with it.
        """
        files_change = call.brought is not None or files_of is not None
        element = _undeployed(call.type, before, changed, files_change).evolve(
            version=before.version + 1, updated_at=self._clock.now(), commit=None
        )
        element = await self._secrets.settled(tx, call.type, element, call.secrets)
        await self._store.update(tx, element, reserved_slots(call.type, element.spec))
        connected = await self._connections.settle(tx, call.type, element)
        change = Change(element, call.principal.actor, summary, files_of=files_of)
        added = await self._versions.add(tx, change, call.brought)
        if element.enabled_state is State.deployed:
            await self._store.carry_deployment(tx, element)
        return replace(added, after_commit=(*added.after_commit, *connected))


def _undeployed(element_type: ElementType, before: Element, changed: Element, files_change: bool) -> Element:
    """New source has not been deployed, whether or not the element is disabled."""
    source = code_source(element_type, changed.spec)
    in_files = source is not None and source.kind == FILE
    same_spec = source_of(element_type, before.spec) == source_of(element_type, changed.spec)
    if same_spec and not (in_files and files_change):
        return changed
    state = State.ready if changed.state is State.deployed else changed.state
    return changed.evolve(state=state, enabled_state=State.ready)
