"""What departs from a JSON Schema, said in plain words, with a pointer and never with the value itself."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from triform.errors import Complaint

MESSAGE_KEYWORD = "x-message"
"""A schema may say in its own words what it wants; shown instead of the generic sentence."""

_ARTICLES = {"integer": "an integer", "object": "an object", "array": "an array", "null": "null"}

_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "type": lambda facts: "must be " + " or ".join(_ARTICLES.get(t, f"a {t}") for t in facts["types"]),
    "enum": lambda facts: "must be one of " + ", ".join(str(option) for option in facts["options"]),
    "const": lambda facts: f"must be {facts['expected_value']!r}",
    "minimum": lambda facts: f"must be at least {facts['limit']}",
    "maximum": lambda facts: f"must be at most {facts['limit']}",
    "exclusiveMinimum": lambda facts: f"must be more than {facts['limit']}",
    "exclusiveMaximum": lambda facts: f"must be less than {facts['limit']}",
    "minLength": lambda facts: f"must have at least {facts['limit']} characters",
    "maxLength": lambda facts: f"must have at most {facts['limit']} characters",
    "minItems": lambda facts: f"must have at least {facts['limit']} items",
    "maxItems": lambda facts: f"must have at most {facts['limit']} items",
    "minProperties": lambda facts: f"must have at least {facts['limit']} members",
    "maxProperties": lambda facts: f"must have at most {facts['limit']} members",
    "pattern": lambda facts: f"must match {facts['pattern']}",
    "format": lambda facts: f"must be a valid {facts['format']}",
}


def pointer(path: Sequence[str | int]) -> str:
    """A path as an RFC 6901 JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def complaints_of(error: jsonschema_rs.ValidationError, document: Mapping[str, Any]) -> Iterator[Complaint]:
    """One schema error as complaints; a missing or unknown member is pointed at itself."""
    facts = error.kind.as_dict()
    at = list(error.instance_path)
    around = _schema_around(document, error.schema_path)
    if error.kind.name == "required":
        yield Complaint(pointer([*at, facts["property"]]), "is required")
    elif error.kind.name == "additionalProperties":
        known = list(around.get("properties", ()))
        for name in facts["unexpected"]:
            yield Complaint(pointer([*at, name]), _unknown(name, known))
    else:
        yield Complaint(pointer(at), _sentence(error, facts, around))


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name[:100], known, n=1)
    return f"is not a known field; did you mean {close[0]}?" if close else "is not a known field"


def _sentence(error: jsonschema_rs.ValidationError, facts: Mapping[str, Any], around: Mapping[str, Any]) -> str:
    if MESSAGE_KEYWORD in around:
        return str(around[MESSAGE_KEYWORD])
    sentence = _SENTENCES.get(error.kind.name)
    return sentence(facts) if sentence else error.message


def _schema_around(document: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """The schema whose keyword failed; {} where the path runs through a reference."""
    found: Any = document
    for step in path[:-1]:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return {}
    return found if isinstance(found, Mapping) else {}
