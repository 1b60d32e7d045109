"""From a call to what a driver and a run need to know; remembered for a few seconds."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from triform.chemistry.element_type import ElementType
from triform.chemistry.model import Limits as Asked
from triform.clock import Clock
from triform.elements.code_source import FILE, INLINE, CodeSource, code_source
from triform.elements.errors import DeployRequired, SourceUnavailable
from triform.elements.model import Bundled, Element
from triform.elements.specs import requirements_of
from triform.elements.usable import undeployed
from triform.errors import Suggestion
from triform.runs.call import Call
from triform.runs.mask import Mask
from triform.runs.masks import Masks
from triform.substrates.isolation.checkouts import Checkouts, Placed
from triform.substrates.isolation.gems.store import Bundle, BundleStore
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.outcome import Order

PLATFORM_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",  # noqa: S108 (the sandbox's own, empty at start)
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TMPDIR": "/tmp",  # noqa: S108
}
"""What user code finds in its environment before anything of its own."""

_PLAN_GOOD_S = 10.0
_PLANS_KEPT = 1024

DEFAULT_MEMORY_MB = 128
DEFAULT_TIMEOUT_MS = 30_000
DEFAULT_HANDLER = "handler"


_Key: TypeAlias = tuple[UUID, int, str | None, Bundled | None, tuple[tuple[str, str], ...]]
"""What decides on a plan: the element's version, what a deploy brought along, and what is attached."""


class Image(Protocol):
    """A runtime image: `root` is its file system, `digest` its name for ever."""

    @property
    def digest(self) -> str: ...

    @property
    def root(self) -> Path: ...


class Images(Protocol):
    def find(self, language: Language, pinned: str | None = None) -> Image:
        """The image this language runs in: the one of digest `pinned` while it exists, else the newest.

        Raises a TriformError when there is none on this machine.
        """


@dataclass(frozen=True, slots=True)
class Bounds:
    """The platform's own limits."""

    load_timeout_ms: int
    output_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to load and under which limits; `image` is the digest."""

    type: ElementType
    spec: Mapping[str, Any]
    template: TemplateSpec
    timeout_ms: int
    image: str
    bounds: Bounds
    mask: Mask | None = field(default=None, repr=False)

    def order(self, call: Call, run_id: str) -> Order:
        """What to run in it."""
        element = call.element
        facts = {
            "circle": element.circle_name,
            "element": element.slug,
            "operation": call.operation.name,
            "version": element.version,
        }
        return Order(
            run_id=run_id,
            event=call.body or b"{}",
            timeout_ms=self.timeout_ms,
            output_limit=self.bounds.output_limit,
            facts=facts,
        )


class Planner:
    """Reads a spec through its type's limits; no name of a property is known here."""

    def __init__(
        self,
        languages: Mapping[str, Language],
        images: Images,
        checkouts: Checkouts,
        bounds: Bounds,
        clock: Clock,
        masks: Masks,
        bundles: BundleStore,
    ) -> None:
        self.languages = languages
        self._images = images
        self._code = checkouts.code
        self._checkouts = checkouts
        self._bounds = bounds
        self._clock = clock
        self._masks = masks
        self._bundles = bundles
        self._plans: OrderedDict[_Key, tuple[float, Plan]] = OrderedDict()

    def language(self, element_type: ElementType) -> Language:
        """KeyError for a type whose language has no harness."""
        return self.languages[element_type.language or ""]

    async def plan(self, call: Call) -> Plan:
        """In the runtime image, and with the bundle, that a deploy chose. Raises a TriformError when there is no
        image, a secret value cannot be decrypted, or the bundle or the code is not there.

        A plan is good for a few seconds: then code and image are looked at again, which also keeps them.
        """
        element, now = call.element, self._clock.monotonic()
        attached = tuple(call.environment.items())
        key = (element.id, element.version, element.runtime_image, element.bundled, attached)
        made, plan = self._plans.get(key, (-_PLAN_GOOD_S, None))
        if plan is None or now - made >= _PLAN_GOOD_S:
            plan = self._make(call, await self.placed(call), *self._deployed(call))
            self._plans[key] = (now, plan)
            self._plans.move_to_end(key)
        if len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan

    def image(self, call: Call) -> Image:
        """The newest its language runs in: what a deploy chooses. Raises a TriformError when there is none."""
        return self._images.find(self.language(call.type))

    def plan_deploy(self, call: Call, placed: Placed, image: Image, bundle: Bundle | None) -> Plan:
        """As `plan`, with what this deploy chose."""
        return self._make(call, placed, image, bundle.files if bundle else None)

    async def placed(self, call: Call, fetched: str | None = None) -> Placed:
        """The code in its folder; `fetched` is the commit of another repository to take, None = the deployed one.

        Raises DeployRequired, SourceFileMissing, SourceRefused, SourceTooLarge, SourceUnavailable."""
        element, language = call.element, self.language(call.type)
        source = code_source(call.type, element.spec) or CodeSource(INLINE)
        if source.kind == INLINE:
            return Placed(self._code.put({language.file: (source.code or "").encode()}), language.file)
        entry = source.path or language.file
        if source.kind == FILE:
            return await self._checkouts.of(element, _commit_of(element), entry)
        if fetched is not None:
            return await self._checkouts.of(element, fetched, entry)
        if (refusal := undeployed(call.type, element)) or element.bundled is None:
            raise refusal or DeployRequired
        try:
            return await self._checkouts.of(element, element.bundled.fetched_commit or "", entry)
        except SourceUnavailable as gone:
            raise DeployRequired("The commit that was deployed is not there any more.") from gone

    def _deployed(self, call: Call) -> tuple[Image, Path | None]:
        element, bundled = call.element, call.element.bundled
        pinned, bundle = element.runtime_image, None
        if requirements_of(call.type, element.spec):
            refusal = undeployed(call.type, element)
            if refusal or bundled is None or bundled.bundle is None:
                raise refusal or DeployRequired
            if (bundle := self._bundles.find(bundled.bundle)) is None:
                raise DeployRequired("The bundle of gems that was deployed is not on this machine any more.")
            pinned = bundled.runtime_image
        return self._images.find(self.language(call.type), pinned), bundle.files if bundle else None

    def _environment(self, call: Call, asked: Asked) -> dict[str, str]:
        """The platform's, then what is attached, then the spec's own: the nearer wins."""
        own = {**_texts(asked), **self._masks.secrets.revealed(call.element)}
        return {**PLATFORM_ENVIRONMENT, **call.environment, **own}

    def _make(self, call: Call, placed: Placed, image: Image, bundle: Path | None) -> Plan:
        element, language = call.element, self.language(call.type)
        asked = call.type.limits_of(element.spec)
        template = TemplateSpec(
            language=language.name,
            image=image.root,
            code=placed.folder,
            entry=placed.entry,
            handler=asked.handler or DEFAULT_HANDLER,
            limits=Limits(memory_mb=asked.memory_mb or DEFAULT_MEMORY_MB),
            load_timeout_ms=self._bounds.load_timeout_ms,
            bundle=bundle,
            environment=self._environment(call, asked),
            secrets={name: sealed.digest for name, sealed in element.secrets.items()},
            owner=str(element.id),
        )
        return Plan(
            type=call.type,
            spec=element.spec,
            template=template,
            timeout_ms=asked.timeout_ms or DEFAULT_TIMEOUT_MS,
            image=image.digest,
            bounds=self._bounds,
            mask=self._masks.of(element),
        )


def _commit_of(element: Element) -> str:
    """Raises SourceUnavailable while the repository lacks the version."""
    if element.commit is None:
        raise SourceUnavailable(
            f"Version {element.version} has not been committed to the element's repository.",
            suggestion=Suggestion(
                why="The repository could not be written when the version was made.",
                fix="Let source_repair mend it with dry_run=false, then repeat.",
                op="source_repair",
            ),
        )
    return element.commit


def _texts(asked: Asked) -> dict[str, str]:
    return {name: value for name, value in asked.environment.items() if isinstance(value, str)}
