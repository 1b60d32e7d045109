"""The supervised server itself: each test starts its own, with durability on."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest
import uvloop

from triform.storage.database import Database
from triform.storage.dsn import as_role, at_database
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.embedded import launch as launching
from triform.storage.embedded.binaries import Binaries
from triform.storage.errors import DataDirInUse, EmbeddedPostgresFailed
from triform.storage.migrate import migrate_circle, migrate_platform

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses another user for Postgres")


async def _put(dsn: str, value: int) -> None:
    async with Database(dsn, pool_size=1) as database:
        await database.execute("create table if not exists public.kept (value int primary key)")
        await database.execute("insert into public.kept values ($1)", value)


async def _kept(dsn: str) -> list[int]:
    async with Database(dsn, pool_size=1, patience_s=30) as database:
        return [row["value"] for row in await database.fetch("select value from public.kept order by 1")]


def _binaries_without_room(root: Path) -> Binaries:
    initdb = root / "bin" / "initdb"
    initdb.parent.mkdir(parents=True)
    initdb.write_text("#!/bin/sh\necho 'could not write: No space left on device' >&2\nexit 1\n")
    initdb.chmod(0o755)
    return Binaries(root, root.with_name("fake.libs"), 18)


def _user_and_program(pid: int | None) -> tuple[int, Path]:
    process = Path(f"/proc/{pid}")
    return process.stat().st_uid, (process / "exe").readlink()


async def test_what_was_committed_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg") as dsn:
        await _put(dsn, 1)
    async with EmbeddedPostgres(tmp_path / "pg") as dsn:
        assert await _kept(dsn) == [1]


async def test_nothing_listens_on_tcp_and_nobody_gets_in_without_a_password(home: Path) -> None:
    async with EmbeddedPostgres(home) as dsn, Database(dsn) as database:
        assert await database.fetchval("show listen_addresses") == ""
        assert await database.fetchval("show fsync") == "on"
        assert await database.fetchval("show synchronous_commit") == "on"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(as_role(dsn, "triform", "wrong"))


async def test_a_role_of_its_own_logs_in_with_its_password(home: Path) -> None:
    async with EmbeddedPostgres(home) as dsn, Database(dsn) as database:
        await migrate_platform(database)
        await database.execute("create role circle_1 login password 'p@ss/word'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):  # Not before it belongs to a circle.
            await Database(as_role(dsn, "circle_1", "p@ss/word")).open()
        async with database.transaction() as tx:
            await migrate_circle(tx, schema="circle_1", role="circle_1")
        async with Database(as_role(dsn, "circle_1", "p@ss/word")) as other:
            assert await other.fetchval("select current_user") == "circle_1"


async def test_a_killed_server_comes_back_with_everything_committed(home: Path) -> None:
    restarted = asyncio.Event()
    server = EmbeddedPostgres(home, restarted=lambda pid: restarted.set())
    async with server as dsn:
        await _put(dsn, 1)
        killed = server.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        await asyncio.wait_for(restarted.wait(), 60)
        assert server.pid not in (None, killed)
        assert await _kept(dsn) == [1]


async def test_a_server_that_cannot_come_back_yet_is_tried_again(home: Path) -> None:
    restarted = asyncio.Event()
    server = EmbeddedPostgres(home, restarted=lambda pid: restarted.set())
    async with server as dsn:
        await _put(dsn, 1)
        hidden = home / "away"
        (home / "data").rename(hidden)
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        while server.pid is not None:  # noqa: ASYNC110 - going away is not announced, only coming back
            await asyncio.sleep(0.01)
        hidden.rename(home / "data")
        await asyncio.wait_for(restarted.wait(), 60)
        assert await _kept(dsn) == [1]


def test_it_is_supervised_in_the_event_loop_of_production_too(home: Path) -> None:
    async def kill_and_see() -> list[int]:
        restarted = asyncio.Event()
        server = EmbeddedPostgres(home, restarted=lambda pid: restarted.set())
        async with server as dsn:
            await _put(dsn, 1)
            assert server.pid
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.wait_for(restarted.wait(), 60)
            return await _kept(dsn)

    assert uvloop.run(kill_and_see()) == [1]


async def test_two_servers_never_share_a_data_directory(home: Path) -> None:
    async with EmbeddedPostgres(home):
        with pytest.raises(DataDirInUse, match="Another Triform server"):
            await EmbeddedPostgres(home).start()


async def test_a_home_too_long_for_a_socket_works_all_the_same(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / ("long" * 20) / ("path" * 20)) as dsn:
        await _put(dsn, 1)


async def test_a_home_with_odd_letters_works_all_the_same(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "a b, c'd") as dsn:
        await _put(dsn, 1)


async def test_data_of_another_postgres_version_is_refused_untouched(tmp_path: Path) -> None:
    data = tmp_path / "pg" / "data"
    data.mkdir(parents=True)
    (tmp_path / "pg" / "password").write_text("x\n")
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedPostgresFailed, match="written by Postgres 12"):
        await EmbeddedPostgres(tmp_path / "pg").start()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


async def test_a_creation_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(tmp_path / "pg") as dsn:
        await _put(dsn, 1)


async def test_a_full_disk_at_creation_is_said_with_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = _binaries_without_room(tmp_path / "fake")
    monkeypatch.setattr("triform.storage.embedded.server.find_binaries", lambda: fake)
    server = EmbeddedPostgres(tmp_path / "pg")
    for _ in range(2):  # The failed start released everything it held.
        with pytest.raises(EmbeddedPostgresFailed, match="disk is full"):
            await server.start()


async def test_settings_it_cannot_run_with_fail_the_start_with_what_it_said(home: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed) as caught:
        await EmbeddedPostgres(home, settings={"shared_buffers": "nonsense"}).start()
    assert "shared_buffers" in caught.value.detail


@as_root
async def test_root_without_namespaces_runs_it_as_nobody_from_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    monkeypatch.setattr(launching, "_in_user_namespace", lambda: ())
    monkeypatch.setattr("triform.storage.embedded.borrowed._open_to_all", lambda path: path == open_folder)
    server = EmbeddedPostgres(open_folder / "pg")
    async with server as dsn:
        await _put(dsn, 1)
        user, program = _user_and_program(server.pid)
        assert user == launching.NOBODY
        assert program.is_relative_to(open_folder / "pg")
    monkeypatch.undo()
    async with EmbeddedPostgres(open_folder / "pg") as dsn:  # And back, where namespaces work.
        assert await _kept(dsn) == [1]


@as_root
async def test_as_nobody_a_home_only_root_can_reach_is_refused_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "_in_user_namespace", lambda: ())
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresFailed, match="only root can enter") as caught:
        await EmbeddedPostgres(closed / "pg").start()
    assert caught.value.suggestion is not None
    assert "TRIFORM_DATA_DIR" in caught.value.suggestion.fix


async def test_another_database_of_the_same_server_is_one_url_away(home: Path) -> None:
    async with EmbeddedPostgres(home) as dsn, Database(at_database(dsn, "postgres")) as database:
        assert await database.fetchval("select current_database()") == "postgres"
