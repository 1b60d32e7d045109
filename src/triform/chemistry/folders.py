"""Where definitions lie: `*.yaml` (root), `<category>/*.yaml`, `<category>/<type>/*.yaml`, `…/examples/*.yaml`.

Further roots may bring types and whole categories; what shipped definitions say of a category stays theirs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from triform.chemistry.complaints import DefinitionComplaint, Place
from triform.chemistry.document import Document, read_document
from triform.chemistry.model import Provenance

FILES = (
    "definition",
    "properties",
    "ops",
    "contract",
    "runtime",
    "validation",
    "errors",
    "pricing",
    "observability",
    "docs",
)
"""The file names of every height, in reading order."""

EXAMPLES = "examples"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one folder says, by file name."""

    provenance: Provenance
    folder: Path
    documents: dict[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TypeSources:
    """The three heights of one type, widest first, and its example files."""

    name: str
    category: str
    layers: tuple[Layer, Layer, Layer]
    examples: tuple[Document, ...]


class FolderReader:
    """Reads definition folders; collects everything wrong in `complaints`."""

    def __init__(self) -> None:
        self.complaints: list[DefinitionComplaint] = []

    def read(self, shipped: Path, extra: Sequence[Path]) -> tuple[TypeSources, ...]:
        """All types of all roots, in reading order."""
        root = self._layer("root", shipped)
        found: dict[str, TypeSources] = {}
        categories: dict[str, Layer] = {}
        for place in (shipped, *extra):
            self._refuse_second_root(place, shipped)
            for folder in self._folders(place):
                category = self._category(categories, folder)
                for sources in self._types(folder, root, category):
                    self._refuse_second_type(found, sources)
                    found.setdefault(sources.name, sources)
        return tuple(found.values())

    def _types(self, folder: Path, root: Layer, category: Layer) -> Iterator[TypeSources]:
        for inner in self._folders(folder):
            layers = (root, category, self._layer("element", inner))
            yield TypeSources(inner.name, folder.name, layers, self._examples(inner / EXAMPLES))

    def _category(self, known: dict[str, Layer], folder: Path) -> Layer:
        layer = self._layer("category", folder)
        first = known.setdefault(folder.name, layer)
        if first is not layer and layer.documents:
            self._complain(folder, f"category {folder.name!r} is already described in {first.folder}")
        return first

    def _layer(self, provenance: Provenance, folder: Path) -> Layer:
        layer = Layer(provenance, folder)
        for file in self._files(folder):
            if file.suffix != ".yaml" or file.stem not in FILES:
                self._complain(
                    file, "is not a definition file; known are " + ", ".join(f"{n}.yaml" for n in FILES)
                )
            elif document := self._document(file):
                layer.documents[file.stem] = document
        return layer

    def _examples(self, folder: Path) -> tuple[Document, ...]:
        if not folder.is_dir():
            return ()
        documents = (self._document(file) for file in self._files(folder) if file.suffix == ".yaml")
        return tuple(document for document in documents if document)

    def _document(self, file: Path) -> Document | None:
        document, complaints = read_document(file)
        self.complaints += complaints
        return document

    def _files(self, folder: Path) -> list[Path]:
        return sorted(p for p in self._entries(folder) if p.is_file() and not p.name.startswith("."))

    def _folders(self, folder: Path) -> list[Path]:
        hidden = (".", "_")
        return sorted(
            p for p in self._entries(folder) if p.is_dir() and not p.name.startswith(hidden) and p.name != EXAMPLES
        )

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return list(folder.iterdir())
        except OSError as error:
            self._complain(folder, f"cannot be read: {error.strerror}")
            return []

    def _refuse_second_root(self, place: Path, shipped: Path) -> None:
        for file in self._files(place) if place != shipped else ():
            self._complain(file, "only the shipped definitions have files at the root")

    def _refuse_second_type(self, found: dict[str, TypeSources], sources: TypeSources) -> None:
        if first := found.get(sources.name):
            self._complain(
                sources.layers[-1].folder,
                f"type {sources.name!r} is already defined in {first.layers[-1].folder}",
            )

    def _complain(self, path: Path, message: str) -> None:
        self.complaints.append(DefinitionComplaint(Place(path), message))
