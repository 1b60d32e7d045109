"""Changes that make a version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from triform.elements import bounds, read_only, secret_places
from triform.elements.cache import ElementCache
from triform.elements.checking import CheckedSpec, SpecCheck, below_spec, raise_any
from triform.elements.merge import deep_merge
from triform.elements.model import Element
from triform.elements.request import Request, expect_version, flag
from triform.elements.saving import Saving
from triform.elements.show import element_json, etag, event_json
from triform.elements.source import files_with
from triform.elements.store import ElementStore
from triform.errors import Complaint, NotFound
from triform.reply import Reply
from triform.storage.database import Transaction

FIXED = ("slug", "element_type", "id", "circle")
"""What an element keeps for life."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The spec as it will be, if the one it was made from is still the present one."""

    before: Mapping[str, Any]
    checked: CheckedSpec


class Update:
    """`{name?, intention?, spec?, deep?=true}` → the element at its next version."""

    def __init__(self, store: ElementStore, saving: Saving, spec_check: SpecCheck, cache: ElementCache) -> None:
        self._store = store
        self._saving = saving
        self._spec_check = spec_check
        self._cache = cache

    async def prepare(self, call: Request) -> Proposal:
        """Raises InvalidInput, NotFound, VersionMismatch, InvalidSpec, the error of the code."""
        raise_any(_complaints(call))
        element = await self._cache.fresh(call.element)
        expect_version(call, element)
        return await self._propose(call, element)

    async def __call__(self, call: Request, tx: Transaction, prepared: Proposal) -> Reply:
        """Raises NotFound, VersionMismatch; InvalidSpec for its secrets; as `prepare` when another was faster."""
        found = await self._store.lock(tx, call.element.circle_id, call.element.id)
        if found is None:
            raise NotFound()
        expect_version(call, found)
        if found.spec != prepared.before:
            prepared = await self._propose(call, found, prepared.checked)
        changed = _changed(call, found, prepared.checked.spec)
        summary = call.brought.summary if call.brought else _summary(found, changed)
        added = await self._saving.next_version(tx, call, found, changed, summary)
        element = added.element
        return Reply(
            element_json(element, call.type, (*prepared.checked.warnings, *added.warnings)),
            etag(element),
            (("element.updated", event_json(element)),),
            after_commit=(partial(self._cache.forget, element.id), *added.after_commit),
        )

    async def _propose(self, call: Request, element: Element, *known: CheckedSpec) -> Proposal:
        before, patch = element.spec, call.argument("spec")
        if patch is None:
            return Proposal(before, CheckedSpec(before, below_spec(call.type.check_spec(before).warnings)))
        spec = deep_merge(before, patch) if flag(call, "deep", True) else patch
        spec = read_only.kept(call.type, secret_places.adopted(call.type, spec, before), before)
        files = files_with(element, call.brought)
        checked = await self._spec_check.check(call.type, spec, CheckedSpec(before), *known, files=files)
        return Proposal(before, read_only.warned(call.type, checked, patch))


def _changed(call: Request, element: Element, spec: Mapping[str, Any]) -> Element:
    name, intention = call.argument("name"), call.argument("intention")
    return element.evolve(
        name=element.name if name is None else name,
        intention=element.intention if intention is None else intention,
        spec=spec,
    )


def _complaints(call: Request) -> Iterator[Complaint]:
    for name in FIXED:
        if call.argument(name) is not None:
            yield Complaint(f"/{name}", "this cannot be changed after creation; create another element instead")
    if (name := call.argument("name")) is not None:
        yield from bounds.check_name(name)
    if (intention := call.argument("intention")) is not None:
        yield from bounds.check_intention(intention)
    if (patch := call.argument("spec")) is not None:
        yield from bounds.check_spec(patch)


def _summary(before: Element, after: Element) -> str:
    """The history's one line: `changed name, spec.source`."""
    changed = [name for name in ("name", "intention") if getattr(before, name) != getattr(after, name)]
    members = sorted({*before.spec, *after.spec})
    changed += [f"spec.{each}" for each in members if before.spec.get(each) != after.spec.get(each)]
    return f"changed {', '.join(changed)}" if changed else "no change"
