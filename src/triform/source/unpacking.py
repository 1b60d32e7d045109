"""Packs in a repository of ours: somebody ran `git gc`. They are taken apart again, as far as they can be read."""

import asyncio
from pathlib import Path

from triform.elements.errors import SourceUnavailable
from triform.source.confinement import SCRATCH, Room
from triform.source.git import Git, GitFailed
from triform.source.objects import Damaged, New, Objects, TooLarge
from triform.source.repository import Repository, lay_out


def packs(repository: Repository) -> list[Path]:
    """Packs, and what lies beside them."""
    return sorted((repository.folder / "objects" / "pack").glob("*"))


async def unpack(git: Git, repository: Repository) -> None:
    """Afterwards there are none. Raises SourceUnavailable."""
    found = await asyncio.to_thread(packs, repository)
    for place in found:
        if place.suffix == ".pack":
            try:
                await _unpack(git, repository, place)
            except GitFailed as failed:
                raise SourceUnavailable(f"{place.name} cannot be taken apart.", detail=str(failed)) from failed
    for place in found:
        place.unlink()


async def _unpack(git: Git, repository: Repository, pack: Path) -> None:
    """Objects that git could not make out of the pack are left out."""
    with git.scratch() as scratch:
        room = scratch / "git"
        room.mkdir()
        await asyncio.to_thread(lay_out, room)
        done = await git.run(
            "--git-dir", SCRATCH, "unpack-objects", "-r", "-q", room=Room(scratch=room), stdin=pack
        )
        done.output.close()
        await asyncio.to_thread(_copied, Objects(room / "objects"), repository.objects)


def _copied(found: Objects, kept: Objects) -> None:
    for name in found.names():
        try:
            kept.write([New(*found.read(name))])
        except (Damaged, TooLarge):
            continue
