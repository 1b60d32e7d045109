"""A commit of another repository, brought into the element's own: without history, judged file by file.

where the ref stands ─▶ may it change? ─▶ a pack, as a file ─▶ git unpacks it, confined ─▶ intake ─▶ objects
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from triform.elements.code_source import CodeSource
from triform.elements.model import Element
from triform.source import refusals
from triform.source.checkout import too_large
from triform.source.confinement import SCRATCH, Room
from triform.source.git import Git, GitFailed
from triform.source.hosts import Hosts
from triform.source.inspection import Inspection
from triform.source.intake import Arrival, Intake
from triform.source.present import Present
from triform.source.remote import Remote
from triform.source.repository import Repository, lay_out

_SECONDS = 180.0


class Fetching:
    """`limit` is the most bytes of a pack."""

    def __init__(self, git: Git, present: Present, hosts: Hosts, limit: int) -> None:
        self._git = git
        self._intake = Intake(git)
        self._present = present
        self._hosts = hosts
        self._limit = limit

    async def fetch(
        self,
        element: Element,
        source: CodeSource,
        free: Callable[[str], Awaitable[None]],
        told: Callable[[str], None],
    ) -> str:
        """The commit, all of whose files are in the element's repository now. `free` is asked before anything is
        brought, and may refuse by raising; `told` hears of progress.

        Raises SourceNotFetched, SourceUnreachable, SourceRefused, SourceTooLarge, SourceUnavailable, NotFound.
        """
        _, repository = await self._present.of(element)
        remote = Remote.named(source.repository, self._hosts, self._limit)
        try:
            async with asyncio.timeout(_SECONDS):
                commit = await remote.find(source.ref)
                await free(commit)
                if source.ref == commit or not await asyncio.to_thread(_has, repository, commit):
                    told(f"fetching {commit[:12]}")
                    await self._bring(remote, commit, repository)
        except TimeoutError:
            raise refusals.unreachable(remote.url.host, f"it takes longer than {_SECONDS:.0f} s") from None
        return commit

    async def _bring(self, remote: Remote, commit: str, repository: Repository) -> None:
        with self._git.scratch() as scratch:
            pack, place = scratch / "pack", scratch / "git"
            await remote.pack(commit, pack)
            await asyncio.to_thread(_empty, place, commit)
            await self._unpack(remote.url.host, commit, pack, Room(scratch=place))
            arrival = Arrival(Room(scratch=place), SCRATCH, commit, None, scratch / "waiting")
            try:
                await self._intake.take(arrival, repository, None, f"commit {commit[:12]}")
            except GitFailed:
                raise too_large() from None
            await asyncio.to_thread(repository.take_in, arrival.waiting)

    async def _unpack(self, host: str, commit: str, pack: Path, room: Room) -> None:
        most = f"--max-input-size={self._limit}"
        try:
            await self._git.output(
                "--git-dir", SCRATCH, "index-pack", "--stdin", "--strict", most, room=room, stdin=pack
            )
            kind = await self._git.output("--git-dir", SCRATCH, "cat-file", "-t", commit, room=room)
        except GitFailed:
            raise refusals.unpackable(host) from None
        if kind.strip() != b"commit":
            raise refusals.no_commit(host, commit)


def _has(repository: Repository, commit: str) -> bool:
    """Whether all files of a commit are there already."""
    return Inspection(repository).fault_of_files(commit) is None


def _empty(place: Path, commit: str) -> None:
    """A repository that knows not to look for what came before the commit."""
    place.mkdir(parents=True)
    lay_out(place)
    (place / "shallow").write_text(f"{commit}\n")
