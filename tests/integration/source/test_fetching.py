"""A commit brought into a repository: all of it or nothing, in bounded time, and nothing left lying about."""

import asyncio
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.remotes import ADVERTISEMENT, Answer, GitServer
from triform.elements.code_source import GIT, CodeSource
from triform.source import fetching
from triform.source.errors import SourceRefused, SourceUnreachable
from triform.source.fetching import Fetching
from triform.source.git import Git
from triform.source.hosts import Hosts
from triform.source.repository import Repository


class Present:
    """One element with one repository."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    async def of(self, element: Any) -> Any:
        return element, self.repository


class Refusing(Exception):
    """A promoted version, say."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "element.git")
    made.create()
    return made


async def fetch(
    server: GitServer, repository: Repository, scratch: Path, refuse: bool = False, ref: str | None = None
) -> str:
    async def free(commit: str) -> None:
        if refuse:
            raise Refusing

    git = Git(scratch)
    hosts, present = Hosts([server.place]), Present(repository)
    source = CodeSource(GIT, repository=f"{server.url}/tax", ref=ref)
    made = Fetching(git, present, hosts, 1 << 20)  # type: ignore[arg-type]
    try:
        return await made.fetch(UUID(int=1), source, free, lambda text: None)  # type: ignore[arg-type]
    finally:
        assert left(scratch) == [], "something was left in the scratch folder"


def left(folder: Path) -> list[Path]:
    return list(folder.glob("*"))


def objects(repository: Repository) -> int:
    return len(list(repository.objects.names()))


async def test_a_commit_comes_with_its_files_and_without_its_past(repository: Repository, tmp_path: Path) -> None:
    with GitServer(tmp_path / "remotes") as server:
        remote = server.repository()
        old = remote.commit({"old.rb": "1"})
        (remote.folder / "old.rb").unlink()
        commit = remote.commit({"lib/new.rb": "2"})
        assert await fetch(server, repository, tmp_path / "scratch") == commit
    assert [file.path for file in repository.files(commit)] == ["lib/new.rb"]
    assert objects(repository) == 4, "a commit, two trees and a file"
    assert not repository.objects.place(old).exists()
    assert repository.branches() == {}


async def test_who_may_not_have_another_commit_is_told_before_it_is_sent(
    repository: Repository, tmp_path: Path
) -> None:
    with GitServer(tmp_path / "remotes") as server:
        server.repository().commit({"main.rb": "1"})
        with pytest.raises(Refusing):
            await fetch(server, repository, tmp_path / "scratch", refuse=True)
        assert [each.rpartition("/")[2].partition("?")[0] for each in server.asked] == ["refs", "git-upload-pack"]
    assert objects(repository) == 0


async def test_what_is_refused_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    with GitServer(tmp_path / "remotes") as server:
        remote = server.repository()
        remote.commit({"main.rb": "1"})
        (remote.folder / "link").symlink_to("/etc/passwd")
        remote.commit({})
        with pytest.raises(SourceRefused, match="link is a symbolic link") as refused:
            await fetch(server, repository, tmp_path / "scratch")
    assert refused.value.suggestion is not None
    assert refused.value.suggestion.op == "deploy"
    assert objects(repository) == 0


async def test_a_fetch_has_an_end(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_SECONDS", 0.05)
    over = threading.Event()

    def silent() -> Answer:
        over.wait(60)
        return 200, {"Content-Type": ADVERTISEMENT}, b""

    with GitServer(tmp_path / "remotes") as server:
        server.instead["/tax/info/refs"] = silent
        try:
            with pytest.raises(SourceUnreachable, match="it takes longer") as late:
                await fetch(server, repository, tmp_path / "scratch")
        finally:
            over.set()
    assert late.value.retryable


async def test_many_at_once_are_as_one(repository: Repository, tmp_path: Path) -> None:
    with GitServer(tmp_path / "remotes") as server:
        commit = server.repository().commit({f"{number}.rb": str(number) for number in range(20)})
        places = [tmp_path / f"scratch-{number}" for number in range(6)]
        commits = await asyncio.gather(*(fetch(server, repository, place) for place in places))
    assert set(commits) == {commit}
    assert len(repository.files(commit)) == 20
