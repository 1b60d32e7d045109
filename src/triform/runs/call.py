"""The one thing that travels: a request as the executor sees it, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from triform.chemistry.catalogue import ElementType, Operation
from triform.circles.model import Principal
from triform.elements.model import DRAFT, Element
from triform.elements.source import Brought
from triform.runs.model import Trigger


@dataclass(frozen=True, slots=True)
class Preference:
    """RFC 7240. `respond_async`: answer 202 at once; `wait_s`: answer 202 after so many seconds."""

    respond_async: bool = False
    wait_s: float | None = None

    @property
    def wanted(self) -> bool:
        return self.respond_async or self.wait_s is not None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An operation on an element, asked for by a principal.

    `input` is decoded (unwrapped, stripped of internal keys); `body` is the same as JSON bytes, exactly as
    the handler will see it. `arguments` come from the path (`run_id`) and, for GET, the query. `traceparent` is
    the span of this very operation. `element` is at the version that `env` holds; `asked_env` is what the caller
    named, None = wherever calls go; `asked_version` a version they named instead.
    `through` are the projects in the address, from the outside in, and `frozen` what these have promoted of the
    element, by environment. `run_id` is that of the run this
    call becomes, if it leaves one. `replay_of` is the run it repeats, `batch` the run of what it is
    repeated with, `asked` the call that asked for that: an
    idempotency key belongs to it. `secrets` are the secret values that came with a spec, by name; input and
    body have no more than their digests. `environment` are the variables that what is attached to the element
    gives its runs. `brought` is the commit that an update came with. `origin` is how the
    caller addressed this server, such as `http://localhost:8743`.
    """

    principal: Principal
    element: Element
    type: ElementType
    operation: Operation
    input: Any
    body: bytes
    received_at: datetime
    arguments: Mapping[str, str] = msgspec.field(default_factory=dict)
    trigger: Trigger = "http"
    env: str = DRAFT
    asked_env: str | None = None
    asked_version: int | None = None
    through: tuple[str, ...] = ()
    frozen: Mapping[str, int] = msgspec.field(default_factory=dict)
    run_id: UUID | None = None
    replay_of: UUID | None = None
    batch: UUID | None = None
    asked: "Call | None" = None
    prefer: Preference = Preference()
    idempotency_key: str | None = None
    if_match: int | None = None
    trace_id: str = ""
    traceparent: str = ""
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)
    brought: Brought | None = None
    origin: str = ""

    def __repr__(self) -> str:
        """Nothing of what users sent: it may be secret."""
        return f"Call({self.operation.name} of {self.element.path}, run {self.run_id})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for tracebacks that show locals, which would list every member of a struct."""
        return [("operation", self.operation.name), ("element", self.element.path), ("run_id", self.run_id)]

    def evolve(self, **changes: Any) -> Self:
        return msgspec.structs.replace(self, **changes)

    @property
    def pinned(self) -> int | None:
        """The version that runs whatever else the element has come to; None = where its environment stands."""
        return self.frozen.get(self.env) if self.asked_version is None else self.asked_version

    def argument(self, name: str, default: Any = None) -> Any:
        """A path argument, else the input's member of that name (the uniform POST door), else `default`."""
        if name in self.arguments:
            return self.arguments[name]
        return self.input.get(name, default) if isinstance(self.input, dict) else default
