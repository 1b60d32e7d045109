"""The group commit against a flush that records what it was given; over Postgres in tests/integration."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.storage.errors import DatabaseUnavailable
from triform.storage.group_commit import GroupCommit

POISON = range(900, 1000)


class Book:
    """A flush that fails as a whole when its batch holds poison, like a transaction."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()

    async def flush(self, batch: Sequence[int]) -> list[str]:
        self.batches.append(list(batch))
        self.started.set()
        await self.gate.wait()
        if any(item in POISON for item in batch):
            raise ValueError("poison")
        self.written.extend(batch)
        return [f"wrote {item}" for item in batch]

    def group(self, max_batch: int = 256) -> GroupCommit[int, str]:
        return GroupCommit(self.flush, key=lambda item: item, max_batch=max_batch)


@given(
    waves=st.lists(st.lists(st.integers(0, 1000), max_size=20), max_size=5),
    cancelled=st.sets(st.integers(0, 99), max_size=10),
    max_batch=st.integers(1, 8),
)
@examples(100)
async def test_every_item_is_written_once_and_answered_unless_it_is_poison(
    waves: list[list[int]], cancelled: set[int], max_batch: int
) -> None:
    book = Book()
    group = book.group(max_batch)
    tasks: list[asyncio.Task[str]] = []
    for wave in waves:
        tasks.extend(asyncio.create_task(group.submit(item)) for item in wave)
        await asyncio.sleep(0)
        for index in cancelled & set(range(len(tasks))):
            tasks[index].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    await group.drain()
    items = [item for wave in waves for item in wave]
    for item, answer in zip(items, answers, strict=True):
        if not isinstance(answer, asyncio.CancelledError):
            assert (isinstance(answer, ValueError)) if item in POISON else (answer == f"wrote {item}")
    kept = [item for item in items if item not in POISON]
    assert len(book.written) <= len(kept)
    answered = [item for item, answer in zip(items, answers, strict=True) if isinstance(answer, str)]
    assert Counter(answered) <= Counter(book.written) <= Counter(kept)
    assert all(batch == sorted(batch) and len(batch) <= max_batch for batch in book.batches)


async def test_a_lone_item_is_written_at_once_and_alone() -> None:
    book = Book()
    assert await book.group().submit(7) == "wrote 7"
    assert book.batches == [[7]]


async def test_what_arrives_during_a_flush_goes_together_with_the_next_one_sorted() -> None:
    book = Book()
    group = book.group()
    book.gate.clear()
    first = asyncio.create_task(group.submit(5))
    await book.started.wait()
    rest = [asyncio.create_task(group.submit(item)) for item in (4, 1, 3)]
    await asyncio.sleep(0)
    book.gate.set()
    assert await asyncio.gather(first, *rest) == ["wrote 5", "wrote 4", "wrote 1", "wrote 3"]
    assert book.batches == [[5], [1, 3, 4]]
    assert (group.figures.flushes, group.figures.items, group.figures.largest) == (2, 4, 3)


async def test_a_caller_who_is_cancelled_disturbs_nobody_and_is_still_written() -> None:
    book = Book()
    group = book.group()
    book.gate.clear()
    leaver = asyncio.create_task(group.submit(1))
    stayer = asyncio.create_task(group.submit(2))
    await book.started.wait()
    leaver.cancel()
    with suppress(asyncio.CancelledError):
        await leaver
    book.gate.set()
    assert await stayer == "wrote 2"
    assert book.written == [1, 2]


async def test_one_poisoned_item_fails_alone() -> None:
    book = Book()
    group = book.group()
    answers = await asyncio.gather(*(group.submit(item) for item in (1, 900, 2)), return_exceptions=True)
    assert answers[0] == "wrote 1"
    assert isinstance(answers[1], ValueError)
    assert answers[2] == "wrote 2"
    assert book.batches == [[1, 2, 900], [1], [2], [900]]
    assert group.figures.retried_alone == 3


async def test_a_lost_database_is_told_to_everybody_and_not_tried_item_by_item() -> None:
    calls = []

    async def flush(batch: Sequence[int]) -> list[str]:
        calls.append(list(batch))
        raise DatabaseUnavailable(detail="gone")

    group = GroupCommit(flush, key=lambda item: item)
    answers = await asyncio.gather(*(group.submit(item) for item in (1, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
    assert answers[0] is not answers[1]
    assert calls == [[1, 2]]


async def test_the_next_submit_after_a_failure_starts_afresh() -> None:
    book = Book()
    group = book.group()
    with pytest.raises(ValueError, match="poison"):
        await group.submit(900)
    assert await group.submit(1) == "wrote 1"


async def test_a_flush_that_answers_too_little_is_an_error_and_is_not_repeated() -> None:
    calls = []

    async def flush(batch: Sequence[int]) -> list[str]:
        calls.append(list(batch))
        return ["only one"]

    group = GroupCommit(flush, key=lambda item: item, name="short")
    answers = await asyncio.gather(*(group.submit(item) for item in (1, 2)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["short: 1 results for 2 items"] * 2
    assert calls == [[1, 2]]


async def test_an_item_that_cannot_be_sorted_fails_alone() -> None:
    async def flush(batch: Sequence[object]) -> Sequence[object]:
        return batch

    def key(item: object) -> int:
        if not isinstance(item, int):
            raise TypeError("no order")
        return item

    group = GroupCommit(flush, key=key)
    answers = await asyncio.gather(*(group.submit(item) for item in (2, "x", 1)), return_exceptions=True)
    assert [answers[0], answers[2]] == [2, 1]
    assert isinstance(answers[1], TypeError)


async def test_draining_returns_when_everything_is_written() -> None:
    book = Book()
    group = book.group(max_batch=1)
    tasks = [asyncio.create_task(group.submit(item)) for item in range(5)]
    await asyncio.sleep(0)
    await group.drain()
    assert book.written == [0, 1, 2, 3, 4]
    await asyncio.gather(*tasks)


async def test_nobody_waits_for_ever_when_the_flusher_is_killed() -> None:
    book = Book()
    group = book.group()
    book.gate.clear()
    first = asyncio.create_task(group.submit(1))
    await book.started.wait()
    second = asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    (flusher,) = (task for task in asyncio.all_tasks() if task.get_name() == "group-commit")
    flusher.cancel()
    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
