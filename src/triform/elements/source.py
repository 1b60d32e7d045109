"""The git repository of an element, as far as this room has to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from triform.circles.model import Actor
from triform.elements.model import Element


@dataclass(frozen=True, slots=True)
class Change:
    """A version and how it came about: `element` as it was then, at the time of the change in `updated_at`.

    `commit` is the one that holds it already, if any.
    """

    element: Element
    actor: Actor
    summary: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """A commit somebody made that comes with a change; its objects wait in `folder`, on the repositories' disk.

    `onto` given: it becomes the version as it stands, if draft is still at `onto`. Else the version is a commit
    with all its files, and it is one of its parents.
    """

    commit: str
    folder: Path
    summary: str
    onto: str | None = None


class Source(Protocol):
    """Keeps what elements were in git. Postgres has the truth; this can be behind it, never ahead."""

    async def commit(
        self, changes: Sequence[Change], onto: str | None, brought: Brought | None = None
    ) -> list[str]:
        """Commits the changes of one element in order, on top of `onto` (None = nothing yet); their ids.

        `brought` comes with the last one. No branch moves. Raises SourceUnavailable, and SourceMoved when
        `brought` was to be put on another commit than `onto`.
        """

    def point(self, element: Element, branch: str, commit: str) -> None:
        """Moves a branch to where Postgres says it is; what goes wrong is mended at the next look."""
