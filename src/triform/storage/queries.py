"""Named SQL. A room keeps its statements in `queries.sql`, each with a name and a sentence about it:

    -- name: open
    -- A new circle's wallet, empty.
    INSERT INTO wallets (circle_id) VALUES ($1);

and loads them once: `QUERIES = load(__file__)`, then `await tx.execute(QUERIES["open"], circle_id)`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_START = re.compile(r"^-- name:[ \t]*(.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, without its final semicolon."""

    name: str
    description: str
    sql: str


def text_of(query: Query | str) -> str:
    return query if isinstance(query, str) else query.sql


class QueryFileError(Exception):
    """A queries.sql that cannot be used: says file and what is wrong. A mistake of ours, so not a TriformError."""


class Queries(Mapping[str, Query]):
    """The statements of one file by name; an unknown name is a `QueryFileError` that lists the known ones."""

    def __init__(self, path: Path, queries: Mapping[str, Query]) -> None:
        self._path = path
        self._queries = queries

    def __getitem__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            known = ", ".join(sorted(self._queries))
            raise QueryFileError(f"{self._path}: no query is named {name!r}; there are: {known}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._queries

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)


def load(module_file: str, name: str = "queries.sql") -> Queries:
    """The queries beside the module whose `__file__` is given. Raises `QueryFileError`."""
    path = Path(module_file).with_name(name)
    return Queries(path, parse(path.read_text(encoding="utf-8"), str(path)))


def parse(text: str, where: str) -> dict[str, Query]:
    """`{name: query}` in the order of the file. `where` begins every complaint."""
    head, *parts = _START.split(text)
    if _statement(head):
        raise QueryFileError(f"{where}: there is SQL before the first `-- name:` line")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        query = _query(name.strip(), body, where)
        if query.name in queries:
            raise QueryFileError(f"{where}: two queries are named {query.name!r}")
        queries[query.name] = query
    return queries


def _query(name: str, body: str, where: str) -> Query:
    if not _NAME.fullmatch(name):
        raise QueryFileError(f"{where}: {name!r} is not a name; names are lower_case_words")
    description = _description(body)
    if not description:
        raise QueryFileError(f"{where}: {name} needs a `--` line that says what it does")
    sql = _statement(body)
    if not sql:
        raise QueryFileError(f"{where}: {name} has no statement")
    return Query(name, description, sql)


def _description(body: str) -> str:
    words = []
    for line in body.strip().splitlines():
        if not line.startswith("--"):
            break
        words.append(line.removeprefix("--").strip())
    return " ".join(words).strip()


def _statement(body: str) -> str:
    """Leading comments and the final semicolon removed; comments within stay."""
    lines = body.strip().splitlines()
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        lines.pop(0)
    return "\n".join(lines).strip().removesuffix(";").rstrip()
