"""Takes in commits that came from outside: object by object, each held against its name and the rules.

git has unpacked them in a scratch repository, confined. No file it wrote is taken as it is: contents come through
a pipe, are named again here, and wait in a folder of their own until the transaction that makes them a version.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from triform.errors import Suggestion
from triform.source import rules, spec_file
from triform.source.checkout import files_of
from triform.source.confinement import Room
from triform.source.errors import SourceRefused, SourceTooLarge
from triform.source.git import Git, WroteTooMuch
from triform.source.objects import BLOB, TREE, Damaged, New, Objects, parsed_tree
from triform.source.repository import Repository
from triform.source.rules import Problem
from triform.source.validate import Known, in_spec, problems_of

MOST_OBJECTS = 20_000
_LISTED = MOST_OBJECTS * (42 + 100)
_PER_HEADER = 64
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Arrival:
    """Commits in a scratch repository, from `old` (None: from the beginning) to `new`.

    `place` is where git sees it; `waiting` the folder of objects they are to be put in.
    """

    room: Room
    place: str
    new: str
    old: str | None
    waiting: Path


class Intake:
    def __init__(self, git: Git) -> None:
        self._git = git

    async def take(self, arrival: Arrival, repository: Repository, known: Known | None, branch: str) -> None:
        """Afterwards all that is new lies in `waiting`. `known` None: somebody else's files, which need no
        more than to fit on a disk. Raises SourceRefused, SourceTooLarge, SourceUnavailable, GitFailed."""
        named = await self._listed(arrival)
        contents = await self._contents(arrival, list(named))
        view = repository.beside(arrival.waiting)
        problems = await asyncio.to_thread(_judged, contents, named, arrival, view, known)
        if problems:
            raise (SourceRefused.for_problems if known else SourceRefused.to_run)(branch, problems)

    async def _listed(self, arrival: Arrival) -> dict[str, str]:
        """The new objects, each with a path it is found at."""
        until = ["--not", arrival.old] if arrival.old else []
        try:
            told = await self._git.output(
                "--git-dir", arrival.place, "rev-list", "--objects", arrival.new, *until,
                room=arrival.room, most=_LISTED,
            )  # fmt: skip
        except WroteTooMuch as much:
            raise _too_much(f"more than {MOST_OBJECTS} objects") from much
        lines = [line.partition(b" ") for line in told.splitlines()]
        if len(lines) > MOST_OBJECTS:
            raise _too_much(f"more than {MOST_OBJECTS} objects")
        return {name.decode(): path.decode("utf-8", "replace") for name, _, path in lines}

    async def _contents(self, arrival: Arrival, names: Sequence[str]) -> IO[bytes]:
        try:
            done = await self._git.run(
                "--git-dir", arrival.place, "cat-file", "--batch", "--buffer",
                room=arrival.room,
                stdin="".join(f"{name}\n" for name in names).encode(),
                most=rules.MOST_BYTES + _PER_HEADER * len(names),
            )  # fmt: skip
        except WroteTooMuch as much:
            raise _too_much(f"more than {rules.MOST_BYTES} bytes in all") from much
        return done.output


def _judged(
    contents: IO[bytes], named: dict[str, str], arrival: Arrival, view: Repository, known: Known | None
) -> list[Problem]:
    try:
        problems = rules.first(_stored(contents, named, arrival.waiting, known))
    except Damaged as error:
        return [Problem("unreadable", "", str(error))]
    finally:
        contents.close()
    if known is not None:
        return problems or problems_of(view, arrival.new, known)
    if not problems:
        files_of(view, arrival.new)
    return problems


def _stored(contents: IO[bytes], named: dict[str, str], waiting: Path, known: Known | None) -> Iterator[Problem]:
    """Writes every object down, and says what is wrong with it wherever in the history it lies."""
    objects, batch = Objects(waiting), list[New]()
    for name, path in named.items():
        new = _next(contents, name)
        yield from _problems(new, path, known)
        batch.append(new)
        if len(batch) == _BATCH:
            objects.write(batch)
            batch.clear()
    objects.write(batch)


def _next(contents: IO[bytes], name: str) -> New:
    """The object that comes next; raises Damaged when it is another than was asked for."""
    header = contents.readline(_PER_HEADER).decode("ascii", "replace").split()
    if len(header) != 3 or header[0] != name or not header[2].isdigit():
        raise Damaged(f"object {name} is missing")
    new = New(header[1], contents.read(int(header[2])))
    if contents.read(1) != b"\n" or new.name != name:
        raise Damaged(f"object {name} is not what its name says")
    return new


def _problems(new: New, path: str, known: Known | None) -> Iterator[Problem]:
    if new.kind == TREE:
        for entry in parsed_tree(new.name, new.data):
            place = f"{path}/{entry.name}".lstrip("/")
            if (wrong := rules.in_name(entry.name.encode())) is not None:
                yield Problem("path", place, f"cannot be called so: {wrong}")
            if not entry.is_folder and (wrong := rules.in_mode(entry.mode)) is not None:
                yield Problem("mode", place, wrong)
    elif new.kind == BLOB:
        yield from rules.in_size(path, len(new.data))
        if known is None:
            return
        yield from rules.in_path(path)
        yield from rules.in_content(path, new.data, known)
        if path == spec_file.PATH:
            yield from in_spec(new.data)


def _too_much(what: str) -> SourceTooLarge:
    return SourceTooLarge(
        f"What is new has {what}.",
        suggestion=Suggestion(
            why="Everything that comes in is unpacked, read and judged before any of it is kept.",
            fix="Leave out what code does not need to run; push a long history in several steps.",
        ),
    )
