"""The program behind bin/demo: what it does with a server, and how it waits for one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Asked, Platform, Told
from tests.cli.test_invoke import HEADERS, RUN
from tests.cli.test_runs import run
from tests.cli.test_sessions import SIGNED_IN
from tests.shipped import CATALOGUE
from triform.cli import demo, server
from triform.cli.outcome import Stop
from triform.cli.server import Progress, Server, free_port, notices, readiness, wait
from triform.cli.sessions import Session, stored_sessions

TYPE = next(kind.name for kind in CATALOGUE.types.values() if kind.language)


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


def test_a_demo_takes_the_place_of_an_earlier_one(served: Platform, triform: Triform) -> None:
    stored_sessions().save(Session("http://127.0.0.1:1", "demo", "of-an-earlier-demo"))
    triform("demo", TYPE)
    session = stored_sessions().find()
    assert session is not None
    assert session.url == served.url


def test_who_works_elsewhere_goes_on_working_there(served: Platform, triform: Triform) -> None:
    stored_sessions().save(Session("https://triform.example.com", "acme", "precious"))
    ended = triform("demo", TYPE)
    session = stored_sessions().find()
    assert session is not None
    assert (session.url, session.circle) == ("https://triform.example.com", "acme")
    assert f" --url {served.url} --circle demo invoke greet name=Grace" in ended.out
    assert stored_sessions().find(served.url, "demo") is not None


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


def test_the_steps_of_a_starting_server_are_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    log = tmp_path / "log"
    log.write_text('{"event": "runtime_image", "step": "unpacking"}\nno json\n{"event": "other"}\n[1]\n{"ev')
    progress = Progress(told.append, log)
    progress.tell()
    progress.tell()
    assert told == ["unpacking"]


@contextmanager
def _starting(folder: Path, script: str) -> Iterator[Callable[[], None]]:
    """A process that stands for a starting server; call the value to wait for it."""
    (folder / server.LOG).write_text("the reason\n")
    with notices() as (heard, address):
        environment = {**os.environ, "NOTIFY_SOCKET": address}
        with subprocess.Popen([sys.executable, "-c", script], env=environment) as process:
            starting = Server("http://127.0.0.1:1", process.pid, folder, process)
            progress = Progress(lambda _: None, folder / server.LOG)
            yield lambda: wait(starting, heard, progress)


def test_a_server_that_dies_while_starting_shows_its_last_words(tmp_path: Path) -> None:
    with _starting(tmp_path, "") as waiting, pytest.raises(Stop) as stopped:
        waiting()
    assert "the reason" in stopped.value.message
    assert str(tmp_path / server.LOG) in stopped.value.fix


def test_a_server_that_is_up_but_not_well_is_not_waited_for(tmp_path: Path) -> None:
    script = "from triform.cli.up import tell_supervisor; tell_supervisor('READY=1')"
    with _starting(tmp_path, script) as waiting, pytest.raises(Stop, match="up, but not ready"):
        waiting()


def test_only_the_starter_of_a_server_stops_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        Server("http://127.0.0.1:1", process.pid, tmp_path).stop()
        assert process.poll() is None
        Server("http://127.0.0.1:1", process.pid, tmp_path, process).stop()
        assert process.poll() is not None
