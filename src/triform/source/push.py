"""A push: judged as a whole before anything of it is kept. Whoever made it hears why not, in git's own way.

commands ─▶ policy ─▶ receive-pack in a scratch repository ─▶ intake ─▶ the files as a change of the element
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from triform.elements.model import DEMO, DRAFT, LIVE, Element
from triform.elements.source import Brought
from triform.errors import TriformError
from triform.runs.masks import Masks
from triform.source.confinement import REPOSITORY, SCRATCH, Room
from triform.source.git import Git, GitFailed
from triform.source.intake import Arrival, Intake
from triform.source.looking import known_to
from triform.source.pktline import NONE, Command, PushHead, report
from triform.source.repositories import Repositories
from triform.source.repository import Repository, lay_out

DRAFT_REF = f"refs/heads/{DRAFT}"
_LONGEST_SUMMARY = 200
_MOST_REPORT = 1 << 20
MOST_READ = 2 << 20
"""Bytes of a file that says what an element is."""
_WHY = ("Only draft takes pushes, and only forward. Promote with the source_promote operation.",)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A push that may become a version: `change` is the input of the update it stands for."""

    brought: Brought
    change: dict[str, Any]


class PushRefused(Exception):
    """Nothing of the push is kept; `answer` is what git is told."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("refused")
        self.answer = answer


class Pushes:
    """`limit` is the most bytes of a pack."""

    def __init__(self, git: Git, repositories: Repositories, masks: Masks, limit: int) -> None:
        self._git = git
        self._repositories = repositories
        self._masks = masks
        self._intake = Intake(git)
        self.limit = limit

    @asynccontextmanager
    async def judged(
        self, element: Element, repository: Repository, head: PushHead, body: Path
    ) -> AsyncIterator[Incoming]:
        """The push in the file `body`, which waits as long as the block lasts. Raises PushRefused."""
        refusals = policy(head.commands, element.branches[DRAFT].commit)
        if refusals:
            raise PushRefused(report(head.capabilities, refusals, _WHY))
        with self._git.scratch() as scratch:
            try:
                yield await self._judged(element, repository, head, body, scratch)
            except (TriformError, GitFailed) as error:
                raise PushRefused(refusal(head, error)) from error

    async def _judged(
        self, element: Element, repository: Repository, head: PushHead, body: Path, scratch: Path
    ) -> Incoming:
        onto, place = element.branches[DRAFT].commit, scratch / "git"
        await asyncio.to_thread(_copy_of_draft, place, onto)
        room = Room(repository.folder, place)
        commit = await self._received(room, place, onto, head, body)
        arrival = Arrival(room, SCRATCH, commit, onto, scratch / "waiting")
        await self._intake.take(arrival, repository, known_to(self._masks, element), DRAFT)
        view = repository.beside(arrival.waiting)
        read: Callable[[str], bytes | None] = partial(view.read, commit, most=MOST_READ)
        change = await asyncio.to_thread(self._repositories.layout.change, element, read)
        summary = summary_of(await asyncio.to_thread(view.subject, commit))
        return Incoming(Brought(commit, arrival.waiting, summary, onto), change)

    async def _received(self, room: Room, place: Path, onto: str, head: PushHead, body: Path) -> str:
        """Lets git unpack and check the pack; the commit that draft moved to."""
        done = await self._git.run(
            "-c", f"receive.maxInputSize={self.limit}",
            "-c", "receive.hideRefs=refs/", "-c", f"receive.hideRefs=!{DRAFT_REF}",
            "receive-pack", "--stateless-rpc", SCRATCH,
            room=room, stdin=body, most=_MOST_REPORT,
        )  # fmt: skip
        said = done.read()
        moved = (place / DRAFT_REF).read_text().strip()
        if moved == head.commands[0].new and moved != onto:
            return moved
        if done.status == 0 and said:
            raise PushRefused(said)
        raise GitFailed("the push cannot be unpacked", done.said)


def policy(commands: Sequence[Command], onto: str) -> list[tuple[str, str]]:
    """Refusals by reference; empty when there is exactly one thing to do: draft goes on from where it is."""
    reasons = [(command.ref, _objection(command, onto)) for command in commands]
    if len(commands) == 1 and not reasons[0][1]:
        return []
    return [(ref, reason or "refused with the rest of the push") for ref, reason in reasons]


def refusal(head: PushHead, error: TriformError | GitFailed) -> bytes:
    """What git is told of an error: the reason on the reference's line, the rest above it."""
    if isinstance(error, GitFailed):
        return report(head.capabilities, [(DRAFT_REF, str(error))], [])
    told = [each.message if not each.pointer else f"{each.pointer}: {each.message}" for each in error.errors]
    if error.suggestion is not None:
        told.append(f"{error.suggestion.why} {error.suggestion.fix}")
    return report(head.capabilities, [(DRAFT_REF, error.message)], told)


def _objection(command: Command, onto: str) -> str:
    if command.ref != DRAFT_REF:
        branch = command.ref.removeprefix("refs/heads/")
        moved = branch in (DEMO, LIVE)
        return f"{branch} is moved by source_promote, not by a push" if moved else "only draft takes pushes"
    if command.new == NONE:
        return "draft cannot be deleted"
    return "" if command.old == onto else "draft has moved on; fetch first"


def _copy_of_draft(place: Path, onto: str) -> None:
    """A repository without anything of its own but draft."""
    place.mkdir(parents=True)
    lay_out(place, Path(REPOSITORY) / "objects")
    (place / DRAFT_REF).write_text(f"{onto}\n")


def summary_of(subject: str) -> str:
    """A commit's subject as the history's one line."""
    shown = " ".join("".join(each if each.isprintable() else " " for each in subject).split())
    return shown[:_LONGEST_SUMMARY] or "pushed"
