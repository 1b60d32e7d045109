"""What is wrong with a definition, always with its file and line."""

from dataclasses import dataclass
from pathlib import Path

from triform.errors import TriformError


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a definition file; line 0 = the file or folder as a whole."""

    file: Path
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else str(self.file)


@dataclass(frozen=True, slots=True, order=True)
class DefinitionComplaint:
    """One thing wrong with the definitions."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class DefinitionsRefused(TriformError):
    """The element definitions contain mistakes."""

    def __init__(self, complaints: frozenset[DefinitionComplaint]) -> None:
        self.complaints = tuple(sorted(complaints))
        super().__init__("\n".join(str(complaint) for complaint in self.complaints))
