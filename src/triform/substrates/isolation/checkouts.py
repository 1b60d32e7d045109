"""Code that lies in repositories, as folders that sandboxes see: one for each tree of a circle."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from triform.elements.model import Element
from triform.errors import Suggestion
from triform.source.checkout import check_out
from triform.source.errors import SourceFileMissing
from triform.source.repositories import Repositories
from triform.substrates.isolation.code import CodeStore


@dataclass(frozen=True, slots=True)
class Placed:
    """Code in a folder of the host; `entry` is the file that is loaded."""

    folder: Path
    entry: str


@dataclass(frozen=True, slots=True)
class Checkouts:
    """Each is made once for all who wait for it; that goes on when one of them is called off."""

    code: CodeStore
    repositories: Repositories
    _making: dict[tuple[UUID, str], "asyncio.Task[Path]"] = field(default_factory=dict)

    async def of(self, element: Element, commit: str, entry: str) -> Placed:
        """Raises SourceFileMissing, SourceRefused, SourceTooLarge, SourceUnavailable."""
        folder = await asyncio.shield(self._task(element, commit))
        if not await asyncio.to_thread(_is_there, folder, entry):
            raise SourceFileMissing(
                f"There is no file {entry} at commit {commit[:12]}.", suggestion=_way_out(element, commit, entry)
            )
        return Placed(folder, entry)

    def _task(self, element: Element, commit: str) -> "asyncio.Task[Path]":
        key = (element.id, commit)
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(asyncio.to_thread(self._checked_out, element, commit))
            task.add_done_callback(partial(self._made, key))
        return task

    def _made(self, key: tuple[UUID, str], task: "asyncio.Task[Path]") -> None:
        del self._making[key]
        if not task.cancelled():
            task.exception()  # of a task nobody waits for any more

    def _checked_out(self, element: Element, commit: str) -> Path:
        """A circle's own, whatever the tree is called: what one of them can forge is no other's."""
        repository = self.repositories.of(element)
        name = f"{element.circle_id.hex}-{repository.tree(commit)}"
        return self.code.kept(name, partial(check_out, repository, commit))


def _is_there(folder: Path, entry: str) -> bool:
    """No link is in a checkout, so that a name without steps upwards stays in it."""
    return ".." not in entry.split("/") and not entry.startswith("/") and (folder / entry).is_file()


def _way_out(element: Element, commit: str, entry: str) -> Suggestion:
    """A commit that is not the element's own version comes from another repository."""
    push = f"Push {entry} to draft of {element.path} (source_status tells how), or correct source.path."
    own = commit == element.commit
    return Suggestion(
        why="The spec says that the code is in this file, and there is none of that path.",
        fix=push if own else f"Commit {entry} to source.repository and deploy, or correct source.path.",
        op="source_status" if own else "update",
    )
