"""Code that lies in repositories: one folder for all who run it, made once."""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.shipped import CATALOGUE
from tests.unit.isolation.world import make_call
from triform.elements.model import Element
from triform.source.errors import SourceFileMissing
from triform.source.layout import Layout
from triform.source.repositories import Repositories
from triform.source.repository import Author
from triform.substrates.isolation import checkouts as module
from triform.substrates.isolation.checkouts import Checkouts
from triform.substrates.isolation.code import CodeStore

ADA = Author("Ada", "ada@example.test")
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def element() -> Element:
    return make_call().element


@pytest.fixture
def checkouts(tmp_path: Path) -> Checkouts:
    repositories = Repositories(tmp_path / "repositories", Layout(CATALOGUE, lambda _: "main.rb"))
    return Checkouts(CodeStore(tmp_path / "code"), repositories)


def committed(checkouts: Checkouts, element: Element, **files: str) -> str:
    repository = checkouts.repositories.of(element)
    repository.create()
    return repository.commit(
        {name.replace("__", "/") + ".rb": text.encode() for name, text in files.items()}, [], ADA, AT, "made\n"
    )


async def test_equal_trees_of_a_circle_are_one_folder(checkouts: Checkouts, element: Element) -> None:
    first = committed(checkouts, element, main="1", lib__x="2")
    again = checkouts.repositories.of(element).commit({}, [first], ADA, AT, "the same files\n")
    placed = await checkouts.of(element, first, "lib/x.rb")
    assert (placed.folder / placed.entry).read_text() == "2"
    assert first != again
    assert await checkouts.of(element, again, "lib/x.rb") == placed


async def test_all_may_read_it(checkouts: Checkouts, element: Element) -> None:
    placed = await checkouts.of(element, committed(checkouts, element, a__b__c="1"), "a/b/c.rb")
    places = [placed.folder, *sorted(placed.folder.rglob("*"))]
    assert [oct(each.stat().st_mode & 0o777) for each in places] == ["0o755", "0o755", "0o755", "0o644"]


async def test_it_is_made_once_for_all_who_wait_and_goes_on_when_one_is_called_off(
    checkouts: Checkouts, element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, begun, go_on, real = list[str](), threading.Event(), threading.Event(), module.check_out

    def slow(repository: object, commit: str, folder: Path) -> None:
        made.append(commit)
        begun.set()
        go_on.wait(30)
        real(repository, commit, folder)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "check_out", slow)
    commit = committed(checkouts, element, main="1")
    waiting = [asyncio.create_task(checkouts.of(element, commit, "main.rb")) for _ in range(5)]
    await asyncio.to_thread(begun.wait, 30)
    waiting[0].cancel()
    go_on.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert len({str(each) for each in ended[1:]}) == 1
    assert made == [commit]


@pytest.mark.parametrize("entry", ["other.rb", "lib", "../code", "/etc/passwd", "lib/../../x"])
async def test_an_entry_that_is_no_file_of_it_says_what_to_push(
    checkouts: Checkouts, element: Element, entry: str
) -> None:
    commit = committed(checkouts, element, main="1", lib__x="2")
    with pytest.raises(SourceFileMissing) as missing:
        await checkouts.of(element.evolve(commit=commit), commit, entry)
    assert missing.value.suggestion is not None
    assert f"Push {entry} to draft of acme/greet" in missing.value.suggestion.fix
