"""Which runs somebody asks for: read from a call, written as SQL."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple, get_args
from uuid import UUID

import msgspec

from triform.clock import read_rfc3339
from triform.elements.request import refuse
from triform.errors import Complaint
from triform.ids import first_at, last_at
from triform.runs.call import Call
from triform.runs.model import Status, Trigger

PAGE = 50
LONGEST_PAGE = 500
FARTHEST = 1_000_000
EVERY_OPERATION = "*"

_CLOCK_STEP = timedelta(days=1)
"""Ids follow the clock, but never go back with it; further than this they are not believed to run ahead."""

_MENTIONS = r"""(starts_with(r.run_id::text, lower(?)) OR r.error_code = upper(?) OR position(lower(?) IN lower(
    substring(convert_from(r.error, 'UTF8') FROM '"message":"(([^"\\]|\\.)*)"'))) > 0)"""
"""The message is compared as the JSON text it is stored as; `->>` would refuse one with a NUL in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """None = no such restriction; without `operation` only executions of user work are listed.

    `operations`: of these alone. `originals`: no runs that repeat others.
    """

    status: str | None = None
    operation: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    version: int | None = None
    trigger: str | None = None
    batch: UUID | None = None
    operations: Sequence[str] | None = None
    originals: bool = False
    q: str | None = None
    before: UUID | None = None
    limit: int = PAGE
    offset: int = 0


def read_filter(call: Call) -> RunFilter:
    """The filter a call asks for. Raises InvalidInput that names every argument that cannot be read."""
    found: dict[str, Any] = {}
    complaints = []
    for name, (read, rule) in _ARGUMENTS.items():
        if (value := call.argument(name)) is None:
            continue
        try:
            found[name] = read(value)
        except (ValueError, TypeError, AttributeError, NotBase64, OverflowError):
            complaints.append(Complaint(f"/{name}", f"this is {rule}"))
    if complaints:
        raise refuse(*complaints)
    found["before"] = found.pop("next", None)
    return RunFilter(**found)


def cursor_after(run_id: UUID) -> str:
    """What to hand in as `next` for the page behind this run."""
    return urlsafe_b64encode(run_id.bytes).decode().rstrip("=")


def condition(circle_id: UUID, element_id: UUID | None, wanted: RunFilter, first: int) -> tuple[str, list[Any]]:
    """`WHERE … LIMIT …` and its values; placeholders are numbered from `first`. No element = the whole circle.

    One row more than the page is asked for, to know whether there is a next one.
    """
    terms = [*_place(circle_id, element_id), *_what(wanted), *_when(wanted)]
    text = f"WHERE {' AND '.join(term.sql for term in terms)} ORDER BY r.run_id DESC LIMIT ? OFFSET ?"
    values = [value for term in terms for value in term.values]
    numbers = count(first)
    sql = re.sub(r"\?", lambda _: f"${next(numbers)}", text)
    return sql, [*values, wanted.limit + 1, wanted.offset]


class _Term(NamedTuple):
    """A condition with a `?` for each of its values."""

    sql: str
    values: tuple[Any, ...] = ()


def _place(circle_id: UUID, element_id: UUID | None) -> Iterator[_Term]:
    yield _Term("r.circle_id = ?", (circle_id,))
    if element_id is not None:
        yield _Term("r.element_id = ?", (element_id,))


def _what(wanted: RunFilter) -> Iterator[_Term]:
    if wanted.operation is None:
        yield _Term("r.execution")
    elif wanted.operation != EVERY_OPERATION:
        yield _Term("r.operation = ?", (wanted.operation,))
    for column, value in (
        ("status", wanted.status),
        ("trigger", wanted.trigger),
        ("element_version", wanted.version),
        ("batch", wanted.batch),
    ):
        if value is not None:
            yield _Term(f"r.{column} = ?", (value,))
    if wanted.operations is not None:
        yield _Term("r.operation = ANY (?::text[])", (list(wanted.operations),))
    if wanted.originals:
        yield _Term("r.replay_of IS NULL")
    if wanted.q is not None:
        yield _Term(_MENTIONS, (wanted.q, wanted.q, _as_json_text(wanted.q)))


def _when(wanted: RunFilter) -> Iterator[_Term]:
    """`created_at` decides; ids are bounded too, so that not every partition is read."""
    if wanted.before is not None:
        yield _Term("r.run_id < ?", (wanted.before,))
    if wanted.since is not None:
        yield _Term("r.created_at >= ?", (wanted.since,))
        yield _Term("r.run_id >= ?", (first_at(wanted.since - _CLOCK_STEP),))
    if wanted.until is not None:
        yield _Term("r.created_at < ?", (wanted.until,))
        yield _Term("r.run_id <= ?", (last_at(wanted.until + _CLOCK_STEP),))


def _as_json_text(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def _one_of(*names: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(value)
        return str(value)

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or "\0" in value:
        raise ValueError(value)
    return value


def _time(value: str) -> datetime:
    return min(max(read_rfc3339(value), _EARLIEST), _LATEST)


def _number(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) < 10):
            raise ValueError(value)
        if isinstance(value, bool) or not least <= int(value) <= most or int(value) != float(value):
            raise ValueError(value)
        return int(value)

    return read


def _cursor(value: Any) -> UUID:
    return UUID(bytes=urlsafe_b64decode(f"{value}=="))


_LONGEST_TEXT = 200
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Nothing runs before or after; what is asked for beyond is the same as these."""
_A_TIME = "a time with its zone, like 2026-01-31T12:00:00Z"
_ARGUMENTS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "status": (_one_of(*Status), f"one of {', '.join(Status)}"),
    "operation": (_text, "the name of an operation, or * for all"),
    "since": (_time, _A_TIME),
    "until": (_time, _A_TIME),
    "version": (_number(1, 2**31 - 1), "a version, counted from 1"),
    "trigger": (_one_of(*get_args(Trigger)), f"one of {', '.join(get_args(Trigger))}"),
    "batch": (UUID, "the id of a runs_replay"),
    "q": (_text, f"a text of at most {_LONGEST_TEXT} characters"),
    "limit": (_number(1, LONGEST_PAGE), f"a whole number from 1 to {LONGEST_PAGE}"),
    "offset": (_number(0, FARTHEST), f"a whole number from 0 to {FARTHEST}"),
    "next": (_cursor, "the `next` of the page before"),
}
