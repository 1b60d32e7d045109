"""`import_bundle`: elements from bundles. Each is a create or an update like any other, history included."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.element_type import ElementType
from triform.circles.model import Principal
from triform.elements import secret_places
from triform.elements.create import Create
from triform.elements.errors import SlugTaken
from triform.elements.graph.connections import slugs_of
from triform.elements.model import DRAFT, Element
from triform.elements.request import flag
from triform.elements.secrets import Secrets
from triform.elements.source import Brought
from triform.elements.store import ElementStore
from triform.elements.update import Update
from triform.errors import TriformError
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.masks import Masks
from triform.source.bundles import Bundles, Carried, Opened, decoded, envelope_of
from triform.source.errors import BundleRefused, SourceRefused
from triform.source.git import Git, Scratch
from triform.source.looking import known_to
from triform.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """The create or update that a bundle stands for."""

    principal: Principal
    element: Element
    type: ElementType
    brought: Brought
    arguments: Mapping[str, Any]
    if_match: int | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)

    def argument(self, name: str, default: Any = None) -> Any:
        return self.arguments.get(name, default)


@dataclass(frozen=True, slots=True)
class Item:
    """An element that can be made of a bundle, if the transaction agrees."""

    slug: str
    operation: Create | Update
    request: ImportRequest
    prepared: Any
    warnings: tuple[str, ...]
    refers: frozenset[str] = frozenset()
    """Slugs its spec names."""


@dataclass(slots=True)
class Plan:
    """What is to be done; `scratch` keeps the folders the items refer to."""

    scratch: Scratch
    items: list[Item] = field(default_factory=list)
    attachments: tuple[Carried, ...] = ()
    skipped: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def failed(self, slug: str, error: TriformError) -> None:
        told = [{"pointer": each.pointer, "message": each.message} for each in error.errors]
        self.errors.append({"slug": slug, "code": error.code, "message": error.message, "errors": told})


@dataclass(frozen=True, slots=True)
class Attached:
    """How many attachments were made, and for which sources that was refused."""

    made: int
    reply: Reply
    refused: Sequence[tuple[str, TriformError]]


class Attach(Protocol):
    """Attaches what came with an envelope, where it fits; the rest is refused one by one."""

    async def __call__(self, call: Call, tx: Transaction, wanted: Sequence[Carried]) -> Attached: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Makers:
    """What elements are made and looked up with."""

    create: Create
    update: Update
    catalogue: Catalogue
    database: Database
    store: ElementStore
    secrets: Secrets
    masks: Masks
    attach: Attach


class ImportBundle:
    """`{bundle_base64, overwrite?=false}` → `imported`, `skipped`, `attached`, `errors`, and the `elements` in
    question.

    On a circle a bundle becomes an element, an envelope all of its elements; on an element, its next version.
    """

    def __init__(self, git: Git, bundles: Bundles, makers: Makers) -> None:
        self._git = git
        self._bundles = bundles
        self._makers = makers

    async def prepare(self, call: Call) -> Plan:
        """Raises BundleRefused and whatever refuses a single bundle; in an envelope each fails for itself."""
        data = decoded(call.argument("bundle_base64"))
        envelope = envelope_of(data)
        plan = Plan(self._git.kept())
        if envelope is None:
            await self._add(call, plan, data)
            return plan
        if not call.element.is_circle:
            raise BundleRefused("This is the envelope of a circle; import it into a circle.")
        for entry in envelope.elements:
            try:
                await self._add(call, plan, decoded(entry.bundle_base64))
            except TriformError as error:
                plan.failed(entry.slug, error)
        plan.items = inner_first(plan.items)
        plan.attachments = envelope.attachments
        return plan

    async def __call__(self, call: Call, tx: Transaction, prepared: Plan) -> Reply:
        elements, done = list[dict[str, Any]](), list[Reply]()
        for item in prepared.items:
            try:
                async with tx.part():
                    reply = await item.operation(item.request, tx, item.prepared)
            except SlugTaken:
                prepared.skipped.append(item.slug)
            except TriformError as error:
                if len(prepared.items) == 1 and not prepared.errors:
                    raise
                prepared.failed(item.slug, error)
            else:
                done.append(reply)
                elements.append(_imported(reply.value, item))
        imported = len(done)
        attached = await self._attach(call, tx, prepared)
        done.append(attached.reply)
        elements += [{"slug": slug, "outcome": "skipped"} for slug in prepared.skipped]
        return Reply(
            {
                "imported": imported,
                "skipped": len(prepared.skipped),
                "attached": attached.made,
                "errors": prepared.errors,
                "elements": elements,
            },
            events=tuple(event for reply in done for event in reply.events),
            after_commit=tuple(act for reply in done for act in reply.after_commit),
        )

    async def _attach(self, call: Call, tx: Transaction, plan: Plan) -> Attached:
        """What was skipped stays as it is: an attachment comes along with its target, one of the circle with its
        source."""
        wanted = [each for each in plan.attachments if (each.target or each.source) not in plan.skipped]
        if not wanted:
            return Attached(0, Reply(None), ())
        attached = await self._makers.attach(call, tx, wanted)
        for slug, error in attached.refused:
            plan.failed(slug, error)
        return attached

    async def _add(self, call: Call, plan: Plan, data: bytes) -> None:
        if not call.element.is_circle and not flag(call, "overwrite", False):
            plan.skipped.append(call.element.slug)
            return
        opened = await self._bundles.opened(data, plan.scratch.folder())
        if not call.element.is_circle:
            plan.items.append(await self._changed(call, opened, call.element))
            return
        slug = str(opened.document.get("slug", ""))
        there = await self._makers.store.find_by_slug(self._makers.database, call.element.circle_id, slug)
        if there is None:
            plan.items.append(await self._created(call, opened, slug))
        elif flag(call, "overwrite", False):
            plan.items.append(await self._changed(call, opened, there))
        else:
            plan.skipped.append(slug)

    async def _created(self, call: Call, opened: Opened, slug: str) -> Item:
        """A new element has none of the secrets its spec names: they stay behind."""
        kind = self._makers.catalogue.find(str(opened.document.get("element_type")))
        spec = opened.document["spec"]
        lost = [name for name, _ in secret_places.secrets_of(kind, spec)] if kind else []
        arguments = {**opened.document, "spec": secret_places.without(kind, spec, lost) if kind else spec}
        request = _request(call, call.element, call.type, opened, arguments)
        prepared = await self._makers.create.prepare(request)
        return Item(slug, self._makers.create, request, prepared, _told(lost), _refers(kind, spec))

    async def _changed(self, call: Call, opened: Opened, element: Element) -> Item:
        kind = self._makers.catalogue.type(element.element_type)
        if opened.document.get("element_type", kind.name) != kind.name:
            raise BundleRefused(f"The bundle holds another type of element; '{element.slug}' is a {kind.name}.")
        problems = await asyncio.to_thread(opened.problems, known_to(self._makers.masks, element))
        if problems:
            raise SourceRefused.for_problems(f"{DRAFT} of the bundle", problems)
        spec = opened.document["spec"]
        proposed = element.evolve(spec=spec)
        lost = await self._makers.secrets.unknown(self._makers.database, kind, proposed)
        named = {name: opened.document[name] for name in ("name", "intention") if name in opened.document}
        arguments = {**named, "spec": secret_places.without(kind, spec, lost), "deep": False}
        request = _request(call, element, kind, opened, arguments)
        prepared = await self._makers.update.prepare(request)
        return Item(element.slug, self._makers.update, request, prepared, _told(lost), _refers(kind, spec))


def inner_first(items: Sequence[Item]) -> list[Item]:
    """What a spec refers to before it, else as they came; those that hold each other come last, to be refused."""
    waiting, ordered = list(items), list[Item]()
    while waiting:
        left = {each.slug for each in waiting}
        ready = [each for each in waiting if (each.refers - {each.slug}).isdisjoint(left)] or waiting
        done = set(map(id, ready))
        ordered += ready
        waiting = [each for each in waiting if id(each) not in done]
    return ordered


def _refers(kind: ElementType | None, spec: Mapping[str, Any]) -> frozenset[str]:
    """Of a spec that has been checked."""
    return frozenset(chain.from_iterable(slugs_of(kind, spec).values())) if kind else frozenset()


def _request(
    call: Call, element: Element, kind: ElementType, opened: Opened, arguments: Mapping[str, Any]
) -> ImportRequest:
    return ImportRequest(
        principal=call.principal,
        element=element,
        type=kind,
        brought=Brought(opened.commit, opened.waiting, f"imported: {opened.summary}"),
        arguments=arguments,
        if_match=None if call.element.is_circle else call.if_match,
    )


def _told(lost: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"the secret {name} has no value here and was left out; set it with an update" for name in lost)


def _imported(element: Mapping[str, Any], item: Item) -> dict[str, Any]:
    warnings = [*(each["message"] for each in element["warnings"]), *item.warnings]
    told = {name: element[name] for name in ("slug", "id", "element_type", "version")}
    return {**told, "outcome": "imported", "warnings": warnings}
