"""JSON Schema 2020-12, compiled once; defaults, query strings and absent-as-null come from the same document."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs

from triform.chemistry.wording import complaints_of, pointer
from triform.errors import Complaint

MAX_COMPLAINTS = 50
LOCAL = "#/$defs/"
"""How a schema refers to one its type shares."""

_MASK = "the value"
_QUERY_WORDS = {"true": True, "1": True, "false": False, "0": False}


class BadSchema(ValueError):
    """A document that is not a usable JSON Schema; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSchema:
    """A schema document with its validator; never fetches anything, never echoes a value."""

    document: Mapping[str, Any]
    _validator: jsonschema_rs.Draft202012Validator = field(repr=False)

    def check(self, value: Any) -> tuple[Complaint, ...]:
        """Everything (at most 50) wrong with a value, by JSON pointer."""
        try:
            return tuple(islice(self._complaints(value), MAX_COMPLAINTS))
        except (UnicodeError, ValueError, RecursionError) as error:
            return (Complaint("", f"is not plain JSON: {type(error).__name__}"),)

    def errors(self, value: Any) -> list[jsonschema_rs.ValidationError]:
        """The raw errors, for checks that need their paths."""
        return list(self._validator.iter_errors(value))

    def complete(self, value: Any) -> Any:
        """A copy with declared defaults filled in, and whole numbers where integers are asked for."""
        return _complete(self.document, value)

    def without_defaults(self, value: Any) -> Any:
        """A copy that lacks what `complete` fills in again."""
        return _without_defaults(self.document, value)

    def with_nulls(self, value: Any) -> Any:
        """A copy in which every declared but absent member is null."""
        return _with_nulls(self.document, value)

    @property
    def names(self) -> tuple[str, ...]:
        """The members an object of this schema may have."""
        return tuple(members(self.document))

    def read_query(self, pairs: Mapping[str, list[str]]) -> dict[str, Any]:
        """Query strings as the values this schema expects; what cannot be read stays a string."""
        properties = members(self.document)
        return {name: _read(properties.get(name, {}), texts) for name, texts in pairs.items() if texts}

    def _complaints(self, value: Any) -> Iterator[Complaint]:
        if self._validator.is_valid(value):
            return
        for error in self._validator.iter_errors(value):
            yield from complaints_of(error, self.document)


def compile_schema(document: Mapping[str, Any], shared: Mapping[str, Any] | None = None) -> CompiledSchema:
    """Compile a schema; `shared` are schemas it may refer to as `#/$defs/<name>`. Raises BadSchema."""
    text, whole = repr(document), dict(document)
    if LOCAL in text and (reached := _reached(document, shared or {})):
        whole["$defs"] = reached
        text = repr(whole)
    try:
        validator = _validator(_Document(text, whole))
    except jsonschema_rs.ValidationError as error:
        place = pointer(error.instance_path)
        raise BadSchema(f"{place}: {error.message}" if place else error.message) from error
    except (ValueError, TypeError) as error:
        raise BadSchema(str(error).splitlines()[0]) from error
    return CompiledSchema(whole, validator)


@dataclass(frozen=True, slots=True)
class _Document:
    """A schema, told from others by its text: types share most of their operations, each as a copy."""

    text: str
    value: dict[str, Any] = field(compare=False)


@lru_cache(maxsize=512)
def _validator(document: _Document) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        document.value,
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(),
        mask=_MASK,
        validate_formats=True,
    )


def at_pointer(value: Any, where: str) -> Any:
    """The value at an RFC 6901 pointer through objects, or None."""
    for step in _steps(where):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


@lru_cache(maxsize=1024)
def _steps(where: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in where.split("/")[1:])


def replaced_at(value: Any, where: str, inner: Any) -> Any:
    """A copy of `value` with something else at an RFC 6901 pointer; what leads there is made where it lacks."""
    return _replaced_below(value, _steps(where), inner)


def _replaced_below(value: Any, steps: tuple[str, ...], inner: Any) -> Any:
    if not steps:
        return inner
    known = value if isinstance(value, Mapping) else {}
    return {**known, steps[0]: _replaced_below(known.get(steps[0]), steps[1:], inner)}


def members(schema: Any) -> Mapping[str, Any]:
    """The properties a schema declares; none when it is no object schema, or not a sound one."""
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _refuse(uri: str) -> Any:
    raise ValueError(f"a schema may not refer to {uri}")


def _reached(document: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """The shared schemas a document refers to, directly or through others."""
    reached: dict[str, Any] = {}
    waiting = list(_references(document))
    while waiting:
        name = waiting.pop()
        if name in shared and name not in reached:
            reached[name] = shared[name]
            waiting += _references(shared[name])
    return dict(sorted(reached.items()))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if str(node.get("$ref", "")).startswith(LOCAL):
            yield str(node["$ref"]).removeprefix(LOCAL)
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def _complete(schema: Any, value: Any) -> Any:
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict):
        return _complete_object(schema, value)
    if isinstance(value, list) and "items" in schema:
        return [_complete(schema["items"], item) for item in value]
    if isinstance(value, float) and schema.get("type") == "integer" and value.is_integer():
        return int(value)
    return value


def _complete_object(schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    completed = dict(value)
    for name, inner in members(schema).items():
        if name in completed:
            completed[name] = _complete(inner, completed[name])
        elif isinstance(inner, Mapping) and "default" in inner:
            completed[name] = _complete(inner, copy.deepcopy(inner["default"]))
    return completed


def _without_defaults(schema: Any, value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(schema, Mapping):
        return value
    declared, kept = members(schema), dict[str, Any]()
    for name, inner in value.items():
        known = declared.get(name)
        if not (isinstance(known, Mapping) and "default" in known and _complete(known, known["default"]) == inner):
            kept[name] = _without_defaults(known, inner)
    return kept


def _with_nulls(schema: Any, value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(schema, Mapping):
        return value
    known = {name: _with_nulls(inner, value.get(name)) for name, inner in members(schema).items()}
    return {**value, **known}


def _read(schema: Mapping[str, Any], texts: list[str]) -> Any:
    if schema.get("type") == "array":
        inner = schema.get("items", {})
        return [_read_one(inner, part) for text in texts for part in text.split(",")]
    return _read_one(schema, texts[-1])


def _read_one(schema: Mapping[str, Any], text: str) -> Any:
    reader = _READERS.get(schema.get("type", ""))
    try:
        return reader(text) if reader else text
    except (ValueError, KeyError):
        return text


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


_READERS: Mapping[Any, Callable[[str], Any]] = {
    "integer": lambda text: int(text) if len(text) < 20 else text,
    "number": _finite,
    "boolean": lambda text: _QUERY_WORDS[text.lower()],
}
