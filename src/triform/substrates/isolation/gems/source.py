"""Where gems come from: what every source promises, and the one that a setting names."""

from pathlib import Path
from typing import BinaryIO, Protocol

from triform.substrates.isolation.gems.folder import FolderSource
from triform.substrates.isolation.gems.http import HttpSource

PUBLIC = "https://rubygems.org"


class GemSource(Protocol):
    shown: str
    """For people and digests: without credentials."""

    async def info(self, name: str) -> str:
        """Lines of the compact index about a gem, "" when there is no such gem. Raises SourceTrouble."""

    async def fetch(self, file: str, into: BinaryIO) -> None:
        """Writes a gem file; its content is not to be trusted before its checksum is. Raises SourceTrouble."""


def gem_source(setting: str | None) -> GemSource:
    """`setting`: an http(s) URL, or the absolute path of a folder; None = the public source."""
    named = (setting or PUBLIC).strip()
    if named.startswith(("http://", "https://")):
        return HttpSource(named)
    return FolderSource(Path(named))
