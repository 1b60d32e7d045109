"""The page of all operations with their arguments and answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from triform.chemistry.catalogue import Catalogue, Operation
from triform.chemistry.docs.markdown import code, section, table
from triform.chemistry.docs.properties import HEADER, property_rows

INTRODUCTION = """# Operations

An operation is reached at `/api/{circle}/{slug}/ops/{path}`, those of a circle itself at
`/api/{circle}/ops/{path}`. Each has a verb of its own; `POST` is accepted on all of them, with the arguments in
the body. Arguments of `GET` and `DELETE` go into the query.

"""


def operations_page(catalogue: Catalogue) -> str:
    """A section per operation, in the order of their names."""
    return INTRODUCTION + "".join(
        section(name, "".join(_variant(types, operation) for types, operation in _variants(catalogue, name)))
        for name in _names(catalogue)
    )


def _names(catalogue: Catalogue) -> list[str]:
    return sorted({name for element_type in catalogue.types.values() for name in element_type.operations})


def _variants(catalogue: Catalogue, name: str) -> Iterator[tuple[list[str], Operation]]:
    """The operation as the types have it; types that declare the same share one text."""
    found: dict[str, tuple[list[str], Operation]] = {}
    for element_type in catalogue.types.values():
        if operation := element_type.operation(name):
            key = repr((operation.summary, operation.description, operation.path, operation.input.document))
            found.setdefault(key, ([], operation))[0].append(element_type.name)
    yield from found.values()


def _variant(types: list[str], operation: Operation) -> str:
    links = ", ".join(f"[{name}](types/{name}.md)" for name in types)
    facts = f"{code(f'{operation.verb} /ops/{operation.path}')} · level {operation.level} · on {links}"
    text = f"{facts}\n\n{operation.summary}\n\n{operation.description.strip()}\n\n"
    return text + _arguments(operation) + _answer(operation.output.document) + _errors(operation)


def _arguments(operation: Operation) -> str:
    rows = [*property_rows(operation.input.document), *property_rows(operation.query.document)]
    return table(HEADER, rows)


def _answer(document: Mapping[str, Any]) -> str:
    if "$ref" in document:
        return f"Answers with: {str(document['$ref']).rpartition('/')[2].replace('_', ' ')}.\n\n"
    names = ", ".join(code(name) for name in document.get("properties", ()))
    return f"Answers {names}.\n\n" if names else ""


def _errors(operation: Operation) -> str:
    links = [f"[{error}](errors.md#{error.lower()})" for error in operation.errors]
    return "Errors of note: " + ", ".join(links) + ".\n\n" if links else ""
