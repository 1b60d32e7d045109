"""The command as a whole: help, usage, interruption, colour, speed of start."""

import os
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import TOKEN, Triform
from tests.cli.double import Asked, Platform, Told
from triform import __version__
from triform.cli.client import nobody_trusted
from triform.cli.main import VERBS
from triform.cli.sessions import Session, stored_sessions
from triform.cli.terminal import harmless

COMMAND = [sys.executable, "-m", "triform.cli.main"]


def test_help_lists_every_verb_in_order_and_the_exit_codes(triform: Triform) -> None:
    ended = triform("--help")
    verbs = [verb.__name__.rpartition(".")[2] for verb in VERBS if not verb.__name__.endswith("demo")]
    places = [ended.out.index(f"\n  {verb} ") for verb in verbs]
    assert places == sorted(places)
    assert "Exit codes: 0 done" in ended.out


def test_version(triform: Triform) -> None:
    assert __version__ in triform("version").out


@pytest.mark.parametrize("arguments", [("conjure",), ("invoke",), ("runs", "--limit", "none"), ("logs", "a", "b")])
def test_a_command_line_without_meaning_ends_with_2(triform: Triform, arguments: tuple[str, ...]) -> None:
    ended = triform(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_settings_without_meaning_are_named_without_their_value(
    triform: Triform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIFORM_PORT", "harbour-7")
    ended = triform("doctor")
    assert ended.code == 2
    assert "port: " in ended.err
    assert "harbour-7" not in ended.err


def test_the_command_starts_without_loading_what_only_some_verbs_need() -> None:
    slow = ("httpx2", "pydantic", "asyncpg", "uvloop", "starlette", "yaml", "triform.settings")
    check = f"import sys, triform.cli.main; sys.exit(repr([m for m in {slow!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_an_interrupted_command_ends_with_130_and_no_traceback(platform: Platform) -> None:
    reached, over = threading.Event(), threading.Event()

    def hang(_: Asked) -> Told:
        reached.set()
        over.wait(30)
        return Told()

    platform.tell("POST", "/api/acme/slow/ops/invoke", hang)
    stored_sessions().save(Session(platform.url, "acme", TOKEN))
    process = subprocess.Popen(
        [*COMMAND, "invoke", "slow"], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert reached.wait(30)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    over.set()
    assert process.returncode == 130
    assert "Traceback" not in err


def _on_a_terminal(arguments: list[str], environment: dict[str, str]) -> str:
    """What the command writes when stdout and stderr are a terminal."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **environment}
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # Linux says so when the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(30)
    return seen.decode()


def test_colour_only_on_a_terminal_and_not_when_unwanted(config: Path) -> None:
    assert "\x1b[31m" in _on_a_terminal(["wallet"], {"TERM": "xterm"})
    assert "\x1b[31m" not in _on_a_terminal(["wallet"], {"TERM": "xterm", "NO_COLOR": "1"})


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "a\rb", "\x9b2J", "\x7f"])
def test_control_characters_become_visible(text: str) -> None:
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in harmless(text))


def test_text_keeps_its_lines_and_letters() -> None:
    assert harmless("Zoë\n\t→ 日本") == "Zoë\n\t→ 日本"


def _long_work(platform: Platform, folder: Path) -> list[str]:
    """A deploy that is refused, which needs nothing but its request."""
    folder.mkdir()
    (folder / "triform.yaml").write_text("element_type: any\nslug: greet\n")
    platform.tell("POST", "/api/acme/", Told({"slug": "greet", "version": 7, "element_type": "any"}, 201))
    platform.tell("POST", "/api/acme/greet/ops/deploy", Told({"status": "deployed"}))
    stored_sessions().save(Session(platform.url, "acme", TOKEN))
    return ["deploy", str(folder)]


def test_progress_is_one_line_that_goes_away_on_a_terminal(platform: Platform, tmp_path: Path) -> None:
    seen = _on_a_terminal(_long_work(platform, tmp_path / "greet"), {"TERM": "xterm"})
    assert "preparing it to run" in seen
    assert "0:00:00" in seen
    assert seen.rindex("\x1b[2K") < seen.index("is deployed")


def test_progress_is_a_line_for_each_step_elsewhere(platform: Platform, triform: Triform, tmp_path: Path) -> None:
    ended = triform(*_long_work(platform, tmp_path / "greet"))
    assert ended.err == "greet version 7: preparing it to run\n"
    assert "\x1b" not in ended.out + ended.err


def test_programs_see_no_progress(platform: Platform, triform: Triform, tmp_path: Path) -> None:
    assert triform(*_long_work(platform, tmp_path / "greet"), "--json").err == ""


def test_plain_http_trusts_no_certificate_rather_than_any() -> None:
    trust = nobody_trusted()
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust.cert_store_stats()["x509"] == 0
