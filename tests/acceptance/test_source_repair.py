"""Damage to repositories is real here: files are deleted, overwritten, planted. No version is ever lost."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.client import ECHO, Circle, Element, refused
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.server import Server
from tests.acceptance.source import branches, deployed, git, object_file, promoted, repair, repository_of

OTHER = "def handler(input)\n  'other'\nend\n"


async def with_history(circle: Circle) -> Element:
    """Two versions, the first of them live."""
    element = await deployed(await circle.ruby())
    await promoted(element, "demo", "live")
    assert (await element.patch({"spec": {"source": {"code": OTHER}}})).status_code == 200
    return element


async def commits(element: Element) -> list[str | None]:
    """Of the versions, newest first."""
    told = (await element.get("/ops/version", params={"history": "true"})).json()
    return [each["commit"] for each in told["versions"]]


async def sound(folder: Path, element: Element) -> None:
    """Official git finds nothing wrong, and the branches are where they are said to be."""
    assert git(folder, "fsck", "--strict", "--full", "--no-dangling") == ""
    for name, branch in (await branches(element)).items():
        if branch["commit"]:
            assert git(folder, "rev-parse", f"refs/heads/{name}").strip() == branch["commit"]
    assert (await repair(element))["healthy"]


def _cut(place: Path) -> None:
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-3])


def _flip(place: Path) -> None:
    place.chmod(0o644)
    data = bytearray(place.read_bytes())
    data[-1] ^= 0xFF
    place.write_bytes(data)


def _empty(place: Path) -> None:
    place.chmod(0o644)
    place.write_bytes(b"")


async def test_a_sound_repository_is_left_alone(server: Server, circle: Circle) -> None:
    element = await with_history(circle)
    before = await commits(element)
    told = await repair(element, dry_run=False)
    assert (told["healthy"], told["mended"], told["report"]) == (True, False, [])
    assert await commits(element) == before


@pytest.mark.parametrize("harm", [Path.unlink, _cut, _flip, _empty])
@pytest.mark.parametrize(
    "what", ["draft:main.rb", "draft:.triform/spec.yaml", "draft^{tree}", "draft", "live", "live:main.rb"]
)
async def test_a_lost_or_damaged_object_is_written_again_as_it_was(
    server: Server, circle: Circle, what: str, harm: Callable[[Path], None]
) -> None:
    element = await with_history(circle)
    folder, before = await repository_of(server, element), await commits(element)
    harm(object_file(folder, what))
    told = (await element.get("/ops/source/status")).json()
    assert told["health"] == ("healthy" if what == "live:main.rb" else "damaged"), (
        "only draft's files are looked at"
    )
    found = await repair(element)
    assert (found["dry_run"], found["healthy"], found["mended"]) == (True, False, False)
    assert found["report"]
    assert not (await repair(element))["healthy"], "a dry run mends nothing"
    assert (await repair(element, dry_run=False))["rewritten_from"] is None
    assert await commits(element) == before
    await sound(folder, element)


async def test_a_repository_that_is_gone_is_made_again_commit_by_commit(server: Server, circle: Circle) -> None:
    element = await with_history(circle)
    folder, before = await repository_of(server, element), await commits(element)
    shutil.rmtree(folder)
    problem = refused(await element.get("/ops/readme"), 503, "SOURCE_UNAVAILABLE")
    assert problem["_suggestion"]["op"] == "source_repair"
    assert [each["kind"] for each in (await repair(element))["report"]] == ["missing"]
    await repair(element, dry_run=False)
    assert await commits(element) == before
    await sound(folder, element)


async def test_what_only_git_had_is_lost_and_that_is_said(server: Server, circle: Circle) -> None:
    element = await circle.ruby()
    await element.post("/ops/readme_update", {"content": "# Only here\n"})
    await element.patch({"spec": {"source": {"code": OTHER}}})
    folder, before = await repository_of(server, element), await commits(element)
    shutil.rmtree(folder)
    assert (await repair(element, dry_run=False))["rewritten_from"] == 2
    after = await commits(element)
    assert after[1] == before[1]
    assert after[0] != before[0]
    assert (await element.get("/ops/readme")).json()["exists"] is False
    assert (await element.get("/ops/source", params={"path": "main.rb"})).json()["content"] == OTHER
    await sound(folder, element)


async def test_files_that_can_be_read_are_kept_when_a_commit_below_them_cannot(
    server: Server, circle: Circle
) -> None:
    element = await circle.ruby()
    await element.post("/ops/readme_update", {"content": "# Kept\n"})
    await element.patch({"name": "Named"})
    await element.post("/ops/readme_update", {"content": "# Kept, newer\n"})
    folder = await repository_of(server, element)
    object_file(folder, "draft~2").unlink()
    assert (await repair(element, dry_run=False))["rewritten_from"] == 2
    assert (await element.get("/ops/readme")).json()["content"] == "# Kept, newer\n"
    await sound(folder, element)


async def test_branches_that_were_moved_or_removed_are_put_back_at_the_next_look(
    server: Server, circle: Circle
) -> None:
    element = await with_history(circle)
    folder = await repository_of(server, element)
    git(folder, "update-ref", "refs/heads/live", git(folder, "rev-parse", "draft").strip())
    (folder / "refs/heads/draft").unlink()
    assert {each["kind"] for each in (await repair(element))["report"]} == {"branch"}
    assert (await element.get("/ops/source", params={"path": "main.rb", "branch": "live"})).json()[
        "content"
    ] == ECHO
    await sound(folder, element)


async def test_what_was_planted_is_found_and_removed(server: Server, circle: Circle) -> None:
    element = await with_history(circle)
    folder = await repository_of(server, element)
    (folder / "hooks").mkdir()
    (folder / "hooks/pre-receive").write_text("#!/bin/sh\nexit 0\n")
    (folder / "config").write_text("[core]\n\tfsmonitor = /tmp/evil\n")
    (folder / "refs/heads/secret").write_text(git(folder, "rev-parse", "draft"))
    (folder / "objects/info/alternates").write_text("/elsewhere/objects\n")
    (folder / "packed-refs").write_text("# pack-refs with: peeled\n")
    (folder / "HEAD").write_text("ref: refs/heads/secret\n")
    found = (await repair(element))["report"]
    assert {each["where"] for each in found} == {
        "HEAD", "config", "hooks", "objects/info/alternates", "packed-refs", "refs/heads/secret",
    }  # fmt: skip
    await repair(element, dry_run=False)
    assert sorted(each.name for each in folder.iterdir()) == ["HEAD", "config", "objects", "refs"]
    await sound(folder, element)


async def test_a_repository_that_somebody_packed_is_unpacked_with_all_it_had(
    server: Server, circle: Circle
) -> None:
    element = await with_history(circle)
    await element.post("/ops/readme_update", {"content": "# Only in git\n"})
    folder, before = await repository_of(server, element), await commits(element)
    git(folder, "gc", "--quiet", "--prune=now")
    assert not list(folder.glob("objects/??/*"))
    assert "packed" in {each["kind"] for each in (await repair(element))["report"]}
    assert (await repair(element, dry_run=False))["rewritten_from"] is None
    assert await commits(element) == before
    assert (await element.get("/ops/readme")).json()["content"] == "# Only in git\n"
    await sound(folder, element)


async def test_a_repository_that_cannot_be_written_costs_a_warning_and_never_the_save(
    server: Server, circle: Circle
) -> None:
    element = await circle.ruby()
    folder, before = await repository_of(server, element), await commits(element)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    for version in (2, 3):
        answer = await element.patch({"spec": {"source": {"code": OTHER}}})
        assert (answer.status_code, answer.json()["version"]) == (200, version)
        assert "source_repair" in answer.json()["warnings"][0]["message"]
    assert await commits(element) == [None, None, *before]
    assert (await element.get("/ops/source/status")).json()["health"] == "behind"
    assert (await element.invoke({})).json() == "other"
    refused(await element.post("/ops/readme_update", {"content": "x"}), 503, "SOURCE_UNAVAILABLE")
    await repair(element, dry_run=False)
    assert (await commits(element))[2:] == before
    assert None not in await commits(element)
    await sound(folder, element)
    later = await element.patch({"name": "Later"})
    assert later.json()["warnings"] == []


async def test_an_element_can_be_made_where_no_repository_can(server: Server, circle: Circle) -> None:
    first = await circle.ruby()
    home = (await repository_of(server, first)).parent
    aside = home.rename(home.with_name("aside"))
    home.write_text("in the way")
    try:
        answer = await circle.create("made", {"source": {"code": ECHO}})
        assert answer.status_code == 201, answer.text
        assert answer.json()["warnings"]
    finally:
        home.unlink()
        aside.rename(home)
    made = Element(circle, "made")
    assert (await made.get("/ops/source", params={"path": "main.rb"})).json()["content"] == ECHO, "caught up with"
    await sound(await repository_of(server, made), made)


async def test_repair_needs_the_right_to_write(circle: Circle) -> None:
    element = await circle.ruby()
    made = await circle.post("/ops/tokens/create", {"name": "reader", "role": "operator"})
    reader = Element(Circle(circle.http, circle.name, made.json()["token"]), element.slug)
    refused(await reader.post("/ops/source/repair", {}), 403, "FORBIDDEN")


async def test_a_server_killed_while_it_saves_leaves_every_version_it_told_of_in_git(
    start_server: StartServer,
) -> None:
    server = start_server()
    async with client_of(server) as http:
        circle = await sign_in(http)
        elements = [await circle.ruby() for _ in range(4)]
        told = await _saved_until_killed(server, elements)
    server = start_server()
    async with client_of(server) as http:
        for slug, versions in told.items():
            element = Element(Circle(http, circle.name, circle.token), slug)
            known = await commits(element)
            assert len(known) >= max(versions)
            assert None not in known
            folder = await repository_of(server, element)
            assert (await element.get("/ops/source/branches")).status_code == 200
            assert git(folder, "rev-list", "draft").split() == known
            assert {each["kind"] for each in (await repair(element, dry_run=False))["report"]} <= {"foreign"}
            await sound(folder, element)


async def _saved_until_killed(server: Server, elements: list[Element]) -> dict[str, list[int]]:
    """Versions each save answered with before the server was killed in the middle of it all."""
    told: dict[str, list[int]] = {element.slug: [1] for element in elements}
    enough = asyncio.Event()

    async def save(element: Element) -> None:
        number = 0
        while True:
            number += 1
            try:
                answer = await element.patch(
                    {"spec": {"source": {"code": f"def handler(input)\n  {number}\nend\n"}}}
                )
            except httpx2.HTTPError:
                return
            told[element.slug].append(answer.json()["version"])
            if sum(map(len, told.values())) > 60:
                enough.set()

    saving = [asyncio.create_task(save(element)) for element in elements]
    await enough.wait()
    server.kill()
    await asyncio.gather(*saving)
    return told
