"""`triform up`: whose settings win, and who hears that it is up. The instance itself is tried elsewhere."""

import gc
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from triform.cli.outcome import WrongUsage
from triform.cli.server import notices
from triform.cli.up import settings, tell_supervisor
from triform.wiring import serve


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "triform.toml").write_text('port = 1\nhost = "localhost"\nlog_level = "debug"\n')
    monkeypatch.setenv("TRIFORM_PORT", "2")
    monkeypatch.setenv("TRIFORM_DATA_DIR", "/nowhere")
    chosen = settings(port=3, data_dir=tmp_path, host=None)
    assert (chosen.port, chosen.host, chosen.log_level) == (3, "localhost", "debug")
    monkeypatch.setenv("TRIFORM_LOG_LEVEL", "error")
    assert settings(data_dir=tmp_path).log_level == "error"


@pytest.mark.parametrize("text", ["port = \n", "harbour = 7\n"])
def test_a_file_that_makes_no_sense_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("TRIFORM_DATA_DIR", "/nowhere")
    (tmp_path / "triform.toml").write_text(text)
    with pytest.raises(WrongUsage):
        settings(data_dir=tmp_path)


def test_a_secret_setting_is_never_shown(triform: Triform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIFORM_DATABASE_URL", "postgresql://u:hush@h/d")
    monkeypatch.setenv("TRIFORM_DRAIN_S", "-1")
    ended = triform("up")
    assert ended.code == 2
    assert "hush" not in ended.err + ended.out


def test_a_supervisor_hears_that_it_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with notices() as (heard, address):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell_supervisor("READY=1")
        assert heard.recv(100) == b"READY=1"


def test_a_supervisor_may_listen_on_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        tell_supervisor("READY=1")
        assert heard.recv(100) == b"READY=1"


def test_without_a_supervisor_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_supervisor("READY=1")


def test_the_collector_that_a_start_keeps_out_works_while_it_serves() -> None:
    thresholds = gc.get_threshold()
    gc.disable()
    try:
        serve._keep_what_is_there()
        assert gc.isenabled()
    finally:
        gc.enable()
        gc.set_threshold(*thresholds)
