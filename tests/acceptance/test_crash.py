"""A server that is killed, and one that is told to stop: nothing hangs, nothing is lost, nothing is left."""

import os
import signal
from functools import partial

import anyio
import httpx2
import pytest

from tests.acceptance import processes
from tests.acceptance.client import GRANT, PRICE, Circle, Element, Json, lines_of, refused, run_id_of, until
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.server import Server

SETTLED_S = 30.0
"""Within which everything a crash interrupted must be settled."""

TICK = """
def handler(input)
  $stdout.sync = true
  input['ticks'].times { |n| puts "tick #{n}"; sleep 0.05 }
  'done'
end
"""
ENDLESS, SHORT = {"ticks": 10_000}, {"ticks": 40}


class _World:
    """A circle on a server of its own, which may be killed and started again over the same data."""

    def __init__(self, start: StartServer) -> None:
        self._start = start
        self.server: Server = start()
        self.circle: Circle
        self.ticking: Element

    async def prepare(self) -> None:
        async with client_of(self.server) as http:
            circle = await sign_in(http, "survivors")
            self.ticking = await circle.ruby(TICK, "ticking", retry={"max_attempts": 2, "backoff_ms": 10})
            self.circle = circle

    def kill_and_start(self) -> None:
        self.server.kill()
        self.server = self._start()

    def seen_through(self, http: httpx2.AsyncClient) -> Element:
        """The element as it answers at the present server, with the token of before."""
        circle = Circle(http, self.circle.name, self.circle.token)
        return Element(circle, self.ticking.slug)


async def _call_in_vain(element: Element, body: Json, key: str) -> None:
    """A synchronous caller whose server goes away."""
    with pytest.raises(httpx2.TransportError):
        await element.invoke(body, key=key)


@pytest.fixture
async def world(start_server: StartServer) -> _World:
    world = _World(start_server)
    await world.prepare()
    return world


async def _crash_with_work(world: _World) -> tuple[str, str, str, set[processes.Alive]]:
    """Kills the server while it carries out a synchronous and an asynchronous run and keeps another waiting.

    The ids of the synchronous, the asynchronous and the waiting run, and the processes there were.
    """
    async with client_of(world.server) as http, anyio.create_task_group() as callers:
        ticking = world.seen_through(http)
        await ticking.patch({"spec": {"concurrency": {"max": 2}}})
        callers.start_soon(_call_in_vain, ticking, ENDLESS, "in-vain")
        (synchronous,) = [run["run_id"] for run in await ticking.some(1, "running")]
        asynchronous = await ticking.start(SHORT)
        for run_id in (synchronous, asynchronous):
            await ticking.printed(run_id, "tick 20")
        waiting = await ticking.start({"ticks": 1})
        alive = processes.below(world.server.pid)
        world.server.kill()
    return synchronous, asynchronous, waiting, alive


async def test_after_kill_9_every_run_is_settled_with_its_logs_and_nothing_is_left(
    world: _World, start_server: StartServer
) -> None:
    synchronous, asynchronous, waiting, alive = await _crash_with_work(world)
    assert len(alive) > 3, "the server, Postgres and sandboxes"
    world.server = start_server()
    async with client_of(world.server) as http:
        ticking = world.seen_through(http)
        await _settled(ticking)
        await _assert_interrupted(ticking, synchronous)
        await _assert_tried_again(ticking, asynchronous)
        assert (await ticking.ended(waiting))["status"] == "completed"
        await _assert_money_is_right(ticking.circle)
        await _assert_key_is_free(ticking, synchronous)

    async def gone() -> bool:
        return not processes.of(alive)

    await until(gone, "no process of the killed server is left", SETTLED_S)


async def _settled(ticking: Element) -> None:
    async def settled() -> bool:
        return all(run["finished_at"] for run in await ticking.runs())

    await until(settled, "no run is stuck", SETTLED_S)


async def _assert_interrupted(ticking: Element, run_id: str) -> None:
    run = await ticking.run(run_id)
    assert (run["status"], run["error"]["code"]) == ("failed", "RUN_INTERRUPTED")
    assert run["error"]["retryable"] is True
    assert run["error"]["_suggestion"]["fix"]
    assert len(run["attempts"]) == 1
    assert lines_of(run)[:19] == [f"tick {number}" for number in range(19)]
    assert run["logs"]["complete"] is False
    assert run["cost_micro_au"] == 0


async def _assert_tried_again(ticking: Element, run_id: str) -> None:
    run = await ticking.run(run_id)
    assert (run["status"], run["output"]) == ("completed", "done")
    assert [(each["status"], each["code"]) for each in run["attempts"]] == [
        ("failed", "RUN_INTERRUPTED"),
        ("completed", None),
    ]
    lines = lines_of(run)
    assert lines[:19] == [f"tick {number}" for number in range(19)]
    assert lines[-40:] == [f"tick {number}" for number in range(40)]


async def _assert_money_is_right(circle: Circle) -> None:
    """Two runs completed; what was interrupted is not charged."""
    assert await circle.wallet() == {"balance_micro_au": GRANT - 2 * PRICE, "held_micro_au": 0}
    assert sum(entry["amount_micro_au"] for entry in await circle.entries()) == GRANT - 2 * PRICE


async def _assert_key_is_free(ticking: Element, interrupted: str) -> None:
    """A run ended by a fault of the platform releases its Idempotency-Key."""
    answer = await ticking.invoke({"ticks": 1}, key="in-vain")
    assert answer.status_code == 200
    assert run_id_of(answer) != interrupted


async def test_what_was_committed_survives_kill_9(world: _World) -> None:
    async with client_of(world.server) as http:
        ticking = world.seen_through(http)
        answer = await ticking.invoke({"ticks": 2}, key="before")
        await ticking.patch({"name": "Renamed"})
        before = [
            await ticking.run(run_id_of(answer)),
            (await ticking.get()).json(),
            await ticking.circle.wallet(),
        ]
        world.kill_and_start()
    async with client_of(world.server) as http:
        ticking = world.seen_through(http)
        assert await _told_about(ticking, run_id_of(answer)) == before
        replayed = await ticking.invoke({"ticks": 2}, key="before")
        assert replayed.headers["Idempotent-Replayed"] == "true"
        assert (await ticking.invoke({"ticks": 1})).json() == "done"


async def _told_about(ticking: Element, run_id: str) -> list[Json]:
    return [await ticking.run(run_id), (await ticking.get()).json(), await ticking.circle.wallet()]


async def test_told_to_stop_it_finishes_what_runs_and_takes_nothing_new(world: _World) -> None:
    async with client_of(world.server) as http, anyio.create_task_group() as callers:
        ticking = world.seen_through(http)
        answers: list[httpx2.Response] = []

        async def call() -> None:
            answers.append(await ticking.invoke(SHORT))

        callers.start_soon(call)
        (run,) = await ticking.some(1, "running")
        await ticking.printed(run["run_id"], "tick 1")
        alive = processes.below(world.server.pid)
        world.server.process.terminate()
        await until(partial(_turned_away, ticking), "new calls are turned away")
    await anyio.to_thread.run_sync(world.server.stop)
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, "done")]
    assert processes.of(alive) == set()
    assert world.server.process.returncode == 0


async def _turned_away(ticking: Element) -> bool:
    """Once the server drains; what it accepted until then was to be served."""
    answer = await ticking.get()
    if answer.status_code == 200:
        return False
    refused(answer, 503, "SHUTTING_DOWN")
    assert int(answer.headers["Retry-After"]) >= 1
    return True


async def test_postgres_killed_under_the_server_comes_back_and_no_run_is_lost(world: _World) -> None:
    async with client_of(world.server) as http:
        ticking = world.seen_through(http)
        asynchronous = await ticking.start(SHORT)
        await ticking.printed(asynchronous, "tick 1")
        os.kill(_postmaster(world.server), signal.SIGKILL)
        await until(partial(_answers_again, ticking), "calls succeed again", SETTLED_S)
        run = await ticking.ended(asynchronous)
        assert (run["status"], run["output"], len(run["attempts"])) == ("completed", "done", 1)
        assert lines_of(run) == [f"tick {number}" for number in range(40)]
        await _settled(ticking)
        await _assert_money_is_right(ticking.circle)


def _postmaster(server: Server) -> int:
    (note,) = server.data_dir.glob("postgres/**/postmaster.pid")
    return int(note.read_text().split()[0])


async def _answers_again(ticking: Element) -> bool:
    """Until then every answer is a problem that says so."""
    answer = await ticking.invoke({"ticks": 1}, key="after")
    if answer.status_code != 200:
        refused(answer, 503, answer.json()["code"])
    return bool(answer.status_code == 200)
