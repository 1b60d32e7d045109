"""A run read back from its row: the call it was accepted with, and the lines it had printed."""

import msgspec

from triform.circles.model import on_behalf_of
from triform.errors import NotFound
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.runs.call import Call
from triform.runs.logs import SYSTEM, Kept, Line, LogBook
from triform.runs.model import LogSummary, Run
from triform.runs.rows import run_from_row
from triform.storage.database import Row

_LINES = msgspec.json.Decoder(tuple[Line, ...])


async def call_of(run: Run, house: House) -> Call:
    """Raises NotFound when the element or its type is gone, ElementDisabled when it may not run now,
    SecretUnreadable when its input cannot be decrypted."""
    element = await house.elements.at_version(run.circle_id, run.element_id, run.element_version)
    kind = house.catalogue.find(element.element_type)
    operation = kind.operation(run.operation) if kind else None
    if kind is None or operation is None:
        raise NotFound(f"{element.element_type} has no operation {run.operation} any more.")
    await house.elements.ensure_usable(element, operation)
    body = _exact_input(run, house)
    call = Call(
        principal=on_behalf_of(run.circle_id, run.circle, run.actor, run.created_at),
        element=element,
        type=kind,
        operation=operation,
        input=msgspec.json.decode(body),
        body=body,
        received_at=run.created_at,
        trigger=run.trigger,
        env=run.env,
        trace_id=run.trace_id,
    )
    return await house.elements.equipped(call)


def live_run(row: Row, house: House, spooled: tuple[Line, ...] = ()) -> LiveRun:
    """The run as its next attempt (or its end) finds it; `spooled` lines were not in the database yet."""
    run = run_from_row(row).evolve(sealed_input=row["sealed_input"])
    book = LogBook(house.clock, house.bounds.log_bytes, _kept(row["lines"], run.logs, spooled))
    return LiveRun(run, book, attempt=row["attempt"], accepted=row["traceparent"])


def _exact_input(run: Run, house: House) -> bytes:
    """Raises SecretUnreadable."""
    if run.sealed_input is not None:
        return house.secrets.open_input(run.run_id, run.sealed_input)
    return run.input or b"{}"


def _kept(stored: bytes | None, summary: LogSummary, spooled: tuple[Line, ...]) -> Kept:
    lines = tuple(line for line in _LINES.decode(stored) if line.stream != SYSTEM) if stored else ()
    last = lines[-1].seq if lines else 0
    fresh = tuple(line for line in spooled if line.seq > last)
    total = max(summary.total, fresh[-1].seq if fresh else 0)
    return Kept(lines + fresh, LogSummary(total, summary.dropped, summary.complete))
