"""An element as everybody sees it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from triform.circles.model import Actor
from triform.elements.vault import Sealed

DRAFT, DEMO, LIVE = BRANCHES = ("draft", "demo", "live")
"""What is worked on, and what of it was promoted; runs call them environments."""


class State(StrEnum):
    """`disabled` remembers what it was in `Element.enabled_state`; `deleted` is final."""

    ready = "ready"
    deployed = "deployed"
    disabled = "disabled"
    deleted = "deleted"


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a branch of an element's repository stands: at a commit, which holds this version."""

    commit: str
    version: int


@dataclass(frozen=True, slots=True)
class Bundled:
    """What the last deploy up to a version was asked to bundle, the bundle's digest, and the image it is for; what
    it fetched code from, and the commit that this came to."""

    requirements: tuple[str, ...]
    bundle: str | None
    runtime_image: str
    fetched_from: str | None = None
    fetched_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """A declared thing in a circle. `spec` has its defaults filled in; treat it and `meta` as read-only.

    `parent_id` is the containing element (the circle itself at the top); `deployed_version` the version that
    was deployed last; `runtime_image` the image a deploy pinned for this very version, None when none did or
    when the element was read to be changed. `bundled` is what the last deploy, of this or an earlier version,
    brought along. `secrets` are the values, encrypted, that the spec names by digest.
    `graph_revision` says at which state of its circle's connections it was read, 0 when it was read to be changed.
    `branches` has the tips of those of `BRANCHES` that exist; `commit` holds this very version, None while the
    repository lacks it.
    """

    id: UUID
    circle_id: UUID
    circle_name: str
    parent_id: UUID | None
    slug: str
    element_type: str
    name: str
    intention: str
    state: State
    enabled_state: State
    version: int
    spec: Mapping[str, Any]
    meta: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    deployed_version: int | None = None
    runtime_image: str | None = None
    bundled: Bundled | None = None
    secrets: Mapping[str, Sealed] = field(default_factory=dict, repr=False)
    branches: Mapping[str, Tip] = field(default_factory=dict)
    graph_revision: int = 0
    commit: str | None = None

    @property
    def is_circle(self) -> bool:
        return self.id == self.circle_id

    @property
    def path(self) -> str:
        """Where it is reached below `/api`: `acme/greet`, or `acme` for the circle itself."""
        return self.circle_name if self.is_circle else f"{self.circle_name}/{self.slug}"

    def evolve(self, **changes: Any) -> Self:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Version:
    """An entry of an element's history. `spec_digest` is `sha256:<hex>` of the spec's canonical JSON.

    `commit` is None while the repository lacks the version.
    """

    version: int
    created_at: datetime
    actor: Actor
    summary: str
    spec_digest: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a successful deploy pinned for one version: runtime image, and dependencies and a commit, if any."""

    version: int
    deploy_id: UUID
    runtime_image: str
    lock: str | None
    bundle: str | None
    created_at: datetime
    requirements: tuple[str, ...] = ()
    fetched_from: str | None = None
    fetched_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that runs in the runtime image it was deployed with."""

    runtime_image: str
    circle: str
    element: str
    version: int
