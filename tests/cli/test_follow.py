"""`triform logs --follow`: each line once, in the order of time, and no line lost to a busy neighbour."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Asked, Platform, Told
from tests.cli.test_command import COMMAND
from triform.cli import logs
from triform.cli.client import Client
from triform.cli.follow import Following
from triform.cli.sessions import stored_sessions

LOGS = "/api/acme/greet/ops/logs"
RUNS = "/api/acme/greet/ops/runs"


def run_id(at_ms: int) -> str:
    return str(UUID(int=(at_ms << 80) | (7 << 76) | (2 << 62)))


OLD, NEW = run_id(1_000_000), run_id(2_000_000)


def line(run: str, seq: int, at: int) -> dict[str, Any]:
    return {
        "run_id": run,
        "seq": seq,
        "at": f"2026-01-31T12:00:{at:02}.000000Z",
        "stream": "stdout",
        "text": f"{at}",
    }


@pytest.fixture
def following(signed_in: Platform) -> Iterator[Following]:
    session = stored_sessions().find()
    assert session is not None
    with Client(session.url, session) as client:
        yield Following(client, "greet")


def _printed(platform: Platform, *lines: dict[str, Any]) -> None:
    platform.tell("GET", LOGS, Told({"lines": list(lines), "complete": True}))


def test_each_line_comes_once_and_in_the_order_of_time(signed_in: Platform, following: Following) -> None:
    _printed(signed_in, line(OLD, 1, 1), line(NEW, 1, 2))
    assert [each["text"] for each in following.fresh()] == ["1", "2"]
    _printed(signed_in, line(OLD, 1, 1), line(OLD, 2, 4), line(NEW, 1, 2), line(NEW, 2, 3))
    assert [each["text"] for each in following.fresh()] == ["3", "4"]
    assert following.fresh() == []


def _many(run: str) -> list[dict[str, Any]]:
    return [line(run, seq, 5) for seq in range(1, 1001)]


def test_after_many_lines_only_runs_that_may_still_write_are_asked_for(
    signed_in: Platform, following: Following
) -> None:
    _printed(signed_in, line(OLD, 1, 1), *_many(NEW))
    active = {"running": [{"run_id": OLD}], "pending": []}
    signed_in.tell("GET", RUNS, lambda asked: Told({"runs": active[asked.query["status"]]}))
    following.fresh()
    _printed(signed_in, line(OLD, 1, 1), line(OLD, 2, 9), *_many(NEW))
    assert [each["text"] for each in following.fresh()] == ["9"]
    asked_for = signed_in.to(LOGS)[-1].query["since_run_id"]
    assert asked_for < OLD


def test_runs_that_began_meanwhile_are_not_left_out(signed_in: Platform, following: Following) -> None:
    _printed(signed_in, *_many(NEW))
    signed_in.tell("GET", RUNS, Told({"runs": []}))
    following.fresh()
    _printed(signed_in)
    following.fresh()
    asked_for = signed_in.to(LOGS)[-1].query["since_run_id"]
    assert run_id(2_000_000 - 61_000) < asked_for < run_id(2_000_000 - 59_000)


def test_with_too_many_runs_waiting_nothing_is_left_out(signed_in: Platform, following: Following) -> None:
    _printed(signed_in, *_many(NEW))
    signed_in.tell("GET", RUNS, Told({"runs": [{"run_id": NEW}] * 500}))
    following.fresh()
    following.fresh()
    assert "since_run_id" not in signed_in.to(LOGS)[-1].query


def test_lines_the_server_lost_are_remembered_as_missing(signed_in: Platform, following: Following) -> None:
    signed_in.tell("GET", LOGS, Told({"lines": [], "complete": False}))
    following.fresh()
    _printed(signed_in)
    following.fresh()
    assert following.complete is False


# --- the command ---------------------------------------------------------------------------------------------


def test_one_run_is_followed_to_its_end(
    signed_in: Platform, triform: Triform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_EVERY_S", 0)
    states = iter(["running", "running", "completed"])
    written = [line(NEW, seq, seq) for seq in (1, 2, 3)]
    signed_in.tell("GET", "/api/acme/ops/runs", Told({"runs": [{"run_id": NEW, "element": "greet"}]}))
    signed_in.tell("GET", f"{RUNS}/{NEW}", lambda _: Told({"status": next(states)}))

    def printed(asked: Asked) -> Told:
        assert asked.query["since_run_id"] == str(UUID(int=UUID(NEW).int - 1))
        return Told({"lines": [*written[: len(signed_in.to(LOGS))], line(OLD, 1, 9)], "complete": True})

    signed_in.tell("GET", LOGS, printed)
    ended = triform("logs", "greet", "--run", NEW, "--follow")
    assert (ended.code, ended.out) == (0, "1\n2\n3\n")


def test_it_begins_with_the_newest_lines(
    signed_in: Platform, triform: Triform, monkeypatch: pytest.MonkeyPatch
) -> None:
    _printed(signed_in, *(line(NEW, seq, seq) for seq in range(1, 6)))
    signed_in.tell("GET", "/api/acme/ops/runs", Told({"runs": [{"run_id": NEW, "element": "greet"}]}))
    signed_in.tell("GET", f"{RUNS}/{NEW}", Told({"status": "completed"}))
    assert triform("logs", "greet", "--run", NEW, "-f", "--limit", "2").out == "4\n5\n"


def test_it_goes_on_until_ctrl_c(signed_in: Platform) -> None:
    def printed(asked: Asked) -> Told:
        return Told({"lines": [line(NEW, seq, seq) for seq in range(len(signed_in.to(LOGS)))], "complete": True})

    signed_in.tell("GET", LOGS, printed)
    command = [*COMMAND, "logs", "greet", "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        patience = threading.Timer(60, process.kill)
        patience.start()
        assert [json.loads(process.stdout.readline())["seq"] for _ in range(2)] == [1, 2]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        patience.cancel()


def test_following_begins_with_the_newest_lines_only(signed_in: Platform, triform: Triform) -> None:
    ended = triform("logs", "greet", "--follow", "--since-run", NEW)
    assert ended.code == 2
    assert signed_in.asked == []
