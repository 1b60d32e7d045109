"""Changes that make a version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.clock import Clock
from triform.elements import bounds, secret_places
from triform.elements.cache import ElementCache
from triform.elements.checking import CheckedSpec, SpecCheck, below_spec, raise_any
from triform.elements.merge import deep_merge
from triform.elements.model import Element, State
from triform.elements.request import Request, expect_version, flag
from triform.elements.secrets import Secrets
from triform.elements.show import element_json, etag, event_json
from triform.elements.specs import reserved_slots, source_of
from triform.elements.store import ElementStore
from triform.elements.versions import Versions
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

    def __init__(
        self,
        store: ElementStore,
        versions: Versions,
        spec_check: SpecCheck,
        secrets: Secrets,
        cache: ElementCache,
        clock: Clock,
    ) -> None:
        self._store = store
        self._versions = versions
        self._spec_check = spec_check
        self._secrets = secrets
        self._cache = cache
        self._clock = clock

    async def prepare(self, call: Request) -> Proposal:
        """Raises InvalidInput, NotFound, VersionMismatch, InvalidSpec, the error of the code."""
        raise_any(_complaints(call))
        element = await self._cache.fresh(call.element)
        expect_version(call, element)
        return await self._propose(call, element.spec)

    async def __call__(self, call: Request, tx: Transaction, prepared: Proposal) -> Reply:
        """Raises NotFound, VersionMismatch; InvalidSpec for its secrets; as `prepare` when another was faster."""
        found = await self._store.lock(tx, call.element.circle_id, call.element.id)
        if found is None:
            raise NotFound()
        expect_version(call, found)
        if found.spec != prepared.before:
            prepared = await self._propose(call, found.spec, prepared.checked)
        element = self._changed(call, found, prepared.checked.spec)
        element = await self._secrets.settled(tx, call.type, element, call.secrets)
        await self._store.update(tx, element, reserved_slots(call.type, element.spec))
        summary = call.pushed.summary if call.pushed else _summary(found, element)
        added = await self._versions.add(tx, element, call.principal.actor, summary, call.pushed)
        if element.enabled_state is State.deployed:
            await self._store.carry_deployment(tx, element)
        return Reply(
            element_json(element, call.type, (*prepared.checked.warnings, *added.warnings)),
            etag(element),
            (("element.updated", event_json(element)),),
            after_commit=(partial(self._cache.forget, element.id), *added.after_commit),
        )

    async def _propose(self, call: Request, before: Mapping[str, Any], *known: CheckedSpec) -> Proposal:
        patch = call.argument("spec")
        if patch is None:
            return Proposal(before, CheckedSpec(before, below_spec(call.type.check_spec(before).warnings)))
        spec = deep_merge(before, patch) if flag(call, "deep", True) else patch
        spec = secret_places.adopted(call.type, spec, before)
        return Proposal(before, await self._spec_check.check(call.type, spec, CheckedSpec(before), *known))

    def _changed(self, call: Request, element: Element, spec: Mapping[str, Any]) -> Element:
        name, intention = call.argument("name"), call.argument("intention")
        return _undeployed_by(call.type, element, spec).evolve(
            name=element.name if name is None else name,
            intention=element.intention if intention is None else intention,
            spec=spec,
            version=element.version + 1,
            updated_at=self._clock.now(),
        )


def _undeployed_by(element_type: ElementType, element: Element, spec: Mapping[str, Any]) -> Element:
    """New source has not been deployed, whether or not the element is disabled."""
    if source_of(element_type, element.spec) == source_of(element_type, spec):
        return element
    state = State.ready if element.state is State.deployed else element.state
    return element.evolve(state=state, enabled_state=State.ready)


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
