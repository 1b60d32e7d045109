"""Whether all of a repository can be read, down to the last byte; and what does not belong in it. Blocks."""

from collections.abc import Iterator
from pathlib import Path

from triform.elements.model import BRANCHES
from triform.source.objects import COMMIT, TREE, Damaged, TooLarge, parsed_commit, parsed_tree
from triform.source.repository import CONFIG, HEAD, Repository

_OURS = frozenset({"HEAD", "config", "objects", "refs"})
_SET_ASIDE = "damaged"


class Inspection:
    """Reads what hangs on commits, each object once, and holds it against its name."""

    def __init__(self, repository: Repository) -> None:
        self._objects = repository.objects
        self._good: set[str] = set()

    def fault(self, commit: str) -> str | None:
        """Why the commit, its files or what came before cannot be read; None when everything can."""
        return self._walk(commit, with_history=True)

    def fault_of_files(self, commit: str) -> str | None:
        """The same, whatever came before it."""
        return self._walk(commit, with_history=False)

    def _walk(self, commit: str, *, with_history: bool) -> str | None:
        walked: set[str] = set()
        waiting = [commit]
        while waiting:
            found = waiting.pop()
            if found in self._good or found in walked:
                continue
            try:
                waiting += self._below(found, with_history)
            except (Damaged, TooLarge) as error:
                return str(error)
            walked.add(found)
        self._good |= walked if with_history else walked - {commit}
        return None

    def _below(self, name: str, with_history: bool) -> list[str]:
        """What an object needs to be of use."""
        kind, data = self._objects.read(name)
        if kind == COMMIT:
            commit = parsed_commit(name, data)
            return [commit.tree, *(commit.parents if with_history else ())]
        return [entry.object for entry in parsed_tree(name, data)] if kind == TREE else []


def damaged_objects(repository: Repository) -> Iterator[Path]:
    """Files of objects that do not hold what their name says."""
    for name in repository.objects.names():
        try:
            repository.objects.read(name)
        except (Damaged, TooLarge):
            yield repository.objects.place(name)


def foreign(repository: Repository) -> Iterator[Path]:
    """What is not ours: settings, hooks, references and leftovers that could lead git astray."""
    folder = repository.folder
    for place in sorted(folder.iterdir()):
        if place.name not in _OURS and place.name != _SET_ASIDE:
            yield place
    yield from (place for place in sorted((folder / "refs").glob("*")) if place.name != "heads")
    for place in sorted((folder / "refs" / "heads").glob("*")):
        if place.name not in BRANCHES or not place.is_file():
            yield place
    yield from sorted((folder / "objects" / "info").glob("*"))
    yield from sorted((folder / "objects").glob("??/draft-*"))


def changed_settings(repository: Repository) -> list[str]:
    """Files that are not as they were made."""
    wanted = {"HEAD": HEAD, "config": CONFIG}
    return [name for name, text in wanted.items() if _text(repository.folder / name) != text]


def set_aside(repository: Repository, place: Path) -> None:
    """Out of git's way, not lost."""
    target = repository.folder / _SET_ASIDE / place.relative_to(repository.folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    place.rename(target)


def _text(place: Path) -> str:
    try:
        return place.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
