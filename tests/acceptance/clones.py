"""Somebody with official git: a clone of an element's repository, and what can be done from it."""

import hashlib
import os
import subprocess
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from tests.acceptance.client import Circle, Element
from tests.acceptance.server import Server
from tests.acceptance.source import git, repository_of

IDENTITY = {"GIT_AUTHOR_NAME": "Grace", "GIT_AUTHOR_EMAIL": "grace@example.test",
            "GIT_COMMITTER_NAME": "Grace", "GIT_COMMITTER_EMAIL": "grace@example.test"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Clone:
    """A working copy. Nothing of the user's or the machine's configuration of git counts."""

    folder: Path
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)

    async def git(self, *arguments: str, stdin: bytes = b"", code: int | None = 0) -> Ended:
        """`code` is how it has to end; None: anyhow."""
        return await run("git", *arguments, folder=self.folder, stdin=stdin, code=code, **self.environment)

    async def push(self, *what: str, code: int | None = 0) -> Ended:
        return await self.git("push", "origin", *(what or ("draft",)), code=code)

    async def refused(self, *what: str) -> str:
        """Pushes, is refused, and reads why."""
        ended = await self.push(*what, code=1)
        assert "rejected" in ended.err or "error" in ended.err, ended.err
        return ended.err

    def write(self, path: str, text: str | bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())

    async def commit(self, message: str = "changed") -> str:
        """All there is, as a commit; its name."""
        await self.git("add", "--all", "--force")
        await self.git("commit", "--allow-empty", "--message", message)
        return await self.head()

    async def head(self, what: str = "HEAD") -> str:
        return (await self.git("rev-parse", what)).out.strip()

    async def object(self, kind: str, data: bytes) -> str:
        """An object with any content whatsoever, as git keeps one; git itself would take a process for each."""
        whole = b"%s %d\0%s" % (kind.encode(), len(data), data)
        name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        place = anyio.Path(self.folder, ".git/objects", name[:2], name[2:])
        if not await place.exists():
            await place.parent.mkdir(exist_ok=True)
            await place.write_bytes(zlib.compress(whole))
        return name

    async def tree(self, *entries: tuple[str, str | bytes, str]) -> str:
        """A tree of (mode, name, object), in this order, however wrong."""
        lines = [
            f"{mode} ".encode()
            + (name if isinstance(name, bytes) else name.encode())
            + b"\0"
            + bytes.fromhex(target)
            for mode, name, target in entries
        ]
        return await self.object("tree", b"".join(lines))

    async def with_tree(self, tree: str, message: str = "by hand") -> str:
        """draft goes on with exactly this tree."""
        made = await self.git("commit-tree", tree, "-p", "HEAD", "-m", message)
        await self.git("update-ref", "refs/heads/draft", made.out.strip())
        return made.out.strip()

    async def with_entry(self, mode: str, name: str | bytes, target: str) -> str:
        """draft goes on with one entry more, put where a tree has it in order."""
        listed = (await self.git("ls-tree", "HEAD")).out.splitlines()
        entries = [(mode, name if isinstance(name, bytes) else name.encode(), target)]
        for line in listed:
            head, _, known = line.partition("\t")
            kind = head.split()
            entries.append((kind[0].lstrip("0"), known.encode(), kind[2]))
        entries.sort(key=lambda entry: entry[1] + (b"/" if entry[0] == "40000" else b""))
        return await self.with_tree(await self.tree(*entries))


def url_of(element: Element, token: str | None = None, user: str = "anybody") -> str:
    """With the credential in it, as tests may."""
    parts = urlsplit(str(element.circle.http.base_url))
    credential = f"{user}:{token or element.circle.token}@"
    return f"http://{credential}{parts.netloc}/git/{element.circle.name}/{element.slug}.git"


async def run(*command: str, folder: Path, stdin: bytes = b"", code: int | None = 0, **environment: str) -> Ended:
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1",
             "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **IDENTITY, **environment}  # fmt: skip

    def go() -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(command, cwd=folder, env=clean, input=stdin, capture_output=True, check=False)

    done = await anyio.to_thread.run_sync(go)
    ended = Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    assert code is None or ended.code == code, f"{command} ended with {ended.code}: {ended.err}"
    return ended


async def clone(element: Element, folder: Path, *options: str, token: str | None = None) -> Clone:
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    url = url_of(element, token)
    await run("git", "clone", "--quiet", *options, url, "copy", folder=folder)
    return Clone(folder / "copy", url)


async def key(circle: Circle, role: str, *scopes: str) -> str:
    """An API key of the circle."""
    body = {"name": f"{role}-key", "role": role, **({"scopes": list(scopes)} if scopes else {})}
    answer = await circle.post("/ops/tokens/create", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def standing(server: Server, element: Element) -> tuple[int, str, int]:
    """What a refused push must leave as it was: version, draft, how many objects there are."""
    told = (await element.get()).json()
    folder = await repository_of(server, element)
    return told["version"], git(folder, "rev-parse", "draft").strip(), len(list(folder.glob("objects/??/*")))


class Unchanged:
    """`async with Unchanged(…)`: whatever is pushed in there changes nothing."""

    def __init__(self, server: Server, element: Element) -> None:
        self._server = server
        self._element = element

    async def __aenter__(self) -> None:
        self._before = await standing(self._server, self._element)

    async def __aexit__(self, *ended: object) -> None:
        assert await standing(self._server, self._element) == self._before
        assert (await self._element.invoke({"a": 1})).json() == {"a": 1}
