"""User code in content-addressed folders."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from triform.substrates.isolation.code import CodeStore


@pytest.fixture
def store(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path / "code")


def test_equal_code_is_one_folder_and_other_code_another(store: CodeStore) -> None:
    first = store.put({"main.rb": b"1"})
    assert store.put({"main.rb": b"1"}) == first
    assert store.put({"main.rb": b"2"}) != first
    assert store.put({"other.rb": b"1"}) != first
    assert (first / "main.rb").read_bytes() == b"1"


def test_everybody_can_read_it_and_nobody_else_can_write_it(store: CodeStore) -> None:
    folder = store.put({"lib/deep/a.rb": b"1"})
    paths = [folder, folder / "lib", folder / "lib" / "deep", folder / "lib" / "deep" / "a.rb"]
    assert [oct(path.stat().st_mode & 0o777) for path in paths] == ["0o755", "0o755", "0o755", "0o644"]


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b", ""])
def test_no_file_leads_out_of_its_folder(name: str, store: CodeStore, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not stay"):
        store.put({name: b""})
    assert not list((tmp_path / "code").iterdir())


def test_putting_the_same_at_once_is_fine(store: CodeStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(lambda _: store.put({"main.rb": b"x" * 10_000}), range(64)))
    assert len(folders) == 1


def test_what_nobody_asked_for_is_pruned_and_comes_back_when_asked_for(store: CodeStore) -> None:
    old, fresh = store.put({"main.rb": b"old"}), store.put({"main.rb": b"fresh"})
    os.utime(old, (0, 0))
    assert store.prune(unused_s=3600) == 1
    assert fresh.is_dir()
    assert not old.exists()
    assert store.put({"main.rb": b"old"}) == old


def test_asking_for_it_keeps_it(store: CodeStore) -> None:
    folder = store.put({"main.rb": b"1"})
    os.utime(folder, (0, 0))
    store.put({"main.rb": b"1"})
    assert store.prune(unused_s=3600) == 0


def test_what_a_sandbox_has_is_kept_however_old_it_is(store: CodeStore) -> None:
    held, idle = store.put({"main.rb": b"held"}), store.put({"main.rb": b"idle"})
    for folder in (held, idle):
        os.utime(folder, (0, 0))
    assert store.prune({held}) == 1
    assert (held / "main.rb").is_file()
    assert not idle.exists()


def test_what_could_not_be_written_leaves_nothing_behind(store: CodeStore, tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "main.rb").write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        store.kept("tree", half)
    assert not list((tmp_path / "code").iterdir())


def test_what_an_earlier_process_left_half_done_is_removed(store: CodeStore, tmp_path: Path) -> None:
    whole = store.put({"main.rb": b"1"})
    (tmp_path / "code" / ".draft" / "deep").mkdir(parents=True)
    store.clear()
    assert list((tmp_path / "code").iterdir()) == [whole]
