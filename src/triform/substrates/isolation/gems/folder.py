"""A gem source that is a folder of gem files, for machines without network: the folder itself, or `gems` in it.

The index is read out of the files: a gem is a tar with `metadata.gz`, a specification in YAML.
"""

import asyncio
import gzip
import hashlib
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from triform.substrates.isolation.gems.errors import SourceTrouble
from triform.substrates.isolation.gems.index import NAME, PURE

_METADATA_LIMIT = 4 << 20


class FolderSource:
    """`folder` is looked at anew each time: gems may be added while the server runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[tuple[Path, int, int], tuple[str, str]] = {}
        self.shown = str(folder)

    async def info(self, name: str) -> str:
        return await asyncio.to_thread(self.lines, name)

    async def fetch(self, file: str, into: BinaryIO) -> None:
        await asyncio.to_thread(self._fetch, file, into)

    def lines(self, name: str) -> str:
        """As `info`."""
        if not NAME.fullmatch(name):
            return ""
        lines = [line for of, line in map(self._read, self._files(name)) if of == name]
        return "\n".join(["---", *lines, ""]) if lines else ""

    def _fetch(self, file: str, into: BinaryIO) -> None:
        try:
            with (self._place() / Path(file).name).open("rb") as source:
                shutil.copyfileobj(source, into)
        except OSError as error:
            raise self._trouble(error) from error

    def _files(self, name: str) -> list[Path]:
        try:
            entries = sorted(self._place().iterdir())
        except OSError as error:
            raise self._trouble(error) from error
        return [path for path in entries if path.name.startswith(f"{name}-") and path.name.endswith(".gem")]

    def _place(self) -> Path:
        below = self._folder / "gems"
        return below if below.is_dir() else self._folder

    def _read(self, path: Path) -> tuple[str, str]:
        """Name and index line of a gem file; an unreadable one has no name."""
        try:
            status = path.stat()
            key = (path, status.st_mtime_ns, status.st_size)
            if key not in self._lines:
                self._lines[key] = _line(path)
            return self._lines[key]
        except (OSError, EOFError, tarfile.TarError, yaml.YAMLError, ValueError, KeyError, TypeError):
            return "", ""

    def _trouble(self, error: OSError) -> SourceTrouble:
        return SourceTrouble(
            f"The folder of gems {self.shown} cannot be read: {error.strerror}.",
            "Whoever runs this server must correct TRIFORM_GEM_SOURCE or the folder's permissions.",
        )


def _line(path: Path) -> tuple[str, str]:
    content = path.read_bytes()
    with tarfile.open(path, "r:") as tar:
        packed = tar.extractfile("metadata.gz")
        if packed is None:
            raise ValueError("no metadata")
        with gzip.open(packed) as unpacked:
            text = unpacked.read(_METADATA_LIMIT)
    told = yaml.load(text, _Loader)  # noqa: S506 - a safe loader that takes Ruby's tags for plain mappings
    platform = told.get("platform") or PURE
    number = told["version"]["version"] + ("" if platform == PURE else f"-{platform}")
    needs = ",".join(f"{each['name']}:{_wanted(each)}" for each in _runtime(told))
    ruby = "&".join(_constraints(told.get("required_ruby_version") or {}))
    digest = hashlib.sha256(content).hexdigest()
    return told["name"], f"{number} {needs}|checksum:{digest}" + (f",ruby:{ruby}" if ruby else "")


def _runtime(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in told.get("dependencies") or () if each.get("type") != ":development"]


def _wanted(dependency: Mapping[str, Any]) -> str:
    return "&".join(_constraints(dependency.get("requirement") or {})) or ">= 0"


def _constraints(requirement: Mapping[str, Any]) -> Iterator[str]:
    for operator, version in requirement.get("requirements") or ():
        yield f"{operator} {version['version']}"


class _Loader(yaml.SafeLoader):
    """Scalars stay text, so that version 1.10 is not the number 1.1."""


def _plain(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!ruby/", _plain)
for _tag in ("int", "float", "bool", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda loader, node: node.value)
