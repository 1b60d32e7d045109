"""A commit's files on a disk: all of them and nothing else, wherever their names want to lead."""

from pathlib import Path

import pytest

from triform.elements.errors import SourceUnavailable
from triform.source import rules
from triform.source.checkout import check_out
from triform.source.errors import SourceRefused, SourceTooLarge
from triform.source.objects import BLOB, COMMIT, TREE, New
from triform.source.repository import Repository

Entry = tuple[str, str, str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "element.git")
    made.create()
    return made


def written(repository: Repository, kind: str, data: bytes) -> str:
    new = New(kind, data)
    repository.objects.write([new])
    return new.name


def blob(repository: Repository, data: bytes = b"text") -> str:
    return written(repository, BLOB, data)


def tree(repository: Repository, *entries: Entry) -> str:
    """Of (mode, name, object), in this order, however wrong."""
    lines = [f"{mode} {name}\0".encode() + bytes.fromhex(target) for mode, name, target in entries]
    return written(repository, TREE, b"".join(lines))


def commit(repository: Repository, *entries: Entry) -> str:
    people = "author A <a> 0 +0000\ncommitter A <a> 0 +0000"
    return written(repository, COMMIT, f"tree {tree(repository, *entries)}\n{people}\n\nmade\n".encode())


def laid_out(repository: Repository, folder: Path, *entries: Entry) -> dict[str, bytes]:
    folder.mkdir()
    check_out(repository, commit(repository, *entries), folder)
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_all_files_are_there_with_their_modes(repository: Repository, tmp_path: Path) -> None:
    one, two = blob(repository, b"1"), blob(repository, b"\x00\xff")
    below = tree(repository, ("100644", "deep.bin", two))
    found = laid_out(
        repository, tmp_path / "out", ("100644", "a.rb", one), ("40000", "lib", below), ("100755", "run", one)
    )
    assert found == {"a.rb": b"1", "lib/deep.bin": b"\x00\xff", "run": b"1"}
    assert (tmp_path / "out/run").stat().st_mode & 0o111
    assert not (tmp_path / "out/a.rb").stat().st_mode & 0o111


@pytest.mark.parametrize("mode", ["120000", "160000", "100600", "10644"])
def test_only_plain_files_are_laid_out(repository: Repository, tmp_path: Path, mode: str) -> None:
    with pytest.raises(SourceRefused):
        laid_out(repository, tmp_path / "out", (mode, "x", blob(repository, b"/etc/passwd")))
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "name",
    ["..", ".", "../x", "a/../../x", ".git", ".GIT", "git~1", "a\\b", "a\nb", "x" * 256, "é" * 128, "/etc/x"],
)
def test_no_name_leads_anywhere_else(repository: Repository, tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceRefused):
        laid_out(repository, tmp_path / "out", ("100644", name, blob(repository)))
    assert not list((tmp_path / "out").iterdir())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["element.git", "out"]


@pytest.mark.parametrize("first", ["100644", "40000"])
def test_a_name_that_is_there_twice_is_refused(repository: Repository, tmp_path: Path, first: str) -> None:
    file, folder = blob(repository), tree(repository, ("100644", "x", blob(repository)))
    target = {"100644": file, "40000": folder}[first]
    with pytest.raises(SourceRefused, match="is there twice"):
        laid_out(repository, tmp_path / "out", (first, "a", target), ("100644", "a", file))


def test_it_is_bounded_in_files(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_FILES", 3)
    entries = [("100644", f"{number}", blob(repository)) for number in range(4)]
    assert len(laid_out(repository, tmp_path / "three", *entries[:3])) == 3
    with pytest.raises(SourceTooLarge):
        laid_out(repository, tmp_path / "four", *entries)


def test_one_object_in_many_places_counts_each_time(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_BYTES", 25)
    ten = blob(repository, b"0123456789")
    assert len(laid_out(repository, tmp_path / "two", ("100644", "a", ten), ("100644", "b", ten))) == 2
    with pytest.raises(SourceTooLarge):
        laid_out(repository, tmp_path / "three", *(("100644", name, ten) for name in "abc"))


def test_trees_that_stand_for_billions_are_not_walked(repository: Repository, tmp_path: Path) -> None:
    below = tree(repository, *(("100644", str(number), blob(repository)) for number in range(10)))
    for _ in range(9):
        below = tree(repository, *(("40000", str(number), below) for number in range(10)))
    with pytest.raises(SourceTooLarge):
        laid_out(repository, tmp_path / "out", ("40000", "bomb", below))


def test_what_cannot_be_read_is_not_half_there_for_good(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        laid_out(repository, tmp_path / "out", ("100644", "a", "0" * 40))
