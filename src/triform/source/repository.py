"""One bare repository, in this process: commits are written and read here, without starting `git`.

Nothing in here meets objects that were not written or judged by us; what arrives from outside is looked at by
`git` itself, confined (`git.py`). All methods block; a repository that cannot be used is a SourceUnavailable.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from triform.elements.errors import SourceUnavailable
from triform.elements.model import BRANCHES, DRAFT
from triform.errors import Suggestion
from triform.source.objects import (
    BLOB,
    COMMIT,
    FILE_MODE,
    FOLDER_MODE,
    LARGEST,
    TREE,
    Commit,
    Damaged,
    Entry,
    New,
    Objects,
    TooLarge,
    parsed_commit,
    parsed_tree,
    written_tree,
)

HEAD = f"ref: refs/heads/{DRAFT}\n"
CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
"""All the configuration a repository has: what git may do is settled where it is started."""

MOST_ENTRIES = 10_000
"""Files and folders of one commit."""

_READABLE_FOLDER, _READABLE_FILE = 0o755, 0o644


@dataclass(frozen=True, slots=True)
class Author:
    """Whose change it is, without angle brackets and line breaks; `email` need not lead anywhere."""

    name: str
    email: str


PLATFORM = Author("Triform", "source@triform.invalid")
"""Who commits; the author is whoever acted."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a commit; `mode` is git's."""

    path: str
    blob: str
    mode: int


class FileTooLarge(Exception):
    """`size` in bytes."""

    def __init__(self, path: str, size: int) -> None:
        super().__init__(f"{path} has {size} bytes")
        self.size = size


class TooManyFiles(Exception):
    """A commit has more files and folders than anybody looks through."""


class Repository:
    """A folder in the form git knows."""

    def __init__(self, folder: Path, objects: Objects | None = None) -> None:
        self.folder = folder
        self.objects = objects or Objects(folder / "objects")

    def beside(self, waiting: Path) -> "Repository":
        """The same with objects that are not in it yet; they lie in the folder `waiting`."""
        return Repository(self.folder, Objects(waiting, self.objects.folder))

    @property
    def exists(self) -> bool:
        return (self.folder / "HEAD").is_file()

    def create(self) -> None:
        """Makes it, empty, unless it is there."""
        if self.exists:
            return
        with _trouble("made"):
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".", dir=self.folder.parent))
            try:
                lay_out(draft)
                draft.rename(self.folder)
            except OSError:
                shutil.rmtree(draft)
                if not self.exists:
                    raise

    def commit(
        self,
        files: Mapping[str, bytes],
        parents: Sequence[str],
        author: Author,
        at: datetime,
        message: str,
        files_of: str | None = None,
    ) -> str:
        """A commit with these files over those of the last parent, or of the commit `files_of`; its name. No
        branch moves."""
        with _trouble("written"):
            over = files_of or (parents[-1] if parents else None)
            before = self._tree(self._commit(over).tree) if over else []
            blobs = {path: New(BLOB, content) for path, content in files.items()}
            news = [*blobs.values()]
            tree = self._with(before, {path: blob.name for path, blob in blobs.items()}, news)
            seconds = int(at.timestamp())
            people = (_person("author", author, seconds), _person("committer", PLATFORM, seconds))
            commit = Commit(tree, tuple(parents), people, message.encode()).written()
            self.objects.write([*news, commit])
            return commit.name

    def transplant(self, commit: str, onto: str | None) -> str:
        """The same commit on top of another one: files, people, time and message are kept."""
        with _trouble("written"):
            moved = replace(self._commit(commit), parents=(onto,) if onto else ()).written()
            self.objects.write([moved])
            return moved.name

    def take_in(self, folder: Path) -> None:
        """Objects that wait in a folder are the repository's from now on."""
        with _trouble("written"):
            self.objects.take_in(folder)

    def settle(self) -> None:
        """Its settings are what they were when it was made."""
        with _trouble("written"):
            settings(self.folder)

    def point(self, branch: str, commit: str | None) -> None:
        """The branch stands at this commit, or is no more. Durable enough: Postgres knows it too."""
        place = self.folder / "refs" / "heads" / branch
        with _trouble("written"):
            if commit is None:
                place.unlink(missing_ok=True)
                return
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix=".ref-", delete=False) as file:
                file.write(f"{commit}\n")
            Path(file.name).chmod(_READABLE_FILE)
            Path(file.name).rename(place)

    def branches(self) -> dict[str, str]:
        """Where the branches stand here."""
        places = {branch: self.folder / "refs" / "heads" / branch for branch in BRANCHES}
        with _trouble("read"):
            return {branch: place.read_text().strip() for branch, place in places.items() if place.is_file()}

    def tree(self, commit: str) -> str:
        """The name of all of its files together."""
        with _trouble("read"):
            return self._commit(commit).tree

    def read(self, commit: str, path: str, most: int) -> bytes | None:
        """A file's content; None when there is no such file. Raises FileTooLarge."""
        with _trouble("read"):
            entry = self._entry(self._commit(commit).tree, path)
            return None if entry is None else self._content(entry, path, most)

    def blob(self, blob: str, path: str, most: int) -> bytes:
        """A file's content by its object. Raises FileTooLarge."""
        with _trouble("read"):
            return self._content(blob, path, most)

    def files(self, commit: str) -> list[File]:
        """Every file of a commit, by path. Raises TooManyFiles: a few small trees can stand for billions."""
        with _trouble("read"):
            return sorted(self._files(self._commit(commit).tree), key=lambda file: file.path)

    def subject(self, commit: str) -> str:
        """The first line of its message."""
        with _trouble("read"):
            return self._commit(commit).message.partition(b"\n")[0].decode("utf-8", "replace")

    def history(self, commit: str, most: int) -> list[str]:
        """The commit and its first parents, newest first."""
        found = [commit]
        with _trouble("read"):
            while len(found) < most and (parents := self._commit(found[-1]).parents):
                found.append(parents[0])
        return found

    def _commit(self, name: str) -> Commit:
        return parsed_commit(name, self._of(COMMIT, name))

    def _tree(self, name: str) -> list[Entry]:
        return parsed_tree(name, self._of(TREE, name))

    def _of(self, kind: str, name: str) -> bytes:
        found, data = self.objects.read(name, LARGEST)
        if found != kind:
            raise Damaged(f"{name} is a {found}, not a {kind}")
        return data

    def _with(self, entries: Sequence[Entry], blobs: Mapping[str, str], news: list[New]) -> str:
        """The tree of these entries with other blobs at their paths; what has to be written joins `news`."""
        by_name = {entry.name: entry for entry in entries}
        below: dict[str, dict[str, str]] = {}
        for path, blob in blobs.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = blob
            else:
                by_name[name] = Entry(FILE_MODE, name, blob)
        for name, inner in below.items():
            known = by_name.get(name)
            folder = self._tree(known.object) if known is not None and known.is_folder else []
            by_name[name] = Entry(FOLDER_MODE, name, self._with(folder, inner, news))
        tree = written_tree(by_name.values())
        news.append(tree)
        return tree.name

    def _entry(self, tree: str, path: str) -> str | None:
        """The blob at a path."""
        name, _, rest = path.partition("/")
        found = next((entry for entry in self._tree(tree) if entry.name == name), None)
        if found is None or found.is_folder != bool(rest):
            return None
        return self._entry(found.object, rest) if rest else found.object

    def _content(self, blob: str, path: str, most: int) -> bytes:
        try:
            return self.objects.read(blob, most)[1]
        except TooLarge as error:
            raise FileTooLarge(path, error.size) from error

    def _files(self, tree: str) -> Iterator[File]:
        waiting, seen = [("", tree)], 0
        while waiting:
            above, folder = waiting.pop()
            for entry in self._tree(folder):
                seen += 1
                if seen > MOST_ENTRIES:
                    raise TooManyFiles
                if entry.is_folder:
                    waiting.append((f"{above}{entry.name}/", entry.object))
                else:
                    yield File(f"{above}{entry.name}", entry.object, entry.mode)


def lay_out(folder: Path, objects_of: Path | None = None) -> None:
    """An empty bare repository in an existing folder, without anything git could run. `objects_of` is the folder
    of another one's objects, that are taken as its own."""
    for part in ("objects/info", "objects/pack", "refs/heads"):
        (folder / part).mkdir(parents=True)
    settings(folder)
    if objects_of is not None:
        (folder / "objects/info/alternates").write_text(f"{objects_of}\n")
    for place in (folder, *folder.rglob("*")):
        place.chmod(_READABLE_FOLDER if place.is_dir() else _READABLE_FILE)


def settings(folder: Path) -> None:
    """The files git reads first."""
    (folder / "HEAD").write_text(HEAD)
    (folder / "config").write_text(CONFIG)


@contextmanager
def _trouble(what: str) -> Iterator[None]:
    try:
        yield
    except (Damaged, TooLarge, OSError, UnicodeDecodeError) as error:
        raise SourceUnavailable(
            f"The element's git repository cannot be {what}.",
            detail=f"{type(error).__name__}: {error}",
            suggestion=Suggestion(
                why="It is missing, damaged, or its disk is full.",
                fix="Look at it with source_repair (a dry run by default), then let it mend with dry_run=false.",
                op="source_repair",
            ),
        ) from error


def _person(role: str, person: Author, seconds: int) -> bytes:
    return f"{role} {person.name} <{person.email}> {seconds} +0000".encode()
