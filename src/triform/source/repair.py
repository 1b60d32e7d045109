"""`source_repair`: looks for damage in an element's repository; mends it when told to."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from triform.elements.cache import ElementCache
from triform.elements.model import DRAFT, Element
from triform.elements.request import flag
from triform.elements.show import event_json
from triform.elements.source import Change
from triform.elements.store import ElementStore
from triform.errors import NotFound
from triform.reply import Reply
from triform.runs.call import Call
from triform.source import inspection
from triform.source.git import Git
from triform.source.inspection import Inspection
from triform.source.looking import branches_json
from triform.source.mending import Mended, Mending
from triform.source.repositories import Repositories
from triform.source.repository import Repository
from triform.source.unpacking import packs, unpack
from triform.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Damage:
    """`kind` is one word; `mend` says what mending does about it."""

    kind: str
    where: str
    detail: str
    mend: str


class SourceRepair:
    """`{dry_run?=true}` → `report`. The element is kept from being changed meanwhile."""

    def __init__(self, git: Git, repositories: Repositories, store: ElementStore, cache: ElementCache) -> None:
        self._git = git
        self._repositories = repositories
        self._store = store
        self._cache = cache

    async def __call__(self, call: Call, tx: Transaction) -> Reply:
        """Raises SourceUnavailable when not even a new repository can be written."""
        element = await self._store.lock(tx, call.element.circle_id, call.element.id)
        if element is None:
            raise NotFound
        changes = await self._store.changes_after(tx, element, 0)
        repository = self._repositories.of(element)
        found = await asyncio.to_thread(damage, repository, element, changes)
        if flag(call, "dry_run", True) or not found:
            return Reply(_report(element, found, dry_run=flag(call, "dry_run", True)))
        if packs(repository):
            await unpack(self._git, repository)
        mended = await asyncio.to_thread(self._mend, element, changes)
        element = await self._record(tx, element, mended)
        return Reply(
            {**_report(element, found, dry_run=False), "rewritten_from": mended.rewritten_from},
            events=(("element.source_repaired", event_json(element)),),
            after_commit=(
                partial(self._cache.forget, element.id),
                *(partial(self._repositories.point, element, b, t.commit) for b, t in element.branches.items()),
            ),
        )

    def _mend(self, element: Element, changes: Sequence[Change]) -> Mended:
        repository = self._repositories.of(element)
        tidy(repository)
        return Mending(self._repositories, element, changes).mend()

    async def _record(self, tx: Transaction, element: Element, mended: Mended) -> Element:
        for version, commit in mended.commits.items():
            await self._store.set_commit(tx, element.id, version, commit)
        for branch, tip in mended.branches.items():
            await self._store.set_tip(tx, element.id, branch, tip)
        return element.evolve(branches=mended.branches)


def damage(repository: Repository, element: Element, changes: Sequence[Change]) -> list[Damage]:
    """Everything that is not as it must be; blocks."""
    if not repository.exists:
        return [Damage("missing", "", "there is no repository", "make it, and commit every version again")]
    return [
        *_in_folder(repository),
        *_in_history(Inspection(repository), element, changes),
        *_in_branches(repository, element),
    ]


def _in_folder(repository: Repository) -> Iterator[Damage]:
    for place in inspection.foreign(repository):
        yield Damage("foreign", _named(repository, place), "does not belong here", "remove it")
    for place in packs(repository):
        yield Damage("packed", _named(repository, place), "is not read here", "take it apart")
    for name in inspection.changed_settings(repository):
        yield Damage("settings", name, "is not as it was made", "write it again")
    for place in inspection.damaged_objects(repository):
        yield Damage("object", _named(repository, place), "does not hold what its name says", "set it aside")


def tidy(repository: Repository) -> None:
    """A sound empty place around what can still be read; blocks."""
    if not repository.exists and repository.folder.exists():
        aside = tempfile.mkdtemp(prefix=f"{repository.folder.stem}.damaged-", dir=repository.folder.parent)
        repository.folder.rename(Path(aside) / repository.folder.name)
    repository.create()
    for place in list(inspection.foreign(repository)):
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
    repository.settle()
    for place in list(inspection.damaged_objects(repository)):
        inspection.set_aside(repository, place)


def _in_history(look: Inspection, element: Element, changes: Sequence[Change]) -> Iterator[Damage]:
    for change in changes:
        version = f"version {change.element.version}"
        if change.commit is None:
            yield Damage("uncommitted", version, "has no commit", "commit it")
        elif (fault := look.fault(change.commit)) is not None:
            yield Damage("unreadable", version, fault, "write its commit again")
    for branch, tip in element.branches.items():
        if (fault := look.fault(tip.commit)) is not None:
            yield Damage("unreadable", branch, fault, "let it stand at what can be read")


def _in_branches(repository: Repository, element: Element) -> Iterator[Damage]:
    present = repository.branches()
    for branch in {DRAFT, *present, *element.branches}:
        tip = element.branches.get(branch)
        if present.get(branch) != (tip.commit if tip else None):
            stands = f"stands at {present[branch]}" if branch in present else "is not there"
            yield Damage("branch", branch, stands, f"let it stand at {tip.commit}" if tip else "remove it")


def _named(repository: Repository, place: Path) -> str:
    return str(place.relative_to(repository.folder))


def _report(element: Element, found: Sequence[Damage], *, dry_run: bool) -> dict[str, Any]:
    listed = [{"kind": one.kind, "where": one.where, "detail": one.detail, "mend": one.mend} for one in found]
    return {
        "dry_run": dry_run,
        "healthy": not found,
        "report": listed,
        "mended": bool(found) and not dry_run,
        "rewritten_from": None,
        "branches": branches_json(element),
    }
