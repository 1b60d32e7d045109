"""Back to an earlier version, with what was there in between kept."""

from pathlib import Path

import pytest

from tests.acceptance.client import ECHO, Circle, Element, refused
from tests.acceptance.clones import clone, key
from tests.acceptance.server import Server
from tests.acceptance.source import branches, deployed, git, promoted, repository_of

OTHER = "def handler(input)\n  'other'\nend\n"
READS = "def handler(input)\n  ENV['KEY'].length\nend\n"


async def restored(element: Element, version: int) -> dict[str, object]:
    answer = await element.post("/ops/restore", {"version": version})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def history(element: Element) -> list[tuple[int, str]]:
    told = (await element.get("/ops/version", params={"history": "true"})).json()
    return [(each["version"], each["summary"]) for each in told["versions"]]


async def test_name_intention_and_spec_are_those_of_then(circle: Circle) -> None:
    element = await circle.ruby(memory_mb=256)
    first = (await element.get()).json()
    await element.patch(
        {"name": "Later", "intention": "Other", "spec": {"memory_mb": 512, "source": {"code": OTHER}}}
    )
    told = await restored(element, 1)
    assert (told["version"], told["name"], told["intention"]) == (4, first["name"], first["intention"])
    assert told["spec"] == first["spec"]
    assert (await element.invoke({"a": 1})).json() == {"a": 1}


async def test_what_there_was_is_kept_as_a_version_first(circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"source": {"code": OTHER}}})
    await restored(element, 1)
    assert await history(element) == [
        (4, "Restored v1"), (3, "Before restore to v1"), (2, "changed spec.source"), (1, "created"),
    ]  # fmt: skip
    await restored(element, 3)
    assert (await element.invoke({})).json() == "other"


async def test_both_versions_are_commits_on_draft(server: Server, circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"source": {"code": OTHER}}})
    await element.post("/ops/readme_update", {"content": "# Stays\n"})
    await restored(element, 1)
    folder = await repository_of(server, element)
    assert git(folder, "log", "--format=%s", "-2", "draft").splitlines() == ["Restored v1", "Before restore to v1"]
    assert git(folder, "show", "draft:main.rb") == ECHO
    assert git(folder, "show", "draft:README.md") == "# Stays\n"
    assert git(folder, "diff", "--stat", "draft~2", "draft~1") == ""


async def test_a_clone_goes_on_after_a_restore(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"source": {"code": OTHER}}})
    copy = await clone(element, tmp_path)
    await restored(element, 1)
    await copy.git("pull", "--quiet", "--ff-only")
    assert (copy.folder / "main.rb").read_text() == ECHO


async def test_a_secret_comes_back_with_its_version(circle: Circle) -> None:
    element = await circle.ruby(READS, environment={"KEY": {"secret": True, "value": "eight-or-more"}})
    await element.patch(
        {"spec": {"environment": {"KEY": {"secret": True, "value": "another-value-that-is-longer"}}}}
    )
    assert (await element.invoke({})).json() == 28
    await restored(element, 1)
    assert (await element.invoke({})).json() == 13
    await element.patch({"spec": {"environment": {"KEY": None}}})
    await restored(element, 1)
    assert (await element.invoke({})).json() == 13


async def test_other_source_has_to_be_deployed_again_the_same_has_not(circle: Circle) -> None:
    element = await deployed(await circle.ruby())
    await element.patch({"spec": {"memory_mb": 256}})
    assert (await restored(element, 1))["state"] == "deployed"
    await element.patch({"spec": {"source": {"code": OTHER}}})
    await deployed(element)
    assert (await restored(element, 1))["state"] == "ready"


async def test_what_is_live_stays(circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"source": {"code": OTHER}}})
    await promoted(await deployed(element), "demo", "live")
    await restored(element, 1)
    assert (await branches(element))["live"]["version"] == 2
    assert (await element.invoke({})).json() == "other"
    assert (await element.invoke({"a": 1}, params={"env": "draft"})).json() == {"a": 1}


async def test_the_present_version_can_be_restored_too(circle: Circle) -> None:
    element = await circle.ruby()
    assert (await restored(element, 1))["version"] == 3


async def test_if_match_guards_it(circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"name": "Second"})
    stale = {"If-Match": '"1"'}
    refused(await element.post("/ops/restore", {"version": 1}, headers=stale), 412, "VERSION_MISMATCH")
    answer = await element.post("/ops/restore", {"version": 1}, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"4"')


@pytest.mark.parametrize("version", [2, 99, 10**9])
async def test_a_version_that_never_was_is_not_found(circle: Circle, version: int) -> None:
    element = await circle.ruby()
    problem = refused(await element.post("/ops/restore", {"version": version}), 404, "NOT_FOUND")
    assert problem["_suggestion"]["op"] == "version"
    assert await history(element) == [(1, "created")]


@pytest.mark.parametrize("version", [0, -1, "x", None, 1.5, 10**12])
async def test_what_is_no_version_is_refused(circle: Circle, version: object) -> None:
    element = await circle.ruby()
    refused(await element.post("/ops/restore", {"version": version}), 422, "INVALID_INPUT")


async def test_only_an_admin_restores_and_a_deleted_element_never(circle: Circle) -> None:
    element = await circle.ruby()
    member = Element(Circle(circle.http, circle.name, await key(circle, "member")), element.slug)
    refused(await member.post("/ops/restore", {"version": 1}), 403, "FORBIDDEN")
    await element.request("DELETE", "?confirm=true")
    refused(await element.post("/ops/restore", {"version": 1}), 404, "NOT_FOUND")
