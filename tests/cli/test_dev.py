"""`triform dev`: every save is deployed and tried."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Asked, Platform, Told, problem
from tests.cli.test_command import COMMAND
from tests.cli.test_invoke import FAILED, HEADERS, RUN
from tests.cli.test_runs import LINES, run
from triform.cli.client import Client
from triform.cli.dev import Shown
from triform.cli.sessions import stored_sessions
from triform.cli.terminal import Terminal
from triform.cli.trial import Event, Trial

DECLARED = (
    "element_type: unheard-of\nslug: greet\nspec: {source: {type: inline}}\nfiles: {/source/code: main.rb}\n"
)
ELEMENT = "/api/acme/greet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "greet"
    folder.mkdir()
    (folder / "triform.yaml").write_text(DECLARED)
    (folder / "main.rb").write_text("first")
    (folder / "test.json").write_text('{"name": "Ada"}')
    return folder


@pytest.fixture
def developing(signed_in: Platform) -> Platform:
    """Takes whatever is created, deploys it, and answers calls with the code it was last given."""
    saved: list[Any] = [{}]

    def save(asked: Asked) -> Told:
        saved[0] = {"warnings": [], **asked.body, "version": len(signed_in.to("/api/acme/"))}
        return Told(saved[0], 201)

    def call(asked: Asked) -> Told:
        return Told({"code": saved[0]["spec"]["source"]["code"], "input": asked.body}, headers=HEADERS)

    signed_in.tell("POST", "/api/acme/", save)
    signed_in.tell("POST", ELEMENT + "/ops/deploy", Told({"status": "deployed"}))
    signed_in.tell("POST", ELEMENT + "/ops/invoke", call)
    signed_in.tell("GET", f"{ELEMENT}/ops/runs/{RUN}", Told(run(RUN)))
    return signed_in


def _round(folder: Path, source: Path | None = None) -> list[Event]:
    session = stored_sessions().find()
    assert session is not None
    with Client(session.url, session) as client:
        return list(Trial(client, Terminal(json=True), folder, source).events())


def test_a_round_deploys_calls_and_tells_what_was_printed(developing: Platform, folder: Path) -> None:
    deployed, log, completed = _round(folder)
    assert (deployed["event"], deployed["change"], deployed["version"]) == ("deployed", "created", 1)
    assert (log["event"], log["text"], log["run_id"]) == ("log", "greeting Ada", RUN)
    assert completed["event"] == "completed"
    assert completed["output"] == {"code": "first", "input": {"name": "Ada"}}
    assert (completed["run_id"], completed["cost_micro_au"], completed["duration_ms"]) == (RUN, 10_000, 1.9)


def test_a_folder_without_test_input_is_called_with_nothing(developing: Platform, folder: Path) -> None:
    (folder / "test.json").unlink()
    assert _round(folder)[-1]["output"]["input"] == {}


def test_the_input_may_lie_elsewhere(developing: Platform, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[1]")
    assert _round(folder, tmp_path / "other.json")[-1]["output"]["input"] == [1]


def test_a_run_that_failed_is_told_with_what_it_printed_before(developing: Platform, folder: Path) -> None:
    developing.tell("POST", ELEMENT + "/ops/invoke", Told(FAILED, 500))
    logs = {"lines": LINES, "total": 2, "dropped": 0, "complete": True}
    failed = run(RUN, status="failed", output=None, error=FAILED, logs=logs)
    developing.tell("GET", f"{ELEMENT}/ops/runs/{RUN}", Told(failed))
    _, *told = _round(folder)
    assert [event["event"] for event in told] == ["log", "log", "failed"]
    assert told[-1]["error"] == FAILED
    assert told[-1]["cost_micro_au"] == 10_000


@pytest.mark.parametrize(
    ("name", "text"), [("triform.yaml", "slug: [\n"), ("test.json", "{"), ("triform.yaml", "colour: red\n")]
)
def test_files_that_make_no_sense_are_told_and_nothing_is_called(
    developing: Platform, folder: Path, name: str, text: str
) -> None:
    (folder / name).write_text(text)
    refused = _round(folder)[-1]
    assert refused["event"] == "refused"
    assert name in refused["error"]["title"]
    assert refused["error"]["_suggestion"]["fix"]
    assert developing.to(ELEMENT + "/ops/invoke") == []


def test_what_is_refused_without_a_run_is_told_so(developing: Platform, folder: Path) -> None:
    refusal = problem("RUBY_SYNTAX_ERROR", 422, detail="main.rb line 1: no")
    developing.tell("POST", "/api/acme/", Told(refusal, 422))
    assert _round(folder) == [{"event": "refused", "error": refusal}]


def test_people_read_lines_output_cost_and_time(
    developing: Platform, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Shown(Terminal(json=False), folder)
    for event in _round(folder):
        shown.tell(event)
    told = capsys.readouterr().out
    assert "version 1 deployed" in told
    assert "\n  greeting Ada\n" in told
    assert '{"code": "first", "input": {"name": "Ada"}}\n' in told
    assert f"0.01 AU  1.9 ms (queue 0.2 ms, cold start 31.0 ms)  run {RUN}\n" in told


def test_people_read_the_place_that_failed_in_their_own_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "main.rb").write_text("def handler(input)\n  input['name'].upcase\nend\n")
    monkeypatch.chdir(folder.parent)
    Shown(Terminal(json=False), folder).tell({"event": "refused", "error": FAILED})
    told = capsys.readouterr().out
    assert "    greet/main.rb:2:in handler\n" in told
    assert "FIX: give a name" in told


# --- the command itself --------------------------------------------------------------------------------------

Next = Callable[[str], Event]


@contextmanager
def _developed(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Next]]:
    """`triform dev --json` in a process of its own; the second value waits for an event of that name."""
    command = [*COMMAND, "dev", str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        events = map(json.loads, process.stdout)
        patience = threading.Timer(60, process.kill)
        patience.start()
        try:
            yield process, lambda name: next(event for event in events if event["event"] == name)
        finally:
            patience.cancel()
            process.kill()


def test_every_save_is_deployed_and_tried_until_ctrl_c(developing: Platform, folder: Path) -> None:
    with _developed(folder) as (process, heard):
        assert heard("watching")["element"] == "greet"
        assert heard("completed")["output"]["code"] == "first"
        (folder / "main.rb").write_text("second")
        assert heard("saved")["files"] == ["main.rb"]
        assert heard("completed")["output"]["code"] == "second"
        (folder / ".replacement").write_text('{"name": "Grace"}')  # as most editors save
        (folder / ".replacement").replace(folder / "test.json")
        assert heard("completed")["output"]["input"] == {"name": "Grace"}
        process.send_signal(signal.SIGINT)
        assert heard("stopped") == {"event": "stopped"}
        assert process.wait(30) == 0


def test_a_save_during_a_call_is_not_missed(developing: Platform, folder: Path) -> None:
    def save_meanwhile(asked: Asked) -> Told:
        if len(developing.to(ELEMENT + "/ops/invoke")) == 1:
            (folder / "main.rb").write_text("meanwhile")
        return Told(None, headers=HEADERS)

    developing.tell("POST", ELEMENT + "/ops/invoke", save_meanwhile)
    with _developed(folder) as (_, heard):
        assert heard("completed")
        assert heard("saved")["files"] == ["main.rb"]


def test_a_server_that_goes_away_between_saves_is_told_and_waited_for(folder: Path, developing: Platform) -> None:
    with _developed(folder) as (_, heard):
        assert heard("completed")
        developing.stop()
        (folder / "main.rb").write_text("second")
        assert "nothing answers" in heard("refused")["error"]["title"]


def test_without_a_server_it_does_not_begin(triform: Triform, developing: Platform, folder: Path) -> None:
    developing.stop()
    assert triform("dev", str(folder)).code == 4


def test_without_a_declaration_it_does_not_begin(triform: Triform, signed_in: Platform, tmp_path: Path) -> None:
    assert triform("dev", str(tmp_path)).code == 2
