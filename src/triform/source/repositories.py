"""Every element's repository, and how versions become commits in it.

<root>/<circle id>/<element id>.git        both ids in hex, so that a slug can be given away
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import structlog

from triform.circles.model import Actor
from triform.elements.errors import SourceMoved, SourceUnavailable
from triform.elements.model import BRANCHES, Element
from triform.elements.source import Brought, Change, Files
from triform.source.errors import SourceTooLarge
from triform.source.layout import Layout
from triform.source.repository import Author, FileTooLarge, Repository

_log = structlog.get_logger()
_NOT_IN_ADDRESSES = re.compile(r"[^A-Za-z0-9._@+-]")
_NOT_IN_NAMES = re.compile(r"[<>\x00-\x1f]")


class Repositories:
    """`elements.Source`: what Postgres says, said again in git."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self._root = root
        self.layout = layout

    def of(self, element: Element) -> Repository:
        """The element's repository, whether it is there or not."""
        return Repository(self._root / element.circle_id.hex / f"{element.id.hex}.git")

    async def commit(
        self, changes: Sequence[Change], onto: str | None, brought: Brought | None = None
    ) -> list[str]:
        return await asyncio.to_thread(self._commit, changes, onto, brought)

    def point(self, element: Element, branch: str, commit: str) -> None:
        try:
            self.of(element).point(branch, commit)
        except SourceUnavailable as error:
            _log.warning("branch_not_moved", element_id=str(element.id), branch=branch, detail=error.detail)

    async def read(self, files: Files, path: str, most: int) -> bytes | None:
        repository = self.of(files.element)
        view = repository.beside(files.waiting) if files.waiting else repository
        try:
            return await asyncio.to_thread(view.read, files.commit, path, most)
        except FileTooLarge as error:
            told = f"{path} has {error.size} bytes; code has at most {most}."
            raise SourceTooLarge(told, suggestion=SourceTooLarge.to_run) from error

    def _commit(self, changes: Sequence[Change], onto: str | None, brought: Brought | None) -> list[str]:
        repository = self.of(changes[0].element)
        if onto is None:
            repository.create()
        if brought is not None:
            if brought.onto is not None and (brought.onto != onto or len(changes) > 1):
                raise SourceMoved
            repository.take_in(brought.folder)
            if brought.onto is not None:
                return [brought.commit]
        commits: list[str] = []
        for change in changes:
            came = brought.commit if brought and change is changes[-1] else None
            commits.append(self.version(repository, change, onto, came))
            onto = commits[-1]
        return commits

    def version(self, repository: Repository, change: Change, onto: str | None, came: str | None = None) -> str:
        """The commit of a version on top of another one: the same again for the same version.

        `came` is a second parent, whose files are taken.
        """
        return repository.commit(
            self.layout.files(change.element),
            [parent for parent in (onto, came) if parent],
            author_of(change.actor, change.element.circle_name),
            change.element.updated_at,
            f"{change.summary}\n\nTriform-Version: {change.element.version}\n",
            change.files_of,
        )

    def follow(self, element: Element) -> Repository:
        """The repository, its branches where Postgres says. Blocks; raises SourceUnavailable."""
        repository = self.of(element)
        present = repository.branches()
        for branch in BRANCHES:
            tip = element.branches.get(branch)
            if present.get(branch) != (tip.commit if tip else None):
                repository.point(branch, tip.commit if tip else None)
        return repository


def author_of(actor: Actor, circle: str) -> Author:
    """Somebody who acted, as git names people; the address leads nowhere unless it was one already."""
    address = _NOT_IN_ADDRESSES.sub("-", actor.id.replace("/", "."))
    name = _NOT_IN_NAMES.sub("", actor.id).strip() or address
    return Author(name, address if "@" in address else f"{address}@{circle}.triform.invalid")
