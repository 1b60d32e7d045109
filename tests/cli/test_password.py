"""`triform password`: how a new password gets in, and what is said of it."""

import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from triform.cli.login import read_secret
from triform.cli.outcome import WrongUsage
from triform.settings import Settings

SECRET = "four words do well"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str, str]]:
    """Data folder, identity and password of every call."""
    calls = []

    async def set_password(settings: Settings, identity: str, password: str) -> int:
        calls.append((settings.data_dir, identity, password))
        return 3

    monkeypatch.setattr("triform.wiring.host.set_password", set_password)
    return calls


def test_the_password_comes_from_stdin_and_is_not_repeated(
    triform: Triform, asked: list[tuple[Path, str, str]], tmp_path: Path
) -> None:
    ended = triform("password", "ada", "--data-dir", str(tmp_path), stdin=SECRET + "\n")
    assert (ended.code, ended.out, ended.err) == (0, "ada has a new password; sessions ended: 3\n", "")
    assert asked == [(tmp_path, "ada", SECRET)]


def test_json(triform: Triform, asked: list[tuple[Path, str, str]]) -> None:
    document = json.loads(triform("password", "ada", "--json", stdin=SECRET + "\n").out)
    assert document == {"identity": "ada", "sessions_ended": 3}


def test_without_a_password_nothing_is_set(triform: Triform, asked: list[tuple[Path, str, str]]) -> None:
    assert triform("password", "ada").code == 2
    assert asked == []


def test_there_is_no_place_for_a_password_on_the_command_line(triform: Triform, asked: list[object]) -> None:
    assert triform("password", "ada", SECRET, stdin=SECRET + "\n").code == 2
    assert asked == []


def test_where_there_is_no_instance_it_says_so(triform: Triform, tmp_path: Path) -> None:
    ended = triform("password", "ada", "--data-dir", str(tmp_path / "none"), stdin=SECRET + "\n")
    assert ended.code == 1
    assert "FIX: Name the instance's data folder" in ended.err
    assert not (tmp_path / "none").exists()


Typed = Callable[..., None]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What is typed at the prompts of a terminal, one after the other."""

    def type_(*answers: str) -> None:
        waiting = iter(answers)
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"isatty": lambda _: True})())
        monkeypatch.setattr(getpass, "getpass", lambda _: next(waiting))

    return type_


def test_at_a_terminal_it_is_typed_twice(typed: Typed) -> None:
    typed(SECRET, SECRET)
    assert read_secret("New password: ", twice=True) == SECRET


def test_a_slip_is_noticed(typed: Typed) -> None:
    typed(SECRET, SECRET + "!")
    with pytest.raises(WrongUsage, match="not the same"):
        read_secret("New password: ", twice=True)
