"""Git's objects, as files of their own: written, read and checked here. Blocks.

    objects/ab/cdef…      zlib( "blob 12\\0" + content ), named by the SHA-1 of what is compressed

Packs are not read: whatever git packs, git unpacks again before it comes here. What is read is bounded, and held
against its name each time; nothing damaged is ever taken for sound.
"""

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOB, TREE, COMMIT = "blob", "tree", "commit"
FILE_MODE, FOLDER_MODE = 0o100644, 0o040000
LARGEST = 64 << 20
"""Bytes of an object that are read at all."""

_HEADER_BYTES = 64
_READABLE_FILE, _READABLE_FOLDER = 0o444, 0o755
"""Whatever the umask: git is confined to a user of its own."""


class Damaged(Exception):
    """An object is missing, or is not what its name says."""


class TooLarge(Exception):
    """An object has more bytes than are to be read."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(f"object {name} has {size} bytes")
        self.size = size


@dataclass(frozen=True, slots=True)
class New:
    """An object that is to be written."""

    kind: str
    data: bytes

    @property
    def raw(self) -> bytes:
        return f"{self.kind} {len(self.data)}\0".encode() + self.data

    @property
    def name(self) -> str:
        return name_of(self.raw)


def name_of(raw: bytes) -> str:
    """What an object is called: by its header and content."""
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


class Objects:
    """The `objects` folder of a repository; what is not there is looked for in the folders of `also`."""

    def __init__(self, folder: Path, *also: Path) -> None:
        self.folder = folder
        self._also = also

    def place(self, name: str) -> Path:
        return self.folder / name[:2] / name[2:]

    def write(self, news: Iterable[New]) -> None:
        """On disk for good when it returns. What is there already is not written again."""
        waiting = [self._draft(new) for new in news if not self.place(new.name).exists()]
        try:
            for _, descriptor, _ in waiting:
                os.fdatasync(descriptor)  # After all of them have been written: the first one pays for the rest.
            for draft, _, place in waiting:
                draft.rename(place)
        finally:
            for draft, descriptor, _ in waiting:
                os.close(descriptor)
                draft.unlink(missing_ok=True)

    def size(self, name: str) -> tuple[str, int]:
        """What kind of object it is and how large. Raises Damaged."""
        return _header(name, self._inflated(name, _HEADER_BYTES)[0])

    def read(self, name: str, most: int = LARGEST) -> tuple[str, bytes]:
        """Kind and content. Raises Damaged, TooLarge."""
        kind, size = self.size(name)
        if size > most:
            raise TooLarge(name, size)
        raw, whole = self._inflated(name, size + _HEADER_BYTES)
        if not whole or name_of(raw) != name:
            raise Damaged(f"object {name} does not hold what its name says")
        return kind, raw[raw.index(b"\0") + 1 :]

    def take_in(self, folder: Path) -> None:
        """Moves objects here that were written elsewhere on this disk; those that are here already stay."""
        for name in Objects(folder).names():
            place = self.place(name)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.parent.chmod(_READABLE_FOLDER)
                Objects(folder).place(name).rename(place)

    def names(self) -> Iterator[str]:
        """Of all objects in the folder itself."""
        for place in sorted(self.folder.glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 38)):
            yield place.parent.name + place.name

    def _found(self, name: str) -> Path:
        own = self.place(name)
        places = (Objects(folder).place(name) for folder in self._also)
        return own if own.exists() else next((place for place in places if place.exists()), own)

    def _draft(self, new: New) -> tuple[Path, int, Path]:
        place = self.place(new.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.parent.chmod(_READABLE_FOLDER)
        descriptor, draft = tempfile.mkstemp(prefix="draft-", dir=place.parent)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(zlib.compress(new.raw))
        os.fchmod(descriptor, _READABLE_FILE)
        return Path(draft), descriptor, place

    def _inflated(self, name: str, most: int) -> tuple[bytes, bool]:
        """The first bytes of an object, and whether they are all there are."""
        try:
            inflating = zlib.decompressobj()
            raw = inflating.decompress(self._found(name).read_bytes(), most)
        except (OSError, zlib.error) as error:
            raise Damaged(f"object {name} cannot be read: {error}") from error
        return raw, inflating.eof


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a tree."""

    mode: int
    name: str
    object: str

    @property
    def is_folder(self) -> bool:
        return self.mode == FOLDER_MODE


def parsed_tree(name: str, data: bytes) -> list[Entry]:
    """Raises Damaged."""
    entries = []
    at = 0
    while at < len(data):
        space, end = data.find(b" ", at), data.find(b"\0", at)
        if not at < space < end or end + 21 > len(data):
            raise Damaged(f"tree {name} cannot be understood")
        entries.append(_entry(name, data[at:space], data[space + 1 : end], data[end + 1 : end + 21]))
        at = end + 21
    return entries


def written_tree(entries: Iterable[Entry]) -> New:
    """In git's order: folders as if their names ended with a slash."""
    ordered = sorted(
        entries, key=lambda entry: f"{entry.name}/".encode() if entry.is_folder else entry.name.encode()
    )
    lines = [f"{entry.mode:o} {entry.name}\0".encode() + bytes.fromhex(entry.object) for entry in ordered]
    return New(TREE, b"".join(lines))


@dataclass(frozen=True, slots=True)
class Commit:
    """`people` are the lines on author and committer (and an encoding) as they are written."""

    tree: str
    parents: tuple[str, ...]
    people: tuple[bytes, ...]
    message: bytes

    def written(self) -> New:
        lines = [f"tree {self.tree}".encode(), *(f"parent {parent}".encode() for parent in self.parents)]
        return New(COMMIT, b"\n".join([*lines, *self.people, b"", self.message]))


def parsed_commit(name: str, data: bytes) -> Commit:
    """Signatures are left out: they hold for the very commit only. Raises Damaged."""
    head, _, message = data.partition(b"\n\n")
    found: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        found.setdefault(line.partition(b" ")[0], []).append(line)
    try:
        (tree,) = (_name_in(line) for line in found[b"tree"])
        parents = tuple(_name_in(line) for line in found.get(b"parent", ()))
        people = tuple(found[key][0] for key in (b"author", b"committer"))
    except (KeyError, ValueError) as error:
        raise Damaged(f"commit {name} cannot be understood") from error
    return Commit(tree, parents, people + tuple(found.get(b"encoding", ())), message)


def _header(name: str, raw: bytes) -> tuple[str, int]:
    head, nul, _ = raw.partition(b"\0")
    kind, _, size = head.partition(b" ")
    if not nul or not size.isdigit() or len(size) > 12:
        raise Damaged(f"object {name} has no header")
    return kind.decode("ascii", "replace"), int(size)


def _entry(tree: str, mode: bytes, name: bytes, target: bytes) -> Entry:
    try:
        return Entry(int(mode, 8), name.decode(), target.hex())
    except ValueError as error:
        raise Damaged(f"tree {tree} cannot be understood") from error


def _name_in(line: bytes) -> str:
    name = line.partition(b" ")[2].decode("ascii")
    if len(name) != 40 or set(name) - set("0123456789abcdef"):
        raise ValueError(name)
    return name
