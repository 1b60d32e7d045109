"""From a call to what a driver and a run need to know; remembered for a few seconds."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from triform.chemistry.element_type import ElementType
from triform.chemistry.model import Limits as Asked
from triform.clock import Clock
from triform.runs.call import Call
from triform.runs.mask import Mask
from triform.runs.masks import Masks
from triform.substrates.isolation.code import CodeStore
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
        code: CodeStore,
        bounds: Bounds,
        clock: Clock,
        masks: Masks,
    ) -> None:
        self.languages = languages
        self._images = images
        self._code = code
        self._bounds = bounds
        self._clock = clock
        self._masks = masks
        self._plans: OrderedDict[tuple[UUID, int, str | None], tuple[float, Plan]] = OrderedDict()

    def language(self, element_type: ElementType) -> Language:
        """KeyError for a type whose language has no harness."""
        return self.languages[element_type.language or ""]

    def plan(self, call: Call, pinned: str | None = None) -> Plan:
        """`pinned`: the runtime image a deploy chose. Raises a TriformError when there is no image, or a secret
        value cannot be decrypted.

        A plan is good for a few seconds: then code and image are looked at again, which also keeps them.
        """
        key, now = (call.element.id, call.element.version, pinned), self._clock.monotonic()
        made, plan = self._plans.get(key, (-_PLAN_GOOD_S, None))
        if plan is None or now - made >= _PLAN_GOOD_S:
            plan = self._make(call, pinned)
            self._plans[key] = (now, plan)
            self._plans.move_to_end(key)
        if len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan

    def _make(self, call: Call, pinned: str | None) -> Plan:
        element, language = call.element, self.language(call.type)
        asked, image = call.type.limits_of(element.spec), self._images.find(language, pinned)
        template = TemplateSpec(
            language=language.name,
            image=image.root,
            code=self._code.put({language.file: (asked.source.get("code") or "").encode()}),
            entry=language.file,
            handler=asked.handler or DEFAULT_HANDLER,
            limits=Limits(memory_mb=asked.memory_mb or DEFAULT_MEMORY_MB),
            load_timeout_ms=self._bounds.load_timeout_ms,
            environment={**PLATFORM_ENVIRONMENT, **_texts(asked), **self._masks.secrets.revealed(element)},
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


def _texts(asked: Asked) -> dict[str, str]:
    return {name: value for name, value in asked.environment.items() if isinstance(value, str)}
