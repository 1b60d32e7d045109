"""The command line, run in this process against a server that answers what the test tells it."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance import server as processes
from tests.acceptance.server import Server
from tests.cli import forms
from tests.cli.double import Platform
from tests.cli.forms import Bench
from tests.copies import DataDirs
from triform.cli.main import main
from triform.cli.sessions import Session, stored_sessions


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


Triform = Callable[..., Ended]


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration folder and none of the caller's variables."""
    for name in [*os.environ]:
        if name.startswith("TRIFORM_") or name in ("FORCE_COLOR", "NO_COLOR", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "config"


@pytest.fixture
def triform(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Triform:
    """`triform("invoke", "greet", stdin="…")` as a user would type it."""

    def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["triform", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, written.out, written.err)

    return run


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as double:
        yield double


TOKEN = "header.claims.signature-nobody-may-see"


@pytest.fixture
def signed_in(platform: Platform) -> Platform:
    """The platform, with a stored session for circle acme."""
    stored_sessions().save(Session(platform.url, "acme", TOKEN))
    return platform


@pytest.fixture(scope="session")
def server(new_data_dir: DataDirs) -> Iterator[Server]:
    """A real one, for the verbs that are tried against one."""
    running = processes.start(new_data_dir("server"))
    try:
        yield running
    finally:
        running.stop()
    assert "unforeseen_error" not in running.log()


@pytest.fixture
def bench(triform: Triform, server: Server, tmp_path: Path) -> Bench:
    """A circle of this test alone on the real server."""
    folder = tmp_path / "forms"
    folder.mkdir()
    return forms.bench(triform, server.url, folder)
