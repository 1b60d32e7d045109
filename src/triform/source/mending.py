"""Writes again what a repository has lost, from what Postgres knows. Blocks.

A version whose commit can be made again gets the very same one, by its time, author and files. One that cannot
(files that only git had) gets a new commit on what is left, and everything after it follows: its id changes too.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from triform.elements.errors import SourceUnavailable
from triform.elements.model import DRAFT, Element, Tip
from triform.elements.source import Change
from triform.source.inspection import Inspection
from triform.source.repositories import Repositories


@dataclass
class Mended:
    """What is recorded after: the commit of each version that got another one, and the branches."""

    commits: dict[int, str] = field(default_factory=dict)
    branches: dict[str, Tip] = field(default_factory=dict)
    rewritten_from: int | None = None
    """The first version whose commit is another one now; clones from before do not continue."""


class Mending:
    """Of a repository that is there and has nothing damaged in it, though it may lack things."""

    def __init__(self, repositories: Repositories, element: Element, changes: Sequence[Change]) -> None:
        self._repositories = repositories
        self._repository = repositories.of(element)
        self._look = Inspection(self._repository)
        self._element = element
        self._changes = changes
        self._mended = Mended()

    def mend(self) -> Mended:
        """Raises SourceUnavailable."""
        commits: dict[int, str] = {}
        onto: str | None = None
        for change in self._changes:
            onto = commits[change.element.version] = self._kept(change, onto) or self._anew(change, onto)
        for branch, tip in {DRAFT: None, **self._element.branches}.items():
            self._mended.branches[branch] = self._stands(branch, tip, commits)
        return self._mended

    def _kept(self, change: Change, onto: str | None) -> str | None:
        """The version's own commit, if it can be read, or can be once its files have been written again."""
        if change.commit is None or self._mended.rewritten_from is not None:
            return None
        if self._look.fault(change.commit) is None:
            return change.commit
        for parent in {self._parent(change.commit), onto}:
            with suppress(SourceUnavailable):  # What is missing below the parent stays missing.
                self._repositories.version(self._repository, change, parent)
        return change.commit if self._look.fault(change.commit) is None else None

    def _anew(self, change: Change, onto: str | None) -> str:
        """Another commit for the version: with all its files if they can be read, else with those we know."""
        if change.commit is not None and self._mended.rewritten_from is None:
            self._mended.rewritten_from = change.element.version
        if change.commit is not None and self._look.fault_of_files(change.commit) is None:
            commit = self._repository.transplant(change.commit, onto)
        else:
            commit = self._repositories.version(self._repository, change, onto)
        self._mended.commits[change.element.version] = commit
        return commit

    def _parent(self, commit: str) -> str | None:
        with suppress(SourceUnavailable):
            history = self._repository.history(commit, 2)
            return history[1] if len(history) > 1 else None
        return None

    def _stands(self, branch: str, tip: Tip | None, commits: dict[int, str]) -> Tip:
        """Where a branch stood, if that is still whole; else at its version, with the files it had there."""
        version = self._element.version if tip is None or branch == DRAFT else tip.version
        if tip is None or tip.version != version:
            return Tip(commits[version], version)
        followed = branch == DRAFT and self._mended.rewritten_from is not None
        if not followed and self._look.fault(tip.commit) is None:
            return tip
        own = tip.commit != self._recorded(version)
        if own and self._look.fault_of_files(tip.commit) is None:
            return Tip(self._repository.transplant(tip.commit, commits[version]), version)
        return Tip(commits[version], version)

    def _recorded(self, version: int) -> str | None:
        return next((change.commit for change in self._changes if change.element.version == version), None)
