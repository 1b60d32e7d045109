"""The code of an element as it lies in its folder on this machine, to name the very place that failed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triform.cli.declaration import read
from triform.cli.outcome import Refused, WrongUsage


@dataclass(frozen=True, slots=True)
class LocalCode:
    """`files` are the names of the folder's files whose text is in the spec."""

    folder: Path
    files: tuple[str, ...]

    def names(self, source: Mapping[str, Any] | None) -> dict[str, str]:
        """The server's name of the file it shows ↦ its path from here; empty when other lines stand there now."""
        if not source:
            return {}
        file = str(source.get("file"))
        path = self._path(file)
        return {file: _from_here(path)} if path and _agrees(path, source.get("context") or []) else {}

    def _path(self, file: str) -> Path | None:
        """Inline code has a name of its language's; the folder may call its only file otherwise."""
        candidates = [file] if file in self.files else list(self.files)
        return self.folder / candidates[0] if len(candidates) == 1 else None


def code_in(folder: Path, slug: str | None = None) -> LocalCode | None:
    """The code of a folder, if it declares an element (of this slug)."""
    try:
        declared = read(folder)
    except WrongUsage:
        return None
    return LocalCode(folder, declared.files) if slug in (None, declared.slug) else None


def code_of(slug: str) -> LocalCode | None:
    """The element's code, if the user stands in its folder or above it."""
    return code_in(Path(), slug) or code_in(Path(slug), slug)


@contextmanager
def pointing_into(code: Callable[[], LocalCode | None]) -> Iterator[None]:
    """A refusal in here is shown with places in the code that `code` finds."""
    try:
        yield
    except Refused as refused:
        refused.code_here = code()
        raise


def _agrees(path: Path, context: list[Mapping[str, Any]]) -> bool:
    """Whether the lines the server saw are those of the file now; it cuts long ones."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return False
    return all(
        0 < row["line"] <= len(lines) and lines[row["line"] - 1].startswith(str(row["text"])) for row in context
    )


def _from_here(path: Path) -> str:
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
