"""What is left when our own process is killed, as whoever we are and as an ordinary user."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

import triform

SCRIPT = """
import asyncio, sys
from pathlib import Path
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.database import Database
from triform.observability.logging import configure_logging

async def main():
    configure_logging()
    server = EmbeddedPostgres(Path(sys.argv[1]))
    async with server as dsn, Database(dsn) as database:
        await database.execute("create table if not exists public.kept (at serial)")
        await database.execute("insert into public.kept default values")
        print(server.pid, await database.fetchval("select count(*) from public.kept"), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""

PATHS = [str(Path(triform.__file__).parents[1]), str(Path(asyncpg.__file__).parents[1])]
ORDINARY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
REACHING_THE_INTERPRETER = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""Where Python or the project lives under /root, the ordinary user may read it all the same, and nothing more."""


def _as_ordinary_user() -> list[str]:
    needed = [Path(path).resolve() for path in (sys.executable, *PATHS)]
    reachable = all(folder.stat().st_mode & 0o001 for path in needed for folder in path.parents)
    return [*ORDINARY, *(() if reachable else REACHING_THE_INTERPRETER)]


WAYS = [
    pytest.param([], id="as we are"),
    pytest.param(
        _as_ordinary_user() if os.geteuid() == 0 else [],
        id="as an ordinary user",
        marks=pytest.mark.skipif(os.geteuid() != 0, reason="we are an ordinary user: the first way is this one"),
    ),
]


def _serve(way: list[str], home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*way, sys.executable, "-c", SCRIPT, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(PATHS)},
        cwd="/",
    )


def _facts(server: "subprocess.Popen[str]") -> tuple[int, int]:
    """Postgres' pid and how many rows it holds, once it serves."""
    assert server.stdout
    pid, rows = server.stdout.readline().split()
    return int(pid), int(rows)


def _wait_for_end(pid: int) -> None:
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([watch], [], [], 30)[0], "Postgres outlived the server that started it"
    os.close(watch)


@pytest.mark.parametrize("way", WAYS)
def test_postgres_ends_with_a_server_that_was_killed_and_the_next_one_finds_the_data(
    way: list[str], open_folder: Path
) -> None:
    with _serve(way, open_folder / "pg") as first:
        postgres, rows = _facts(first)
        assert rows == 1
        first.kill()
        _wait_for_end(postgres)
    with _serve(way, open_folder / "pg") as second:
        assert _facts(second)[1] == 2


@pytest.mark.parametrize("way", WAYS)
def test_an_orphan_that_did_survive_is_ended_by_the_next_server(way: list[str], open_folder: Path) -> None:
    with _serve(way, open_folder / "pg") as first:
        postgres, _ = _facts(first)
        command = Path(f"/proc/{postgres}/cmdline").read_text().split("\0")[:-1]
        first.kill()
        _wait_for_end(postgres)
    with _orphan(way, command) as orphan, _serve(way, open_folder / "pg") as second:
        assert _facts(second)[1] == 2
        assert orphan.poll() is not None, "the orphan still runs beside the new server"


@contextmanager
def _orphan(way: list[str], command: list[str]) -> "Iterator[subprocess.Popen[str]]":
    """A postmaster on that data that nobody supervises, ready to serve."""
    namespace = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
    become = way or (namespace if os.geteuid() == 0 else ())
    with subprocess.Popen([*become, *command], stderr=subprocess.PIPE, text=True, cwd="/") as orphan:
        assert orphan.stderr
        try:
            assert any("ready to accept connections" in line for line in orphan.stderr)
            yield orphan
        finally:
            orphan.kill()


def test_ctrl_c_in_our_terminal_does_not_reach_postgres_past_us(open_folder: Path) -> None:
    with _serve([], open_folder / "pg") as server:
        postgres, _ = _facts(server)
        assert os.getsid(postgres) != os.getsid(server.pid)
