"""The repository of an element, as official git sees it on the server's disk; and calls about it."""

import subprocess
from pathlib import Path

from tests.acceptance.client import Element, Json
from tests.acceptance.server import Server

CLEAN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}


async def repository_of(server: Server, element: Element) -> Path:
    """Where it lies."""
    element_id = (await element.get()).json()["id"].replace("-", "")
    (found,) = (server.data_dir / "repositories").glob(f"*/{element_id}.git")
    return found


def git(folder: Path, *arguments: str) -> str:
    """What git says about a bare repository."""
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(folder), *arguments]
    return subprocess.run(command, env=CLEAN, capture_output=True, text=True, check=True).stdout


def object_file(folder: Path, name: str) -> Path:
    """The file of a loose object, by a revision such as `draft:main.rb`."""
    oid = git(folder, "rev-parse", name).strip()
    return folder / "objects" / oid[:2] / oid[2:]


async def branches(element: Element) -> dict[str, Json]:
    told = (await element.get("/ops/source/branches")).json()["branches"]
    return {each["name"]: each for each in told}


async def repair(element: Element, **arguments: Json) -> Json:
    answer = await element.post("/ops/source/repair", arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def deployed(element: Element) -> Element:
    answer = await element.post("/ops/deploy", {})
    assert answer.status_code == 200, answer.text
    return element


async def promoted(element: Element, *to: str) -> None:
    """Moves it on, one step after the other."""
    for target in to:
        start = {"demo": "draft", "live": "demo"}[target]
        answer = await element.post("/ops/source/promote", {"from": start, "to": target})
        assert answer.status_code == 200, answer.text
