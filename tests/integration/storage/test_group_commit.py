"""The group commit over a real table: what was answered is what is there."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from triform.storage.database import Database, Lane
from triform.storage.errors import DatabaseUnavailable
from triform.storage.group_commit import GroupCommit

INSERT = "insert into notes (id, text) select * from unnest($1::int[], $2::text[]) returning id"

Note = tuple[int, str]


@pytest.fixture
async def notes(database: Database) -> Database:
    await database.execute("create table notes (id int primary key, text text check (text <> 'poison'))")
    return database


def _group(lane: Lane) -> GroupCommit[Note, int]:
    async def flush(batch: Sequence[Note]) -> list[int]:
        rows = await lane.fetch(INSERT, [note[0] for note in batch], [note[1] for note in batch])
        return [row["id"] for row in rows]

    return GroupCommit(flush, key=lambda note: note[0])


async def test_many_callers_share_few_commits_and_each_row_is_there_once(notes: Database) -> None:
    group = _group(notes.lane())
    answers = await asyncio.gather(*(group.submit((number, "x")) for number in range(500)))
    assert answers == list(range(500))
    assert await notes.fetchval("select count(*) from notes") == 500
    assert group.figures.flushes < 20


async def test_a_row_that_breaks_a_constraint_fails_alone(notes: Database) -> None:
    group = _group(notes.lane())
    items = [(1, "x"), (2, "poison"), (3, "x"), (1, "again")]
    answers = await asyncio.gather(*(group.submit(item) for item in items), return_exceptions=True)
    assert answers[0] == 1
    assert answers[2] == 3
    assert isinstance(answers[1], asyncpg.CheckViolationError)
    assert isinstance(answers[3], asyncpg.UniqueViolationError)


async def test_a_lost_connection_reaches_every_waiter_and_the_next_flush_has_a_new_one(notes: Database) -> None:
    lane = notes.lane()

    async def flush(batch: Sequence[Note]) -> list[int]:
        if any(text == "cut" for _, text in batch):
            await lane.execute("select pg_terminate_backend(pg_backend_pid())")
        rows = await lane.fetch(INSERT, [note[0] for note in batch], [note[1] for note in batch])
        return [row["id"] for row in rows]

    group = GroupCommit(flush, key=lambda note: note[0])
    answers = await asyncio.gather(group.submit((1, "x")), group.submit((2, "cut")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
    assert await group.submit((3, "x")) == 3
    assert [row["id"] for row in await notes.fetch("select id from notes")] == [3]
