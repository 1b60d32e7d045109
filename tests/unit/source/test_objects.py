"""Objects are git's own: official git reads what we write, we read what it writes, nothing damaged passes."""

import os
import subprocess
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triform.elements.errors import SourceUnavailable
from triform.source.objects import BLOB, Damaged, New, Objects, TooLarge, parsed_commit, parsed_tree
from triform.source.repository import Author, FileTooLarge, Repository

ADA = Author("Ada Lovelace", "ada@example.test")
AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
NAMES = st.text(st.characters(exclude_characters="/\0\\", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(folder), *arguments]
    return subprocess.run(command, input=stdin, env=ENVIRONMENT, capture_output=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "circle" / "element.git")
    made.create()
    return made


def only(repository: Repository, name: str, data: bytes) -> None:
    """An object file with any content."""
    place = repository.objects.place(name)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)


def test_official_git_finds_nothing_wrong_with_what_we_write(repository: Repository) -> None:
    first = repository.commit({"a/b/c.rb": b"1", "a.rb": b"2", "a-b": b"3", "a0": b"4"}, [], ADA, AT, "first\n")
    second = repository.commit({"a/b/d.rb": b"5", "a.rb": b"6"}, [first], ADA, AT, "second\n\nmore\n")
    repository.point("draft", second)
    assert git(repository.folder, "fsck", "--strict", "--full") == b""
    listed = git(repository.folder, "ls-tree", "-r", "--name-only", "draft").decode().split()
    assert listed == ["a-b", "a.rb", "a/b/c.rb", "a/b/d.rb", "a0"]
    assert [file.path for file in repository.files(second)] == sorted(listed)
    assert git(repository.folder, "log", "-1", "--format=%an %ae %cn %aI", "draft").decode().strip() == (
        "Ada Lovelace ada@example.test Triform 2026-05-04T03:02:01+00:00"
    )
    assert repository.history(second, 9) == git(repository.folder, "rev-list", "draft").decode().split()


@settings(max_examples=25, deadline=None)
@given(files=st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(), max_size=6))
def test_files_come_back_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    names = sorted(files)
    files = {path: files[path] for path in names if not any(other.startswith(f"{path}/") for other in names)}
    repository = Repository(tmp_path_factory.mktemp("any") / "a.git")
    repository.create()
    commit = repository.commit(files, [], ADA, AT, "any")
    assert {file.path: repository.read(commit, file.path, 1 << 20) for file in repository.files(commit)} == files


def test_we_read_what_official_git_wrote(repository: Repository) -> None:
    blob = git(repository.folder, "hash-object", "-w", "--stdin", stdin=b"made by git").decode().strip()
    tree = git(repository.folder, "mktree", stdin=f"100755 blob {blob}\trun.sh\n".encode()).decode().strip()
    people = [f"GIT_{role}_{what}={value}" for role in ("AUTHOR", "COMMITTER")
              for what, value in (("NAME", "G"), ("EMAIL", "g@h"), ("DATE", "1700000000 +0200"))]  # fmt: skip
    commit = subprocess.run(
        ["env", *people, "git", "-c", "safe.directory=*", "--git-dir", str(repository.folder),
         "commit-tree", tree, "-m", "m"],
        env=ENVIRONMENT, capture_output=True, check=True, text=True,
    ).stdout.strip()  # fmt: skip
    assert [(file.path, file.mode) for file in repository.files(commit)] == [("run.sh", 0o100755)]
    assert repository.read(commit, "run.sh", 100) == b"made by git"


def test_the_same_commit_made_twice_is_the_same(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other.git")
    other.create()
    made = [each.commit({"a": b"1"}, [], ADA, AT, "m") for each in (repository, other, repository)]
    assert len(set(made)) == 1


def test_a_commit_is_moved_onto_another_with_all_it_has(repository: Repository) -> None:
    root = repository.commit({"root": b"r"}, [], ADA, AT, "root")
    lone = repository.commit({"x": b"1"}, [], ADA, AT, "message\n\nbody")
    moved = repository.transplant(lone, root)
    assert repository.history(moved, 5) == [moved, root]
    assert [file.path for file in repository.files(moved)] == ["x"]
    assert git(repository.folder, "log", "-1", "--format=%B", moved).strip() == b"message\n\nbody"


def test_a_file_larger_than_wanted_is_not_read(repository: Repository) -> None:
    commit = repository.commit({"big": b"x" * 1000}, [], ADA, AT, "m")
    with pytest.raises(FileTooLarge) as caught:
        repository.read(commit, "big", 999)
    assert caught.value.size == 1000
    assert repository.read(commit, "big", 1000) == b"x" * 1000


def test_an_object_that_says_it_is_small_and_is_not_is_damaged_and_never_inflated_whole(tmp_path: Path) -> None:
    objects, bomb = Objects(tmp_path), b"blob 10\0" + b"\0" * (256 << 20)
    name = New(BLOB, b"0123456789").name
    objects.place(name).parent.mkdir()
    objects.place(name).write_bytes(zlib.compress(bomb, 9))
    with pytest.raises(Damaged):
        objects.read(name)


def test_a_header_with_an_endless_size_is_damaged(tmp_path: Path) -> None:
    objects, name = Objects(tmp_path), "a" * 40
    objects.place(name).parent.mkdir()
    objects.place(name).write_bytes(zlib.compress(b"blob " + b"9" * 40 + b"\0x"))
    with pytest.raises(Damaged):
        objects.read(name)
    objects.place(name).write_bytes(zlib.compress(b"blob 99999999999\0x"))
    with pytest.raises(TooLarge):
        objects.read(name)


@pytest.mark.parametrize("cut", [0, 1, 5, 20, -1, -3])
def test_a_file_cut_anywhere_is_damaged(repository: Repository, cut: int) -> None:
    """libgit2 1.9 goes on for ever with some of these."""
    commit = repository.commit({"main.rb": b"def handler(input)\n  input\nend\n"}, [], ADA, AT, "m")
    (file,) = repository.files(commit)
    place = repository.objects.place(file.blob)
    data = place.read_bytes()
    place.chmod(0o644)
    place.write_bytes(data[:cut])
    with pytest.raises(SourceUnavailable):
        repository.read(commit, "main.rb", 1 << 20)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_make_the_readers_raise_anything_else(data: bytes) -> None:
    for parse in (parsed_tree, parsed_commit):
        try:
            parse("name", data)
        except Damaged:
            continue


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_a_commit_with_any_bytes_in_it_is_damaged_or_read(junk: bytes, at: int) -> None:
    good = b"tree " + b"a" * 40 + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nm"
    try:
        commit = parsed_commit("name", good[:at] + junk + good[at:])
    except Damaged:
        return
    assert all(len(name) == 40 for name in (commit.tree, *commit.parents))


def test_objects_can_be_read_by_everybody_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        repository = Repository(tmp_path / "circle" / "a.git")
        repository.create()
        repository.point("draft", repository.commit({"a": b"1"}, [], ADA, AT, "m"))
    finally:
        os.umask(before)
    closed = [place for place in repository.folder.rglob("*") if not place.stat().st_mode & 0o004]
    assert closed == []
    assert (tmp_path / "circle").stat().st_mode & 0o777 == 0o700
