"""Code in another repository: fetched at deploy, pinned to a commit, and run from there until the next deploy."""

from pathlib import Path

import pytest

from tests.acceptance.client import Circle, Element, Json, refused
from tests.acceptance.conftest import sign_in
from tests.acceptance.server import Server
from tests.acceptance.source import deployed, git, promoted, repository_of
from tests.remotes import GitServer, Repository

MAIN = "require_relative 'lib/tax'\ndef handler(input) = Tax.rate\n"
TAX = "module Tax\n  def self.rate = {}\nend\n"


@pytest.fixture
def circle(fetching_circle: Circle) -> Circle:
    return fetching_circle


@pytest.fixture
def tax(remote: GitServer, tmp_path: Path) -> Repository:
    """A repository of this test alone, with a commit on main."""
    repository = remote.repository(tmp_path.name)
    repository.commit({"main.rb": MAIN, "lib/tax.rb": TAX.format(1)})
    return repository


@pytest.fixture
async def element(circle: Circle, remote: GitServer, tax: Repository) -> Element:
    return await fetching(circle, remote, tax)


async def fetching(circle: Circle, remote: GitServer, repository: Repository, **source: Json) -> Element:
    where = {"type": "git", "repository": f"{remote.url}/{repository.folder.name}", **source}
    answer = await circle.create("tax", {"source": where})
    assert answer.status_code == 201, answer.text
    return Element(circle, "tax")


async def commit_of(element: Element) -> Json:
    return (await element.get("/ops/source/status")).json()["fetched"]


# --- fetched and pinned ---------------------------------------------------------------------------------------


async def test_before_a_deploy_it_does_not_run(element: Element) -> None:
    problem = refused(await element.invoke({}), 409, "DEPLOY_REQUIRED")
    assert problem["_suggestion"]["op"] == "deploy"
    assert await commit_of(element) is None
    assert not await element.runs()


async def test_deploy_fetches_the_head_and_says_which_commit_runs(
    element: Element, remote: GitServer, tax: Repository
) -> None:
    answer = await element.post("/ops/deploy")
    url, commit = f"{remote.url}/{tax.folder.name}", tax.git("rev-parse", "main")
    assert answer.json()["source"] == {
        "type": "git", "path": "main.rb", "repository": url, "ref": None, "commit": commit}  # fmt: skip
    assert "source_ms" in answer.json()["timings"]
    assert await commit_of(element) == {"repository": url, "ref": None, "commit": commit}
    assert (await element.invoke({})).json() == 1


async def test_runs_stay_at_the_pinned_commit_until_the_next_deploy(element: Element, tax: Repository) -> None:
    await deployed(element)
    tax.commit({"lib/tax.rb": TAX.format(2)})
    assert (await element.invoke({})).json() == 1
    await deployed(element)
    assert (await element.invoke({})).json() == 2
    assert (await element.get()).json()["version"] == 1


async def test_what_does_not_touch_the_source_keeps_the_pin(element: Element, tax: Repository) -> None:
    await deployed(element)
    tax.commit({"lib/tax.rb": TAX.format(2)})
    await element.patch({"spec": {"memory_mb": 256}})
    assert (await element.invoke({})).json() == 1
    assert (await commit_of(element))["commit"] == tax.git("rev-parse", "main~1")


async def test_another_ref_runs_after_another_deploy_only(element: Element, tax: Repository) -> None:
    await deployed(element)
    tax.git("checkout", "--quiet", "-b", "next")
    commit = tax.commit({"lib/tax.rb": TAX.format(3)})
    await element.patch({"spec": {"source": {"ref": "next"}}})
    refused(await element.invoke({}), 409, "DEPLOY_REQUIRED")
    assert await commit_of(element) is None
    await deployed(element)
    assert (await element.invoke({})).json() == 3
    assert (await commit_of(element))["commit"] == commit


@pytest.mark.parametrize("version", [2, 0])
@pytest.mark.parametrize("ref", ["side/branch", "v1", "annotated", "refs/heads/side/branch"])
async def test_a_ref_is_a_branch_or_a_tag_whatever_protocol_the_server_speaks(
    circle: Circle, remote: GitServer, tax: Repository, ref: str, version: int
) -> None:
    tax.git("checkout", "--quiet", "-b", "side/branch")
    commit = tax.commit({"lib/tax.rb": TAX.format(4)})
    tax.git("tag", "v1")
    tax.git("tag", "--annotate", "annotated", "--message", "a tag of its own")
    tax.git("checkout", "--quiet", "main")
    remote.version = version
    try:
        element = await fetching(circle, remote, tax, ref=ref)
        await deployed(element)
    finally:
        remote.version = 2
    assert (await element.invoke({})).json() == 4
    assert (await commit_of(element))["commit"] == commit


async def test_a_commit_may_be_named_itself_and_a_path(circle: Circle, remote: GitServer, tax: Repository) -> None:
    commit = tax.commit({"jobs/nightly.rb": "require_relative '../lib/tax'\ndef handler(input) = -Tax.rate\n"})
    tax.commit({"jobs/nightly.rb": "raise 'later'\n"})
    element = await fetching(circle, remote, tax, ref=commit, path="jobs/nightly.rb")
    await deployed(element)
    assert (await element.invoke({})).json() == -1


async def test_frames_say_the_files_own_path(element: Element, tax: Repository) -> None:
    tax.commit({"lib/tax.rb": "module Tax\n  def self.rate = raise('none')\nend\n"})
    await deployed(element)
    problem = refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")
    assert "(lib/tax.rb:2)" in problem["detail"]


async def test_history_hooks_and_configuration_do_not_come_along(
    fetching_server: Server, element: Element, tax: Repository
) -> None:
    for number in range(3):
        tax.commit({"notes.txt": f"secret of the past {number}"})
    commit = tax.commit({".gitattributes": "*.rb filter=evil\n", "hooks/post-checkout": "#!/bin/sh\n"})
    await deployed(element)
    folder = await repository_of(fetching_server, element)
    assert git(folder, "cat-file", "-t", commit).strip() == "commit"
    past = tax.git("rev-parse", "main~2:notes.txt")
    assert not (folder / "objects" / past[:2] / past[2:]).exists()
    assert sorted(each.name for each in folder.iterdir()) == ["HEAD", "config", "objects", "refs"]


async def test_what_is_there_already_is_not_sent_again(element: Element, remote: GitServer) -> None:
    await deployed(element)
    remote.asked.clear()
    await deployed(element)
    assert [each.rpartition("/")[2] for each in remote.asked] == [
        "refs?service=git-upload-pack",
        "git-upload-pack",
    ]


# --- promoted, restored, carried elsewhere --------------------------------------------------------------------


async def test_what_was_promoted_is_not_changed_by_a_deploy(element: Element, tax: Repository) -> None:
    await deployed(element)
    await promoted(element, "demo", "live")
    tax.commit({"lib/tax.rb": TAX.format(2)})
    problem = refused(await element.post("/ops/deploy"), 409, "VERSION_PROMOTED")
    assert "Version 1 is live" in problem["detail"]
    assert (await element.invoke({})).json() == 1
    await element.patch(problem["_suggestion"]["example"])
    await deployed(element)
    rates = [(await element.invoke({}, params={"env": env})).json() for env in ("live", "draft")]
    assert rates == [1, 2]


async def test_restore_goes_back_to_the_source_of_then(element: Element, tax: Repository) -> None:
    await deployed(element)
    await element.patch({"spec": {"source": {"type": "inline", "code": "def handler(input) = 'inline'\n"}}})
    assert (await element.invoke({})).json() == "inline"
    await element.post("/ops/restore", {"version": 1})
    await deployed(element)
    assert (await element.invoke({})).json() == 1
    history = (await element.get("/ops/version", params={"history": "true"})).json()["versions"]
    assert [each["version"] for each in history] == [4, 3, 2, 1]


async def test_a_bundle_names_the_repository_and_its_copy_is_deployed_anew(
    circle: Circle, element: Element
) -> None:
    await deployed(element)
    bundle = (await circle.get("/ops/export/bundle")).json()["elements"][0]["bundle_base64"]
    elsewhere = await sign_in(circle.http)
    answer = await elsewhere.post("/ops/import/bundle", {"bundle_base64": bundle})
    assert answer.status_code == 200, answer.text
    copy = Element(elsewhere, "tax")
    refused(await copy.invoke({}), 409, "DEPLOY_REQUIRED")
    await deployed(copy)
    assert (await copy.invoke({})).json() == 1


async def test_code_can_be_validated_and_the_repository_is_healthy(element: Element) -> None:
    await deployed(element)
    answer = await element.post("/ops/validate_source", {"source": {"code": "def handler(input) = 1\n"}})
    assert answer.json() == {"valid": True, "errors": []}
    assert (await element.post("/ops/source/repair", {})).json()["healthy"]
    assert (await element.get("/ops/source/status")).json()["health"] == "healthy"


# --- what does not work, and says why -------------------------------------------------------------------------


async def told(element: Element, status: int, code: str, why: str) -> Json:
    problem = refused(await element.post("/ops/deploy"), status, code)
    assert problem["_suggestion"].get("code") == why, problem
    assert (await element.get()).json()["state"] == "ready"
    return problem


async def test_a_ref_that_is_not_there(circle: Circle, remote: GitServer, tax: Repository) -> None:
    element = await fetching(circle, remote, tax, ref="nowhere")
    problem = await told(element, 422, "SOURCE_NOT_FETCHED", "REF_NOT_FOUND")
    assert "no branch or tag nowhere" in problem["detail"]


@pytest.mark.parametrize("version", [2, 0])
async def test_a_commit_that_is_not_there(
    circle: Circle, remote: GitServer, tax: Repository, version: int
) -> None:
    remote.version = version
    try:
        element = await fetching(circle, remote, tax, ref="0123456789" * 4)
        problem = await told(element, 422, "SOURCE_NOT_FETCHED", "REFUSED")
    finally:
        remote.version = 2
    assert "not our ref" in problem["detail"]


async def test_a_file_that_is_not_there(circle: Circle, remote: GitServer, tax: Repository) -> None:
    element = await fetching(circle, remote, tax, path="lib/other.rb")
    problem = refused(await element.post("/ops/deploy"), 409, "SOURCE_FILE_MISSING")
    assert "lib/other.rb" in problem["detail"]
    assert "Commit lib/other.rb to source.repository" in problem["_suggestion"]["fix"]


async def test_code_that_does_not_parse_is_not_deployed(element: Element, tax: Repository) -> None:
    await deployed(element)
    tax.commit({"main.rb": "def handler(\n"})
    problem = refused(await element.post("/ops/deploy"), 422, "RUBY_SYNTAX_ERROR")
    assert problem["detail"].startswith("main.rb line ")
    assert (await element.invoke({})).json() == 1


async def test_no_repository_at_the_address(circle: Circle, remote: GitServer, tax: Repository) -> None:
    where = {"type": "git", "repository": f"{remote.url}/{tax.folder.name}-not"}
    await circle.create("tax", {"source": where})
    await told(Element(circle, "tax"), 422, "SOURCE_NOT_FETCHED", "NO_REPOSITORY")


async def test_a_repository_without_commits(circle: Circle, remote: GitServer, tmp_path: Path) -> None:
    element = await fetching(circle, remote, remote.repository(f"{tmp_path.name}-empty"))
    await told(element, 422, "SOURCE_NOT_FETCHED", "REF_NOT_FOUND")


async def test_a_repository_that_asks_for_credentials(
    element: Element, remote: GitServer, tax: Repository
) -> None:
    remote.instead[f"/{tax.folder.name}/info/refs"] = lambda: (401, {"WWW-Authenticate": "Basic"}, b"who?")
    problem = await told(element, 422, "SOURCE_NOT_FETCHED", "CREDENTIALS_NEEDED")
    assert "who?" not in str(problem)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_server_that_fails_may_be_tried_again(
    element: Element, remote: GitServer, tax: Repository, status: int
) -> None:
    path = f"/{tax.folder.name}/info/refs"
    remote.instead[path] = lambda: (status, {}, b"no")
    problem = refused(await element.post("/ops/deploy"), 503, "SOURCE_UNREACHABLE")
    assert problem["retryable"]
    del remote.instead[path]
    await deployed(element)


async def test_a_deploy_is_charged_and_shown_like_any_other(element: Element) -> None:
    answer = await element.post("/ops/deploy")
    run = await element.run(answer.json()["deploy_id"])
    assert (run["status"], run["operation"], run["output"]) == ("completed", "deploy", answer.json())
