"""One YAML file as plain values, with the line of every value.

A strict YAML: JSON's types and string keys only, so that `on`, `12:30` or `2024-01-01` stay what was typed;
no anchors or aliases (they hide size), no duplicate keys, one document per file.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from triform.chemistry.complaints import DefinitionComplaint, Place

KeyPath = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40

PLAIN: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"(?:null|~|)\Z"), lambda _: None),
    (re.compile(r"(?:true|false)\Z"), lambda text: text == "true"),
    (re.compile(r"-?(?:0|[1-9][0-9]{0,299})\Z"), int),
    (
        re.compile(r"-?(?:0|[1-9][0-9]{0,299})(?:\.[0-9]{1,299}(?:[eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})\Z"),
        float,
    ),
)
"""What unquoted text means, if not itself: JSON's other scalars."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file; `lines` has the line of every key and item, by path from the top."""

    file: Path
    value: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def place(self, path: KeyPath) -> Place:
        """The line of a value, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return Place(self.file, self.lines.get(path, 1))


def read_document(file: Path) -> tuple[Document | None, list[DefinitionComplaint]]:
    """Parse a file; everything wrong with it is returned, never raised."""
    try:
        text = _text(file)
    except _Unreadable as error:
        return None, [_unreadable(file, error)]
    return parse_document(file, text)


def parse_document(file: Path, text: str) -> tuple[Document | None, list[DefinitionComplaint]]:
    """As `read_document`, for a text that is called `file` in complaints."""
    try:
        refused = list(_refused_events(file, text))
        node = None if refused else yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        return None, [_unreadable(file, error)]
    if refused:
        return None, refused
    return _construct(file, node)


class _Unreadable(Exception):
    pass


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise _Unreadable(f"is larger than {MAX_BYTES // 1024} KiB")
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise _Unreadable("is not UTF-8") from error
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror}") from error


def _unreadable(file: Path, error: Exception) -> DefinitionComplaint:
    mark = getattr(error, "problem_mark", None)
    message = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return DefinitionComplaint(Place(file, mark.line + 1 if mark else 1), message)


def _refused_events(file: Path, text: str) -> Iterator[DefinitionComplaint]:
    """Walk the flat event stream first: composing recurses and expands, this does neither."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        place = Place(file, _line(event))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield DefinitionComplaint(place, "anchors and aliases are not allowed")
        if getattr(event, "tag", None):
            yield DefinitionComplaint(place, "tags are not allowed")
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            yield DefinitionComplaint(place, "one document per file")
            return
        if depth > MAX_DEPTH:
            yield DefinitionComplaint(place, f"nested more than {MAX_DEPTH} deep")
            return


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _construct(file: Path, node: Node | None) -> tuple[Document | None, list[DefinitionComplaint]]:
    builder = _Builder(file)
    value = {} if node is None else builder.build(node, ())
    if not isinstance(value, dict):
        builder.complain(node, "a definition file is a mapping")
        return None, builder.complaints
    return Document(file, value, builder.lines), builder.complaints


class _Builder:
    def __init__(self, file: Path) -> None:
        self._file = file
        self.lines: dict[KeyPath, int] = {}
        self.complaints: list[DefinitionComplaint] = []

    def build(self, node: Node, path: KeyPath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None:
                self.complain(key_node, "a key must be a plain word")
            elif key in built:
                self.complain(key_node, f"duplicate key {key!r}")
            else:
                self.lines[(*path, key)] = key_node.start_mark.line + 1
                built[key] = self.build(value_node, (*path, key))
        return built

    def _scalar(self, node: Node) -> Any:
        text = str(node.value)
        if isinstance(node, ScalarNode) and not node.style:  # plain, neither quoted nor a block
            return _meaning(text)
        return text

    def complain(self, node: Node | None, message: str) -> None:
        line = node.start_mark.line + 1 if node else 1
        self.complaints.append(DefinitionComplaint(Place(self._file, line), message))


def _meaning(text: str) -> Any:
    """A number too large to be one stays what was typed."""
    for pattern, convert in PLAIN:
        if pattern.match(text):
            value = convert(text)
            return text if value in (math.inf, -math.inf) else value
    return text
