from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from triform.circles.errors import KeyFileRefused
from triform.circles.keyring import Keyring


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    assert Keyring.open(tmp_path) == Keyring.open(tmp_path)


def test_key_files_are_for_their_owner_alone_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()}
    assert modes == {"signing": 0o600, "master": 0o600}


def test_servers_that_start_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: Keyring.open(tmp_path), range(8)))
    assert all(ring == rings[0] for ring in rings)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "keys" / "signing").chmod(0o644)
    with pytest.raises(KeyFileRefused, match="read by others"):
        Keyring.open(tmp_path)


def test_a_truncated_key_is_refused(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "keys" / "master").write_bytes(b"short")
    with pytest.raises(KeyFileRefused, match="32 bytes"):
        Keyring.open(tmp_path)


def test_a_role_password_is_derived_and_differs_per_circle_and_installation(tmp_path: Path) -> None:
    here, there = Keyring.open(tmp_path / "here"), Keyring.open(tmp_path / "there")
    circle = uuid4()
    assert here.role_password(circle) == here.role_password(circle)
    assert len({here.role_password(circle), here.role_password(uuid4()), there.role_password(circle)}) == 3


def test_keys_do_not_show_when_printed(tmp_path: Path) -> None:
    ring = Keyring.open(tmp_path)
    assert repr(ring.signing) not in repr(ring)
    assert repr(ring.master) not in repr(ring)
