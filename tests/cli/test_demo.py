"""The program behind bin/demo: what it does with a server, and how it waits for one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Asked, Platform, Told
from tests.cli.test_invoke import HEADERS, RUN
from tests.cli.test_runs import run
from tests.cli.test_sessions import SIGNED_IN
from triform.chemistry.catalogue import load
from triform.cli import demo, server
from triform.cli.outcome import Stop
from triform.cli.server import Server, free_port, readiness
from triform.cli.sessions import stored_sessions
from triform.cli.terminal import Terminal

TYPE = next(kind.name for kind in load().types.values() if kind.language)


@pytest.fixture
def served(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A server that runs already, for the demo to find."""

    def created(asked: Asked) -> Told:
        return Told({**asked.body, "version": 1, "warnings": []}, 201)

    platform.tell("POST", "/api/auth/dev", Told(SIGNED_IN | {"circle": {"slug": "demo"}}))
    platform.tell("POST", "/api/demo/", created)
    platform.tell("POST", "/api/demo/greet/ops/deploy", Told({"status": "deployed"}))
    platform.tell("POST", "/api/demo/greet/ops/invoke", Told({"message": "Hello, Ada!"}, headers=HEADERS))
    platform.tell("GET", f"/api/demo/greet/ops/runs/{RUN}", Told(run(RUN)))
    monkeypatch.setattr(demo, "start", lambda _: Server(platform.url, os.getpid(), tmp_path / "data"))
    return platform


def test_it_shows_element_call_run_and_what_to_try_next(
    served: Platform, triform: Triform, tmp_path: Path
) -> None:
    ended = triform("demo", TYPE)
    assert ended.code == 0
    for expected in (
        "Signed in to circle demo",
        '{"message": "Hello, Ada!"}',
        "0.01 AU",
        "greeting Ada",
        "Try next",
    ):
        assert expected in ended.out
    assert f"kill {os.getpid()}" in ended.out
    assert (tmp_path / "data/greet/triform.yaml").is_file()


def test_the_next_commands_are_signed_in(served: Platform, triform: Triform) -> None:
    triform("demo", TYPE)
    session = stored_sessions().find()
    assert session is not None
    assert (session.url, session.circle) == (served.url, "demo")


def test_with_exit_it_leaves_no_session_and_proposes_nothing(served: Platform, triform: Triform) -> None:
    ended = triform("demo", TYPE, "--exit")
    assert "Try next" not in ended.out
    assert stored_sessions().find() is None


def test_json_is_one_document(served: Platform, triform: Triform) -> None:
    document = json.loads(triform("demo", TYPE, "--json").out)
    assert (document["output"], document["run"]["run_id"]) == ({"message": "Hello, Ada!"}, RUN)


def test_a_busy_port_is_replaced_by_a_free_one(platform: Platform) -> None:
    busy = int(platform.url.rpartition(":")[2])
    assert free_port(busy) != busy


def test_a_server_is_ready_when_it_says_so(platform: Platform) -> None:
    platform.tell("GET", "/readyz", Told({"ready": False, "parts": {}}, 503))
    assert readiness(platform.url)[0] is False
    platform.tell("GET", "/readyz", Told({"ready": True, "parts": {}}))
    assert readiness(platform.url)[0] is True


def test_what_is_not_ready_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    progress = server._Progress(Terminal(json=False), told.append)
    document = {"parts": {"platform": {"ready": True}, "isolation": {"ready": False, "reason": "building"}}}
    progress.tell(document)
    progress.tell(document)
    assert told == ["isolation: building"] * 2
    assert capsys.readouterr().err.count("building") == 1


def test_a_server_that_dies_while_starting_shows_its_last_words(tmp_path: Path) -> None:
    (tmp_path / server.LOG).write_text("the reason\n")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        dead = Server("http://127.0.0.1:1", process.pid, tmp_path, mine=True)
        with pytest.raises(Stop) as stopped:
            server._wait(dead, process, server._Progress(Terminal(json=True), lambda _: None))
    assert "the reason" in stopped.value.message
    assert str(tmp_path / server.LOG) in stopped.value.fix


def test_only_the_starter_of_a_server_stops_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        Server("http://127.0.0.1:1", process.pid, tmp_path).stop()
        assert process.poll() is None
        Server("http://127.0.0.1:1", process.pid, tmp_path, mine=True).stop()
        process.returncode = 0  # it has been waited for
    assert not Path(f"/proc/{process.pid}").exists()
