"""What the server keeps, writes and starts has no secret value in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from tests.acceptance import processes
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.disclosure import LINES, OTHER, PRINT, SECRET, UNHEARD, assert_nothing_of, forms_of, secret


async def test_neither_tables_nor_files_nor_processes_have_the_value(
    start_server: StartServer, empty_database_dsn: str
) -> None:
    server = start_server(database_url=empty_database_dsn, log_level="debug")
    async with client_of(server) as http:
        circle = await sign_in(http)
        element = await circle.ruby(PRINT, environment={"TOKEN": secret(SECRET), "KEY": secret(LINES)})
        await element.post("/ops/deploy")
        for end in ("return", "raise", "cut"):
            await element.invoke({"end": end, "t": SECRET}, key=end)
            await element.ended(await element.start({"end": end, "t": SECRET, "name": "KEY"}))
        await element.patch({"spec": {"environment": {"TOKEN": secret(OTHER)}}}, headers={"Idempotency-Key": "k"})
        twice = json.dumps({"spec": {"environment": {"TOKEN": secret(UNHEARD)}}})[:-1] + ', "spec": {}}'
        await element.request("PATCH", content=twice, headers={"Content-Type": "application/json"})
        holding = await circle.ruby(
            "def handler(input)\n  puts 'there'\n  sleep\nend\n", environment={"T": secret(SECRET)}
        )
        run_id = await holding.start()
        await holding.printed(run_id, "there")
        _look_into_processes(server.pid)
        await holding.cancel(run_id)
        for run in (await circle.get("/ops/runs", params={"operation": "*", "limit": 500})).json()["runs"]:
            for value in (SECRET, LINES, OTHER, UNHEARD):
                assert_nothing_of(value, json.dumps(run, ensure_ascii=False))
    for place, content in [*(await _tables(empty_database_dsn)), *_files(server.data_dir)]:
        for value in (SECRET, LINES, OTHER, UNHEARD):
            for form in forms_of(value):
                assert form.encode() not in content, (place, form)
                assert form.encode().hex().encode() not in content, (place, form)


def _look_into_processes(pid: int) -> None:
    for alive in processes.below(pid):
        for name in ("environ", "cmdline"):
            content = _read(Path(f"/proc/{alive.pid}/{name}"))
            for value in (SECRET, LINES, OTHER, UNHEARD):
                assert value.encode() not in content, (alive.pid, name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def _tables(dsn: str) -> list[tuple[str, bytes]]:
    """Every column of every table of the platform, bytes as they are and the rest as text."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE ALL ('{pg_%,inf%}')"
        )
        assert len(tables) > 10
        found = []
        for schema, table in tables:
            rows = await connection.fetch(f'SELECT * FROM "{schema}"."{table}"')
            cells = [
                cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row.values()
            ]
            found.append((f"{schema}.{table}", b"\n".join(cells)))
        return found
    finally:
        await connection.close()


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Logs, spool, code: all the server has written."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
