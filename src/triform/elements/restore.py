"""Back to an earlier version: what is there now is kept as a version first, then the earlier one comes again."""

from dataclasses import dataclass
from functools import partial

from triform.elements import read_only
from triform.elements.cache import ElementCache
from triform.elements.checking import CheckedSpec, SpecCheck
from triform.elements.model import Element
from triform.elements.request import Request, expect_version, whole_number
from triform.elements.saving import Saving
from triform.elements.show import element_json, etag, event_json
from triform.elements.store import ElementStore
from triform.errors import NotFound, Suggestion
from triform.reply import Reply
from triform.storage.database import Transaction

_NEWEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """The element as it was then, and what today's rules say of its spec."""

    element: Element
    checked: CheckedSpec


class Restore:
    """`{version}` → the element, two versions on. Name, intention, spec and secrets are those of then."""

    def __init__(self, store: ElementStore, saving: Saving, spec_check: SpecCheck, cache: ElementCache) -> None:
        self._store = store
        self._saving = saving
        self._spec_check = spec_check
        self._cache = cache

    async def prepare(self, call: Request) -> Earlier:
        """Raises NotFound, VersionMismatch; InvalidSpec or the error of the code, where rules became stricter."""
        version = whole_number(call, "version", 0, 1, _NEWEST)
        element = await self._cache.fresh(call.element)
        expect_version(call, element)
        earlier = await self._cache.at_version(element.circle_id, element.id, version)
        if earlier is None:
            raise _no_such_version(version, element)
        return Earlier(earlier, await self._spec_check.check(call.type, earlier.spec, CheckedSpec(element.spec)))

    async def __call__(self, call: Request, tx: Transaction, prepared: Earlier) -> Reply:
        """Raises NotFound, VersionMismatch."""
        now = await self._store.lock(tx, call.element.circle_id, call.element.id)
        if now is None:
            raise NotFound()
        expect_version(call, now)
        version, earlier = prepared.element.version, prepared.element
        kept = await self._saving.next_version(tx, call, now, now, f"Before restore to v{version}")
        spec = read_only.kept(call.type, prepared.checked.spec, now.spec)
        wanted = kept.element.evolve(name=earlier.name, intention=earlier.intention, spec=spec)
        added = await self._saving.next_version(tx, call, kept.element, wanted, f"Restored v{version}")
        element = added.element
        return Reply(
            element_json(element, call.type, (*prepared.checked.warnings, *added.warnings)),
            etag(element),
            (("element.updated", {**event_json(element), "restored": version}),),
            after_commit=(partial(self._cache.forget, element.id), *added.after_commit),
        )


def _no_such_version(version: int, element: Element) -> NotFound:
    return NotFound(
        f"The element has no version {version}.",
        suggestion=Suggestion(
            why=f"Its versions are 1 to {element.version}.",
            fix="GET …/ops/version?history=true lists them.",
            op="version",
        ),
    )
