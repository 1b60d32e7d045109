"""Back to an earlier version: what is there now is kept as a version first, then the earlier one comes again."""

from dataclasses import dataclass
from functools import partial

from triform.elements import read_only
from triform.elements.cache import ElementCache
from triform.elements.checking import CheckedSpec, SpecCheck
from triform.elements.code_source import FILE, code_source
from triform.elements.errors import SourceUnavailable
from triform.elements.model import Element
from triform.elements.request import Request, expect_version, whole_number
from triform.elements.saving import Saving
from triform.elements.show import element_json, etag, event_json
from triform.elements.source import Files
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
    """`{version}` → the element, two versions on. Name, intention, spec and secrets are those of then; so are all
    files, where the code is in one of them."""

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
        files = Files(earlier, earlier.commit) if earlier.commit else None
        known = CheckedSpec(element.spec)
        return Earlier(earlier, await self._spec_check.check(call.type, earlier.spec, known, files=files))

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
        files_of, summary = _files_of(call, earlier), f"Restored v{version}"
        added = await self._saving.next_version(tx, call, kept.element, wanted, summary, files_of)
        element = added.element
        return Reply(
            element_json(element, call.type, (*prepared.checked.warnings, *added.warnings)),
            etag(element),
            (("element.updated", {**event_json(element), "restored": version}),),
            after_commit=(partial(self._cache.forget, element.id), *added.after_commit),
        )


def _files_of(call: Request, earlier: Element) -> str | None:
    """The commit with the code of then, if that is in its files. Raises SourceUnavailable when there is none."""
    source = code_source(call.type, earlier.spec)
    if source is None or source.kind != FILE:
        return None
    if earlier.commit is None:
        raise SourceUnavailable(f"The files of version {earlier.version} are not in the repository.")
    return earlier.commit


def _no_such_version(version: int, element: Element) -> NotFound:
    return NotFound(
        f"The element has no version {version}.",
        suggestion=Suggestion(
            why=f"Its versions are 1 to {element.version}.",
            fix="GET …/ops/version?history=true lists them.",
            op="version",
        ),
    )
