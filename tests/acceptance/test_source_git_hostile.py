"""Repositories and servers that mean harm: nothing of what they send is run, kept, or leads anywhere."""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.client import Circle, Element, Json, refused, until
from tests.acceptance.fetching import fetching
from tests.acceptance.server import Server
from tests.acceptance.source import deployed, repository_of
from tests.remotes import ADVERTISEMENT, RESULT, Answer, GitServer, Repository
from triform.source.pktline import FLUSH, line

MAIN = "def handler(input) = 'here'\n"
HEAD = "1" * 40


@pytest.fixture
def circle(fetching_circle: Circle) -> Circle:
    return fetching_circle


@pytest.fixture
def evil(remote: GitServer, tmp_path: Path) -> Repository:
    repository = remote.repository(tmp_path.name)
    repository.commit({"main.rb": MAIN})
    return repository


@pytest.fixture
async def element(circle: Circle, remote: GitServer, evil: Repository) -> Element:
    return await fetching(circle, f"{remote.url}/{evil.folder.name}")


# --- what they send -------------------------------------------------------------------------------------------


async def problem_of(element: Element, status: int, code: str) -> Json:
    return refused(await element.post("/ops/deploy"), status, code)


def with_entry(repository: Repository, entry: str) -> None:
    """main goes on with one entry more in its tree, whatever git's own commands think of it."""
    listed = repository.git("ls-tree", "HEAD")
    tree = repository.git("mktree", "--missing", stdin=f"{listed}\n{entry}\n".encode())
    commit = repository.git("commit-tree", tree, "-p", "HEAD", "-m", "by hand")
    repository.git("update-ref", "refs/heads/main", commit)


@pytest.mark.parametrize(
    ("target", "path"), [("/etc/passwd", "link.rb"), ("../../..", "up"), ("main.rb", "alias.rb"), ("/", "data")]
)
async def test_links_are_refused_and_none_is_laid_out(
    fetching_server: Server, element: Element, evil: Repository, target: str, path: str
) -> None:
    blob = evil.git("hash-object", "-w", "--stdin", stdin=target.encode())
    with_entry(evil, f"120000 blob {blob}\t{path}")
    problem = await problem_of(element, 422, "SOURCE_REFUSED")
    assert f"{path} is a symbolic link" in problem["errors"][0]["message"]
    assert not [each for each in (fetching_server.data_dir / "code").rglob("*") if each.is_symlink()]


async def test_submodules_are_refused_and_not_followed(
    element: Element, remote: GitServer, evil: Repository
) -> None:
    evil.commit({".gitmodules": f'[submodule "x"]\n  path = x\n  url = {remote.url}/elsewhere\n'})
    with_entry(evil, f"160000 commit {HEAD}\tx")
    problem = await problem_of(element, 422, "SOURCE_REFUSED")
    assert "x is a submodule" in problem["errors"][0]["message"]
    assert not any("elsewhere" in each for each in remote.asked)


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "..", "."])
async def test_names_that_lead_out_or_into_git_are_refused(element: Element, evil: Repository, name: str) -> None:
    """mktree would not write them; the object is made as it is."""
    blob = evil.git("rev-parse", "HEAD:main.rb")
    content = b"".join(
        f"100644 {each}".encode() + b"\0" + bytes.fromhex(blob) for each in sorted([name, "main.rb"])
    )
    tree = evil.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=content)
    commit = evil.git("commit-tree", tree, "-m", "by hand")
    evil.git("update-ref", "refs/heads/main", commit)
    problem = refused(await element.post("/ops/deploy"), 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == "UNSOUND"


async def test_a_few_small_trees_that_stand_for_billions_of_files_are_refused(
    fetching_server: Server, element: Element, evil: Repository
) -> None:
    below = f"100644 blob {evil.git('rev-parse', 'HEAD:main.rb')}"
    tree = evil.git("mktree", stdin="".join(f"{below}\t{number}.rb\n" for number in range(10)).encode())
    for _ in range(9):
        lines = "".join(f"040000 tree {tree}\t{number}\n" for number in range(10))
        tree = evil.git("mktree", stdin=lines.encode())
    with_entry(evil, f"040000 tree {tree}\tbomb")
    await problem_of(element, 422, "SOURCE_TOO_LARGE")
    assert not list((fetching_server.data_dir / "code").rglob("bomb"))


async def test_small_packs_that_become_large_are_refused(element: Element, evil: Repository) -> None:
    evil.commit({f"{number}.bin": bytes([number]) * (4 << 20) for number in range(16)})
    await problem_of(element, 422, "SOURCE_TOO_LARGE")


async def test_a_file_that_is_too_large_is_refused(element: Element, evil: Repository) -> None:
    evil.commit({"large.bin": bytes(6 << 20)})
    problem = await problem_of(element, 422, "SOURCE_REFUSED")
    assert "large.bin has 6291456 bytes" in problem["errors"][0]["message"]


async def test_a_pack_over_the_limit_is_cut_off(element: Element, evil: Repository) -> None:
    evil.commit({"random.bin": os.urandom(2 << 20)})
    problem = await problem_of(element, 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == "TOO_LARGE"
    assert "1048576 bytes" in problem["detail"]


V2 = line(b"version 2\n") + line(b"ls-refs\n") + line(b"fetch=shallow\n") + FLUSH
REFS = line(f"{HEAD} HEAD\n".encode()) + FLUSH


def playing(remote: GitServer, evil: Repository, *answers: bytes) -> None:
    """A server that answers the first request with V2, and the later ones with these, one after the other."""
    left = [REFS, *answers]
    remote.instead[f"/{evil.folder.name}/info/refs"] = lambda: (200, {"Content-Type": ADVERTISEMENT}, V2)
    remote.instead[f"/{evil.folder.name}/git-upload-pack"] = lambda: (200, {"Content-Type": RESULT}, left.pop(0))


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"", 503, "SOURCE_UNREACHABLE"),
        (b"zzzz", 503, "SOURCE_UNREACHABLE"),
        (b"\x1f\x8b" * 100, 503, "SOURCE_UNREACHABLE"),
        (line(b"packfile\n") + line(b"\x01PACK"), 503, "SOURCE_UNREACHABLE"),
        (line(b"packfile\n") + line(b"\x01PACK\0\0\0\2\0\0\0\1") + FLUSH, 422, "SOURCE_NOT_FETCHED"),
        (line(b"packfile\n") + line(b"\x01" + bytes(1000)) + FLUSH, 422, "SOURCE_NOT_FETCHED"),
        (line(b"packfile\n") + line(b"\x03\x1b[31mno\x07 access\n") + FLUSH, 422, "SOURCE_NOT_FETCHED"),
    ],
)
async def test_packs_that_are_none(
    element: Element, remote: GitServer, evil: Repository, sent: bytes, status: int, code: str
) -> None:
    playing(remote, evil, sent)
    problem = await problem_of(element, status, code)
    assert "\x1b" not in str(problem)
    assert not list((await element.get("/ops/source/status")).json()["warnings"])


async def test_a_pack_that_holds_another_commit_than_was_promised(
    fetching_server: Server, element: Element, remote: GitServer, evil: Repository
) -> None:
    pack = _packed(evil, evil.git("rev-parse", "HEAD"))
    playing(remote, evil, line(b"packfile\n") + line(b"\x01" + pack) + FLUSH)
    problem = await problem_of(element, 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == "UNSOUND"
    folder = await repository_of(fetching_server, element)
    real = evil.git("rev-parse", "HEAD")
    assert not (folder / "objects" / real[:2] / real[2:]).exists()


def _packed(repository: Repository, commit: str) -> bytes:
    names = repository.git("rev-list", "--objects", "--no-object-names", commit)
    command = ["git", "-C", str(repository.folder), "pack-objects", "--stdout", "-q"]
    return subprocess.run(command, input=names.encode(), capture_output=True, check=True).stdout


async def test_an_object_that_is_no_commit(circle: Circle, remote: GitServer, evil: Repository) -> None:
    blob = evil.git("rev-parse", "HEAD:main.rb")
    element = await fetching(circle, f"{remote.url}/{evil.folder.name}", ref=blob)
    problem = await problem_of(element, 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == "NO_COMMIT"


async def test_a_repository_of_another_hash_is_told_apart(
    element: Element, remote: GitServer, evil: Repository
) -> None:
    told = line(b"version 2\n") + line(b"object-format=sha256\n") + FLUSH
    remote.instead[f"/{evil.folder.name}/info/refs"] = lambda: (200, {"Content-Type": ADVERTISEMENT}, told)
    problem = await problem_of(element, 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == "SHA256"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>the inner wiki: launch codes</html>"), "NO_REPOSITORY"),
        ((200, {}, V2), "NO_REPOSITORY"),
        ((204, {"Content-Type": ADVERTISEMENT}, b""), "STATUS"),
        ((403, {}, b"launch codes"), "CREDENTIALS_NEEDED"),
    ],
)
async def test_what_is_no_git_server_is_not_quoted(
    element: Element, remote: GitServer, evil: Repository, answer: Answer, code: str
) -> None:
    remote.instead[f"/{evil.folder.name}/info/refs"] = lambda: answer
    problem = await problem_of(element, 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == code
    assert "launch codes" not in str(problem)


async def test_a_server_that_lists_references_without_end_is_left(
    element: Element, remote: GitServer, evil: Repository
) -> None:
    told: Mapping[str, str] = {"Content-Type": ADVERTISEMENT}
    endless = line(f"{HEAD} refs/heads/{'x' * 60_000}\n".encode()) * 400
    remote.instead[f"/{evil.folder.name}/info/refs"] = lambda: (200, told, endless)
    problem = await problem_of(element, 503, "SOURCE_UNREACHABLE")
    assert "too many references" in problem["detail"]


async def test_a_deploy_that_waits_for_a_silent_server_can_be_cancelled(
    element: Element, remote: GitServer, evil: Repository
) -> None:
    asked, over = threading.Event(), threading.Event()

    def silent() -> Answer:
        asked.set()
        over.wait(60)
        return 200, {"Content-Type": ADVERTISEMENT}, V2

    remote.instead[f"/{evil.folder.name}/info/refs"] = silent
    try:
        answer = await element.post("/ops/deploy", headers={"Prefer": "respond-async"})
        run_id = answer.json()["run_id"]

        async def heard() -> bool:
            return asked.is_set()

        await until(heard, "the server is asked")
        assert (await element.cancel(run_id)).status_code == 200
        assert (await element.ended(run_id))["status"] == "cancelled"
    finally:
        over.set()


async def test_no_git_of_ours_ever_speaks_to_a_network(
    fetching_server: Server, element: Element, remote: GitServer
) -> None:
    """Whoever asks is the server itself; git has neither an address nor a reference on its command line."""
    remote.headers.clear()
    await deployed(element)
    assert {headers["User-Agent"] for headers in remote.headers} == {"git/2.0 (triform)"}
