"""What the supervisor would run, as values; the real thing is in tests/integration/storage."""

import os
from pathlib import Path

import pytest

from triform.storage.embedded import launch as launching
from triform.storage.embedded.binaries import Binaries, find_binaries
from triform.storage.embedded.home import Home
from triform.storage.embedded.initialise import failed, initdb_command
from triform.storage.embedded.launch import NOBODY, Launch, choose_launch
from triform.storage.embedded.leftovers import end_leftovers
from triform.storage.embedded.lock import HomeLock
from triform.storage.embedded.postmaster import server_command
from triform.storage.embedded.socket_folder import fits, socket_folder
from triform.storage.errors import DataDirInUse, EmbeddedPostgresFailed

BINARIES = Binaries(Path("/opt/pg"), Path("/opt/pg.libs"), 18)


def _launch(prefix: tuple[str, ...] = ()) -> Launch:
    return Launch(prefix, os.geteuid(), BINARIES)


def test_the_binaries_are_found_without_importing_their_package() -> None:
    assert Path(find_binaries().program("postgres")).is_file()


def test_the_server_listens_on_no_address_and_stays_durable(tmp_path: Path) -> None:
    command = server_command(Home(tmp_path), _launch(), tmp_path / "run", {})
    assert "listen_addresses=" in command
    durable = ("fsync", "synchronous_commit", "full_page_writes")
    assert not [part for part in command if part.startswith(durable)]


def test_passwords_are_asked_of_everybody(tmp_path: Path) -> None:
    assert "--auth=scram-sha-256" in initdb_command(Home(tmp_path), _launch())


def test_given_settings_win_over_ours(tmp_path: Path) -> None:
    command = server_command(Home(tmp_path), _launch(), tmp_path, {"shared_buffers": "1MB"})
    assert "shared_buffers=1MB" in command
    assert "shared_buffers=128MB" not in command


def test_an_ordinary_user_runs_it_directly_and_tied_to_us(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    monkeypatch.setattr(launching, "_has_a_name", lambda uid: True)
    chosen = choose_launch(BINARIES, tmp_path)
    assert chosen.owner == NOBODY
    assert "--pdeathsig" in chosen.prefix
    assert not any("unshare" in part for part in chosen.prefix)


def test_root_is_called_nobody_in_a_namespace_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(launching, "_works", lambda prefix: True)
    chosen = choose_launch(BINARIES, tmp_path)
    assert chosen.owner == 0
    assert f"--map-user={NOBODY}" in chosen.prefix


def test_without_namespaces_and_without_setpriv_root_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(launching.shutil, "which", lambda name: None)
    with pytest.raises(EmbeddedPostgresFailed) as caught:
        choose_launch(BINARIES, tmp_path)
    assert caught.value.suggestion is not None
    assert "TRIFORM_DATABASE_URL" in caught.value.suggestion.fix


def test_a_short_home_holds_the_socket_itself() -> None:
    home = Path("/tmp/triform-short")
    assert fits(home / "run")


def test_a_long_home_gets_a_private_folder_elsewhere_always_the_same_one(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 30)
    folder = socket_folder(home, os.geteuid())
    try:
        assert fits(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert socket_folder(home, os.geteuid()) == folder
    finally:
        folder.rmdir()


def test_a_socket_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 30)
    expected = socket_folder(home, os.geteuid())
    expected.chmod(0o777)
    try:
        other = socket_folder(home, os.geteuid())
        assert other != expected
        other.rmdir()
    finally:
        expected.rmdir()


def test_a_path_with_a_comma_cannot_hold_the_socket() -> None:
    assert not fits(Path("/tmp/a,b"))


def test_a_second_server_on_the_same_home_is_told_who_holds_it(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path / "lock"), HomeLock(tmp_path / "lock")
    first.take()
    with pytest.raises(DataDirInUse, match=str(os.getpid())) as caught:
        second.take()
    assert caught.value.suggestion is not None
    first.release()
    second.take()
    second.release()


def test_a_pid_file_that_names_a_living_stranger_is_removed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.data.mkdir()
    pid_file = home.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{home.data}\n")
    assert end_leftovers(home) == []
    assert not pid_file.exists()


def test_the_password_is_made_once_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "pg")
    home.create()
    password = home.password()
    assert home.password() == password
    assert home.password_file.stat().st_mode & 0o777 == 0o600
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_a_lost_password_is_not_replaced_by_one_that_does_not_open(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.data.mkdir()
    with pytest.raises(EmbeddedPostgresFailed, match="missing"):
        home.password()


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("FATAL:  could not write lock file: No space left on device", "Free some space"),
        ("FATAL:  data directory has wrong ownership", "chown"),
        ("something never seen", "TRIFORM_DATABASE_URL"),
    ],
)
def test_what_postgres_says_becomes_a_fix(said: str, fix: str) -> None:
    error = failed("It did not start.", said)
    assert error.suggestion is not None
    assert fix in error.suggestion.fix
    assert said in error.detail
