"""The database of an instance, reached from another process than its server's, whether that runs or not."""

import os
from pathlib import Path

import pytest

from triform.storage.embedded import EmbeddedPostgres
from triform.storage.errors import DatabaseUnavailable
from triform.storage.opening import reached


async def _pid(folder: Path) -> int:
    async with reached(None, folder) as database:
        assert database is not None
        await database.execute("create table if not exists public.kept (value int)")
        return int((folder / "data/postmaster.pid").read_text().split()[0])


async def test_a_running_server_is_used_and_goes_on(home: Path) -> None:
    server = EmbeddedPostgres(home)
    async with server:
        running = server.pid
        assert await _pid(home) == running
        assert server.pid == running
        async with reached(None, home) as database:
            assert database is not None
            assert await database.fetchval("select count(*) from public.kept") == 0


async def test_a_stopped_server_runs_for_this_while(home: Path) -> None:
    async with EmbeddedPostgres(home):
        pass
    started = await _pid(home)
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)


async def test_a_server_that_was_killed_is_started_again(home: Path, tmp_path: Path) -> None:
    server = EmbeddedPostgres(home)
    async with server:
        pass
    killed = home / "data/postmaster.pid"
    killed.write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n{tmp_path / 'nowhere'}\n\n\n")
    assert await _pid(home) != os.getpid()


async def test_where_there_never_was_one_nothing_is_made(tmp_path: Path) -> None:
    async with reached(None, tmp_path / "pg") as database:
        assert database is None
    assert not (tmp_path / "pg").exists()


async def test_a_server_of_ones_own_is_reached_by_its_address(database_dsn: str, tmp_path: Path) -> None:
    async with reached(database_dsn, tmp_path) as database:
        assert database is not None
        assert await database.fetchval("select count(*) from triform.circles") == 0


async def test_a_folder_of_somebody_else_is_refused_in_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with EmbeddedPostgres(home):
        pass

    def forbidden(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", forbidden)
    with pytest.raises(DatabaseUnavailable, match="cannot be read"):
        async with reached(None, home):
            pass
