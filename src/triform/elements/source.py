"""The git repository of an element, as far as this room has to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from triform.circles.model import Actor
from triform.elements.model import DRAFT, Element


@dataclass(frozen=True, slots=True)
class Change:
    """A version and how it came about: `element` as it was then, at the time of the change in `updated_at`.

    `commit` is the one that holds it already, if any; `files_of` the one whose files it has beside its own, where
    these are not those of the version before.
    """

    element: Element
    actor: Actor
    summary: str
    commit: str | None = None
    files_of: str | None = None


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


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a commit of the element; objects that its repository has not got yet lie in `waiting`."""

    element: Element
    commit: str
    waiting: Path | None = None


def files_with(element: Element, brought: Brought | None) -> Files | None:
    """Those of a change: brought along, or else as draft has them. None before there is a draft."""
    if brought is not None:
        return Files(element, brought.commit, brought.folder)
    tip = element.branches.get(DRAFT)
    return Files(element, tip.commit) if tip else None


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

    async def read(self, files: Files, path: str, most: int) -> bytes | None:
        """A file, None when there is none of this path. Raises SourceUnavailable, SourceTooLarge."""
