"""Group commit: many callers, one flush.

    submit ─┐                              ┌─ result
    submit ─┼─▶ waiting ─▶ [batch] ─▶ flush ┼─ result
    submit ─┘      ▲          one at a time └─ error
                   └── whatever arrives meanwhile is the next batch

The first waiter starts the flusher, which takes everything that is waiting; what comes while it writes goes
with the next flush. There is no timer, so a lone caller pays nothing for the company it does not have.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from triform.storage.errors import DatabaseUnavailable

log = structlog.get_logger()

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class GroupCommitFigures:
    """Counters since the start; a metrics reader takes them as they are."""

    flushes: int = 0
    items: int = 0
    largest: int = 0
    retried_alone: int = 0


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    future: asyncio.Future[Result]


class GroupCommit(Generic[Item, Result]):
    """`flush` writes a batch in one transaction and returns one result per item, in the batch's order.

    Batches hold at most `max_batch` items, sorted by `key` (so that two processes lock rows in the same
    order). A batch that fails is tried again item by item, so that one poisoned item fails alone; a lost
    database is not tried again: everybody in the batch gets `DatabaseUnavailable`.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        key: Callable[[Item], Any],
        max_batch: int = 256,
        name: str = "group-commit",
    ) -> None:
        self._flush = flush
        self._key = key
        self._max_batch = max_batch
        self.name = name
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self.figures = GroupCommitFigures()

    @property
    def waiting(self) -> int:
        """Items that the next flush will take."""
        return len(self._waiting)

    async def submit(self, item: Item) -> Result:
        """Returns `flush`'s result for this item, once it is written; raises what writing it raised.

        Cancelling the caller takes back the waiting, not the item: it is still written, or its failure logged.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, future))
        if self._flusher is None:
            # An empty context: the first caller's trace and log fields are not the batch's.
            run = self._run()
            self._flusher = asyncio.create_task(run, name=self.name, context=contextvars.Context())
        return await future

    async def drain(self) -> None:
        """Returns when nothing is waiting any more; for an orderly shutdown, after the callers have stopped."""
        while self._flusher is not None:
            await asyncio.wait({self._flusher})

    async def _run(self) -> None:
        batch: list[_Waiting[Item, Result]] = []
        try:
            while self._waiting:
                batch = self._take()
                await self._write(batch)
        finally:
            self._flusher = None
            self._abandon([*batch, *self._waiting])

    def _take(self) -> list[_Waiting[Item, Result]]:
        size = min(self._max_batch, len(self._waiting))
        return [self._waiting.popleft() for _ in range(size)]

    async def _write(self, batch: list[_Waiting[Item, Result]]) -> None:
        try:
            await self._write_together(batch)
        except DatabaseUnavailable as error:
            for waiting in batch:
                self._fail([waiting], _same(error))
        except Exception as error:
            if len(batch) == 1:
                self._fail(batch, error)
            else:
                await self._write_alone(batch)

    async def _write_together(self, batch: list[_Waiting[Item, Result]]) -> None:
        batch.sort(key=lambda waiting: self._key(waiting.item))
        results = await self._flush([waiting.item for waiting in batch])
        self.figures.flushes += 1
        self.figures.items += len(batch)
        self.figures.largest = max(self.figures.largest, len(batch))
        if len(results) != len(batch):  # Written already, so not to be tried again.
            self._fail(batch, RuntimeError(f"{self.name}: {len(results)} results for {len(batch)} items"))
            return
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(result)

    async def _write_alone(self, batch: list[_Waiting[Item, Result]]) -> None:
        self.figures.retried_alone += len(batch)
        for waiting in batch:
            await self._write([waiting])

    def _fail(self, batch: list[_Waiting[Item, Result]], error: Exception) -> None:
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)
            elif waiting.future.cancelled():
                log.error("group_commit_item_lost", group=self.name, error=repr(error))

    def _abandon(self, left: list[_Waiting[Item, Result]]) -> None:
        """Only when the flusher itself was cancelled: nobody is left waiting for ever."""
        self._waiting.clear()
        self._fail([waiting for waiting in left if not waiting.future.done()], _stopped())


def _same(error: DatabaseUnavailable) -> DatabaseUnavailable:
    """One instance for each waiter: an exception raised in many tasks collects all their tracebacks."""
    copy = DatabaseUnavailable(error.message, detail=error.detail, suggestion=error.suggestion)
    copy.__cause__ = error
    return copy


def _stopped() -> DatabaseUnavailable:
    return DatabaseUnavailable("The server is shutting down; whether this was written is unknown.")
