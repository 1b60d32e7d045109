"""A push to draft is a version, or it is refused as a whole and nothing of it is kept."""

from pathlib import Path

import anyio
import pytest

from tests.acceptance.client import ECHO, Circle, Element, run_id_of
from tests.acceptance.clones import Clone, Unchanged, clone, key
from tests.acceptance.server import Server
from tests.acceptance.source import branches, deployed, promoted

OTHER = "def handler(input)\n  'other'\nend\n"
SECRET = "correct-horse-battery"


# --- taken ----------------------------------------------------------------------------------------------------


async def test_a_push_to_draft_is_a_version_that_runs(element: Element, copy: Clone) -> None:
    copy.write("main.rb", OTHER)
    commit = await copy.commit("Answer something else")
    ended = await copy.push()
    assert "remote: version 2" in ended.err
    told = (await element.get()).json()
    assert (told["version"], told["spec"]["source"]["code"]) == (2, OTHER)
    assert (await element.invoke({})).json() == "other"
    assert (await branches(element))["draft"] == {
        "name": "draft", "commit": commit, "version": 2, "promotes_to": "demo"}  # fmt: skip


async def test_the_history_names_the_pushed_commit_its_subject_and_who_pushed_it(
    circle: Circle, element: Element, copy: Clone
) -> None:
    copy.write("main.rb", OTHER)
    commit = await copy.commit("A subject line\n\nand a body")
    await copy.push()
    newest = (await element.get("/ops/version", params={"history": "true"})).json()["versions"][0]
    assert (newest["commit"], newest["summary"]) == (commit, "A subject line")
    assert newest["actor"] == {"kind": "user", "id": circle.name}


async def test_a_push_changes_spec_name_and_intention_and_fills_in_defaults(element: Element, copy: Clone) -> None:
    copy.write(".triform/spec.yaml", "name: Pushed\nintention: To be pushed.\nspec:\n  memory_mb: 256\n")
    await copy.commit()
    await copy.push()
    told = (await element.get()).json()
    assert (told["name"], told["intention"]) == ("Pushed", "To be pushed.")
    assert (told["spec"]["memory_mb"], told["spec"]["timeout_ms"]) == (256, 30_000)
    assert told["spec"]["source"]["code"] == ECHO


async def test_other_files_are_kept_also_by_later_saves(element: Element, copy: Clone) -> None:
    copy.write("lib/tax.rb", "RATE = 0.25\n")
    copy.write("bin/run.sh", "#!/bin/sh\n")
    (copy.folder / "bin/run.sh").chmod(0o755)
    copy.write("README.md", "# Pushed\n")
    copy.write("logo.bin", bytes(range(256)))
    await copy.commit()
    await copy.push()
    await element.patch({"name": "Saved"})
    assert (await element.get("/ops/readme")).json()["content"] == "# Pushed\n"
    assert (await element.get("/ops/source", params={"path": "lib/tax.rb"})).json()["content"] == "RATE = 0.25\n"
    assert (await element.get("/ops/source", params={"path": "logo.bin"})).json()["encoding"] == "base64"
    await copy.git("pull", "--quiet", "--ff-only")
    assert (copy.folder / "bin/run.sh").stat().st_mode & 0o111
    assert "name: Saved" in (copy.folder / ".triform/spec.yaml").read_text()


async def test_many_commits_and_merges_in_one_push_are_one_version(element: Element, copy: Clone) -> None:
    for number in range(3):
        copy.write("main.rb", f"def handler(input)\n  {number}\nend\n")
        await copy.commit(f"number {number}")
    await copy.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    copy.write("side.txt", "from the side")
    await copy.commit("aside")
    await copy.git("checkout", "--quiet", "draft")
    await copy.git("merge", "--no-edit", "side")
    await copy.push()
    assert (await element.get()).json()["version"] == 2
    assert (await element.invoke({})).json() == 2
    await copy.git("pull", "--ff-only", "--quiet")


async def test_saves_and_pushes_take_turns(element: Element, copy: Clone) -> None:
    for number in range(3):
        await element.patch({"name": f"Saved {number}"})
        await copy.git("pull", "--quiet", "--ff-only")
        copy.write("main.rb", f"def handler(input)\n  {number}\nend\n")
        await copy.commit()
        await copy.push()
        assert (await element.invoke({})).json() == number
    assert (await element.get()).json()["version"] == 7
    assert (await copy.git("fsck", "--strict")).code == 0


async def test_a_push_is_a_run_of_update(circle: Circle, element: Element, copy: Clone) -> None:
    copy.write("main.rb", OTHER)
    await copy.commit()
    await copy.push()
    (run,) = await element.runs(operation="update")
    assert (run["status"], run["operation"], run["actor"]["id"]) == ("completed", "update", circle.name)
    deploy = await element.post("/ops/deploy", {})
    assert run_id_of(deploy)


async def test_new_source_sends_a_deployed_element_back_to_ready(circle: Circle, tmp_path: Path) -> None:
    element = await deployed(await circle.ruby())
    copy = await clone(element, tmp_path)
    copy.write("README.md", "only this")
    await copy.commit()
    await copy.push()
    assert (await element.get()).json()["state"] == "deployed"
    copy.write("main.rb", OTHER)
    await copy.commit()
    await copy.push()
    assert (await element.get()).json()["state"] == "ready"


async def test_what_was_pushed_can_be_promoted(element: Element, copy: Clone) -> None:
    copy.write("main.rb", OTHER)
    commit = await copy.commit()
    await copy.push()
    await promoted(await deployed(element), "demo", "live")
    assert (await branches(element))["live"]["commit"] == commit


async def test_warnings_of_the_spec_are_shown(element: Element, copy: Clone) -> None:
    copy.write(".triform/spec.yaml", "spec:\n  timeout_ms: 600000\n")
    await copy.commit()
    assert "remote: warning: over five minutes" in (await copy.push()).err


async def test_a_secret_of_the_environment_stays_when_its_digest_is_pushed(circle: Circle, tmp_path: Path) -> None:
    code = "def handler(input)\n  ENV['KEY'].length\nend\n"
    element = await circle.ruby(code, environment={"KEY": {"secret": True, "value": SECRET}})
    copy = await clone(element, tmp_path)
    assert SECRET not in (copy.folder / ".triform/spec.yaml").read_text()
    copy.write("README.md", "x")
    await copy.commit()
    await copy.push()
    assert (await element.invoke({})).json() == len(SECRET)


# --- refused: where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["demo", "live", "main", "refs/tags/v1", "refs/notes/x", "refs/for/draft", "HEAD"]
)
async def test_no_other_reference_takes_a_push(server: Server, element: Element, copy: Clone, target: str) -> None:
    copy.write("main.rb", OTHER)
    await copy.commit()
    async with Unchanged(server, element):
        place = target if target.startswith("refs/") else f"refs/heads/{target}"
        said = await copy.refused(f"draft:{place}")
    assert ("source_promote" if target in ("demo", "live") else "only draft takes pushes") in said


async def test_demo_and_live_cannot_be_moved_either_when_they_are_there(
    server: Server, circle: Circle, tmp_path: Path
) -> None:
    element = await deployed(await circle.ruby())
    await promoted(element, "demo", "live")
    copy = await clone(element, tmp_path)
    copy.write("main.rb", OTHER)
    await copy.commit()
    before = await branches(element)
    for what in (["draft:live"], ["--force", "draft:demo"], [":live"], ["--delete", "demo"]):
        await copy.refused(*what)
    assert await branches(element) == before


async def test_draft_cannot_be_deleted(server: Server, element: Element, copy: Clone) -> None:
    async with Unchanged(server, element):
        assert "cannot be deleted" in await copy.refused(":draft")


async def test_history_cannot_be_rewritten(server: Server, circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    await element.patch({"name": "Second"})
    copy = await clone(element, tmp_path)
    await copy.git("reset", "--quiet", "--hard", "HEAD~1")
    copy.write("main.rb", OTHER)
    await copy.commit()
    async with Unchanged(server, element):
        assert "non-fast-forward" in await copy.refused("--force", "draft")
        await copy.git("checkout", "--quiet", "--orphan", "fresh")
        await copy.commit("unrelated")
        assert "non-fast-forward" in await copy.refused("--force", "fresh:draft")


async def test_several_references_are_refused_as_a_whole(server: Server, element: Element, copy: Clone) -> None:
    copy.write("main.rb", OTHER)
    await copy.commit()
    async with Unchanged(server, element):
        said = await copy.refused("draft", "draft:demo")
        assert said.count("rejected") == 2
        await copy.refused("--atomic", "draft", "draft:other")


async def test_a_push_behind_a_save_is_told_to_fetch_first(server: Server, element: Element, copy: Clone) -> None:
    copy.write("main.rb", OTHER)
    await copy.commit()
    await element.patch({"name": "Faster"})
    async with Unchanged(server, element):
        assert "fetch first" in await copy.refused()


async def test_of_two_pushes_at_once_one_is_taken(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    copies = [await clone(element, tmp_path / str(number)) for number in range(3)]
    for number, copy in enumerate(copies):
        copy.write("main.rb", f"def handler(input)\n  {number}\nend\n")
        await copy.commit()
    codes: list[int] = []

    async def push(copy: Clone) -> None:
        codes.append((await copy.push(code=None)).code)

    async with anyio.create_task_group() as pushing:
        for copy in copies:
            pushing.start_soon(push, copy)
    assert sorted(codes) == [0, 1, 1]
    assert (await element.get()).json()["version"] == 2


async def test_who_may_only_read_cannot_push(
    server: Server, circle: Circle, element: Element, tmp_path: Path
) -> None:
    copy = await clone(element, tmp_path, token=await key(circle, "operator"))
    copy.write("main.rb", OTHER)
    await copy.commit()
    async with Unchanged(server, element):
        ended = await copy.push(code=128)
    assert "403" in ended.err
    member = await clone(element, tmp_path / "member", token=await key(circle, "member"))
    member.write("main.rb", OTHER)
    await member.commit()
    await member.push()


async def test_a_shallow_clone_pushes_too(element: Element, tmp_path: Path) -> None:
    await element.patch({"name": "Second"})
    copy = await clone(element, tmp_path, "--depth", "1")
    copy.write("main.rb", OTHER)
    await copy.commit()
    await copy.push()
    assert (await element.invoke({})).json() == "other"
    whole = await clone(element, tmp_path / "whole")
    assert (await whole.git("rev-list", "--count", "HEAD")).out.strip() == "3"
