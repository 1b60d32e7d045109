"""Every way a command can end, in one table; scripts rely on it."""

import re
import signal
from collections.abc import Callable

import pytest

from tests.architecture.house import ROOT
from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told, problem
from tests.cli.test_invoke import FAILED, HEADERS
from tests.cli.test_replay import difference
from tests.cli.test_runs import FIRST, SECOND, run
from triform.cli import invoke
from triform.cli.outcome import Exit

INVOKE = "/api/acme/greet/ops/invoke"


def _refused(status: int) -> Callable[[Platform], None]:
    return lambda platform: platform.tell("POST", INVOKE, Told(problem("SOME_CODE", status), status))


def _fine(platform: Platform) -> None:
    platform.tell("POST", INVOKE, Told(1, headers=HEADERS))


def _failed(platform: Platform) -> None:
    platform.tell("POST", INVOKE, Told(FAILED, 500))


def _a_failed_run(platform: Platform) -> None:
    failed = run(status="failed", error=problem("SOME_CODE", 500))
    platform.tell("GET", "/api/acme/ops/runs", Told({"runs": [failed]}))
    platform.tell("GET", f"/api/acme/greet/ops/runs/{FIRST}", Told(failed))


def _differing(platform: Platform) -> None:
    platform.tell("GET", "/api/acme/greet/ops/runs", Told({"runs": [run(FIRST), run(SECOND)], "next": None}))
    platform.tell("GET", f"/api/acme/greet/ops/runs/{FIRST}/diff", Told(difference(same=False)))


def _gone(platform: Platform) -> None:
    platform.stop()


def _no_triform(platform: Platform) -> None:
    platform.tell("POST", INVOKE, Told("<html>", 502))


def _nothing(platform: Platform) -> None:
    pass


CASES = [
    (0, "the call succeeds", _fine, ["invoke", "greet"]),
    (0, "help is asked for", _nothing, ["--help"]),
    (0, "help of a verb is asked for", _nothing, ["token", "create", "-h"]),
    (1, "the run failed", _failed, ["invoke", "greet"]),
    (1, "the run shown failed", _a_failed_run, ["runs", "show", FIRST]),
    (1, "the input is refused", _refused(422), ["invoke", "greet"]),
    (1, "the role is too low", _refused(403), ["invoke", "greet"]),
    (1, "there is no such element", _nothing, ["invoke", "nobody"]),
    (1, "the wallet is empty", _refused(402), ["invoke", "greet"]),
    (1, "the platform is at fault", _refused(503), ["invoke", "greet"]),
    (2, "no verb", _nothing, []),
    (2, "an unknown verb", _nothing, ["conjure"]),
    (2, "an unknown option", _nothing, ["wallet", "--shiny"]),
    (2, "a missing argument", _nothing, ["invoke"]),
    (2, "input that is no JSON", _nothing, ["invoke", "greet", "x:={"]),
    (2, "a folder that declares nothing", _nothing, ["deploy", "/nowhere"]),
    (2, "a form that is not there", _nothing, ["apply", "/nowhere.yaml"]),
    (2, "nothing named to export", _nothing, ["export"]),
    (2, "a setting without meaning", _nothing, ["doctor"]),
    (3, "nobody is signed in there", _nothing, ["--circle", "other", "wallet"]),
    (3, "the server does not know the session", _refused(401), ["invoke", "greet"]),
    (4, "nothing answers", _gone, ["invoke", "greet"]),
    (4, "something else answers", _no_triform, ["invoke", "greet"]),
    (5, "two runs differ", _differing, ["diff", "greet", FIRST, SECOND]),
]


@pytest.mark.parametrize(("code", "_what", "arrange", "arguments"), CASES, ids=[case[1] for case in CASES])
@pytest.mark.parametrize("form", ["words", "json"])
def test_a_command_ends_with(
    signed_in: Platform,
    triform: Triform,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    _what: str,
    arrange: Callable[[Platform], None],
    arguments: list[str],
    form: str,
) -> None:
    monkeypatch.setenv("TRIFORM_QUEUE_LIMIT", "many")
    arrange(signed_in)
    ended = triform(*(["--json"] if form == "json" else []), *arguments)
    assert ended.code == code
    assert "Traceback" not in ended.err


def test_an_interrupted_command_ends_with_130(
    signed_in: Platform, triform: Triform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke, "read_input", lambda *_: signal.raise_signal(signal.SIGINT))
    assert triform("invoke", "greet").code == Exit.interrupted == 130


def test_every_code_has_a_case_and_stands_in_help_and_reference(triform: Triform) -> None:
    codes = {exit_.value for exit_ in Exit}
    assert {case[0] for case in CASES} | {130} == codes
    page = (ROOT / "docs/reference/cli.md").read_text()
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == codes
    said = triform("--help").out.partition("Exit codes:")[2]
    assert {int(code) for code in re.findall(r"\d+", said)} == codes
