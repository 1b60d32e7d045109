"""What a git process can see, do and use up. It is asked through aliases, which run any command in its place."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from triform.elements.errors import SourceUnavailable
from triform.source import git as running
from triform.source.confinement import USER, Plan, Room, obstacle
from triform.source.git import Git, GitFailed
from triform.source.repository import Repository


@pytest.fixture
def git(tmp_path: Path) -> Git:
    made = Git(tmp_path / "scratch")
    made.clear()
    return made


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repositories" / "circle" / "element.git")
    made.create()
    return made


async def shell(git: Git, script: str, room: Room | None = None, **options: int) -> tuple[int, str]:
    """Exit code and output of a script in git's place."""
    done = await git.run("-c", f"alias.x=!{script}", "x", room=room or Room(), **options)  # type: ignore[arg-type]
    return done.status, done.read().decode()


def test_git_can_be_run_here() -> None:
    assert obstacle() is None


def test_the_plan_is_a_list_of_words_and_starts_no_shell() -> None:
    plan = Plan(["status", "; touch /tmp/x", "$(id)"], Room(Path("/a b"), Path("/c"))).command(7)
    assert plan[-3:] == ["status", "; touch /tmp/x", "$(id)"]
    assert "sh" not in plan


async def test_it_sees_the_system_its_rooms_and_nothing_else(git: Git, repository: Repository) -> None:
    with git.scratch() as scratch:
        (scratch / "inside").write_text("x")
        _, seen = await shell(git, "ls -A / /etc /tmp /scratch; cat /etc/passwd", Room(repository.folder, scratch))
    words = set(seen.split())
    assert {"usr", "repository", "scratch", "gitconfig", "inside"} <= words
    assert not words & {"home", "root", "work", "var", "proc", "sys", "run", "passwd"}


async def test_the_repository_cannot_be_written_and_scratch_can(git: Git, repository: Repository) -> None:
    with git.scratch() as scratch:
        room = Room(repository.folder, scratch)
        assert (await shell(git, "touch /repository/x", room))[0] != 0
        assert (await shell(git, "echo > /repository/HEAD", room))[0] != 0
        assert (await shell(git, "touch /usr/x", room))[0] != 0
        assert (await shell(git, "touch /scratch/x", room))[0] == 0
        assert (scratch / "x").exists()


async def test_it_is_nobody_with_no_rights(git: Git) -> None:
    _, seen = await shell(git, "id -u; setpriv -d -d")
    uid = seen.splitlines()[0]
    assert uid == (str(USER) if os.geteuid() == 0 else str(os.geteuid()))
    assert "no_new_privs: 1" in seen
    assert "Effective capabilities: [none]" in seen
    assert "Capability bounding set: [none]" in seen
    assert "Inheritable capabilities: [none]" in seen


async def test_it_has_no_network_not_even_to_itself(git: Git) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, _ = await shell(git, f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'")
    assert code != 0


async def test_its_environment_is_ours_alone(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIFORM_DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("GIT_SSH_COMMAND", "touch /tmp/x")
    _, seen = await shell(git, "env")
    names = {line.partition("=")[0] for line in seen.splitlines()}
    ours = {"PATH", "HOME", "LC_ALL", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"}
    assert names - ours <= {"PWD", "GIT_EXEC_PATH", "GIT_PREFIX", "GIT_CONFIG_PARAMETERS", "OLDPWD", "SHLVL", "_"}
    assert ours <= names


async def test_neither_the_users_nor_the_machines_configuration_counts(
    git: Git, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    told = await git.output(
        "--git-dir", "/repository", "config", "--list", "--show-scope", room=Room(repository.folder)
    )
    scopes = {line.split()[0] for line in told.decode().splitlines()}
    assert scopes == {"system", "local"}
    assert b"somebody" not in told


async def test_it_sees_no_other_process(git: Git) -> None:
    code, _ = await shell(git, f"kill -0 {os.getpid()}")
    assert code != 0


async def test_memory_is_bounded(git: Git) -> None:
    code, _ = await shell(git, "dd if=/dev/zero of=/dev/null bs=1G count=1")
    assert code != 0


async def test_files_are_bounded(git: Git) -> None:
    with git.scratch() as scratch:
        code, _ = await shell(git, "dd if=/dev/zero of=/scratch/x bs=1M count=300", Room(scratch=scratch))
        assert code != 0
        assert (scratch / "x").stat().st_size <= 256 << 20


async def test_output_is_bounded_and_the_process_ended(git: Git) -> None:
    with pytest.raises(GitFailed, match="wrote more than"):
        await shell(git, "yes", most=1 << 20)


async def test_time_is_bounded_and_everything_ended(tmp_path: Path) -> None:
    git = Git(tmp_path / "s", seconds=1.0)
    git.clear()
    with git.scratch() as scratch:
        began = time.monotonic()
        with pytest.raises(GitFailed, match="took longer"):
            await shell(git, "sleep 987654 & sleep 987654", Room(scratch=scratch))
        assert time.monotonic() - began < 30
    assert not _running("sleep 987654")


async def test_a_caller_that_goes_away_leaves_no_process(git: Git) -> None:
    with git.scratch() as scratch:
        task = asyncio.create_task(shell(git, "touch /scratch/begun; sleep 876543", Room(scratch=scratch)))
        await until(lambda: (scratch / "begun").exists())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not _running("sleep 876543")


async def test_a_few_run_at_a_time_and_the_rest_wait(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    with git.scratch() as scratch:
        script = "mkdir /scratch/$$; ls -d /scratch/[0-9]* | wc -l; sleep 0.2; rmdir /scratch/$$"
        room = Room(scratch=scratch)
        told = await asyncio.gather(*(shell(git, script, room) for _ in range(3 * running.AT_ONCE)))
    assert max(int(seen) for _, seen in told) <= running.AT_ONCE


async def test_too_many_who_wait_are_turned_away(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_WAITING", 1)
    calls = [asyncio.create_task(shell(git, "sleep 0.5")) for _ in range(running.AT_ONCE + 3)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert any(isinstance(each, SourceUnavailable) for each in ended)
    assert [each for each in ended if not isinstance(each, SourceUnavailable | tuple)] == []


async def test_where_git_cannot_be_confined_it_is_not_run_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    git = Git(tmp_path / "s")
    git.clear()
    with pytest.raises(SourceUnavailable) as caught:
        await git.output("--version", room=Room())
    assert caught.value.suggestion is not None
    assert "apt-get install git bubblewrap util-linux" in caught.value.suggestion.fix


async def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "s/old/deep").mkdir(parents=True)
    Git(tmp_path / "s").clear()
    assert list((tmp_path / "s").iterdir()) == []


async def until(condition: Callable[[], bool]) -> None:
    """Looks again and again."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)


def _running(text: str) -> bool:
    return any(text in said for said in _commands())


def _commands() -> Iterator[str]:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
