"""Official git clones and fetches: with a token as the password, what it may see, and nothing else."""

import base64
import gzip
from pathlib import Path

import pytest

from tests.acceptance.client import ECHO, Circle, Element
from tests.acceptance.clones import clone, key, run, url_of
from tests.acceptance.conftest import Circles
from tests.acceptance.source import branches, deployed, promoted

OTHER = "def handler(input)\n  'other'\nend\n"


def basic(token: str, user: str = "x") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


def refs(element: Element, service: str = "git-upload-pack") -> str:
    return f"/git/{element.circle.name}/{element.slug}.git/info/refs?service={service}"


async def test_a_clone_has_the_files_and_the_history(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"source": {"code": OTHER}}})
    copy = await clone(element, tmp_path)
    assert (copy.folder / "main.rb").read_text() == OTHER
    assert "element_type: ruby" in (copy.folder / ".triform/spec.yaml").read_text()
    assert (await copy.git("rev-parse", "--abbrev-ref", "HEAD")).out.strip() == "draft"
    assert (await copy.git("log", "--format=%s")).out.splitlines() == ["changed spec.source", "created"]
    assert (await copy.git("fsck", "--strict")).code == 0


@pytest.mark.parametrize("version", ["0", "1", "2"])
async def test_every_version_of_the_protocol_is_spoken(circle: Circle, tmp_path: Path, version: str) -> None:
    element = await circle.ruby()
    folder = tmp_path / "v"
    folder.mkdir()
    url = url_of(element)
    await run("git", "-c", f"protocol.version={version}", "clone", "--quiet", url, "copy", folder=folder)
    assert (folder / "copy/main.rb").read_text() == ECHO


async def test_a_fetch_brings_what_was_saved_and_promoted_since(circle: Circle, tmp_path: Path) -> None:
    element = await deployed(await circle.ruby())
    copy = await clone(element, tmp_path)
    await promoted(element, "demo", "live")
    await element.patch({"spec": {"source": {"code": OTHER}}})
    await copy.git("fetch", "--quiet")
    told = await branches(element)
    for branch in ("draft", "demo", "live"):
        assert await copy.head(f"origin/{branch}") == told[branch]["commit"]
    assert (await copy.git("show", "origin/live:main.rb")).out == ECHO
    assert (await copy.git("show", "origin/draft:main.rb")).out == OTHER


async def test_a_shallow_and_a_single_branch_clone_work(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    await element.patch({"name": "Second"})
    shallow = await clone(element, tmp_path, "--depth", "1")
    assert (await shallow.git("rev-list", "--count", "HEAD")).out.strip() == "1"


async def test_the_circles_own_repository_can_be_cloned(circle: Circle, tmp_path: Path) -> None:
    await circle.post("/ops/readme_update", {"content": "# Us\n"})
    url = url_of(Element(circle, "x")).replace(f"/{circle.name}/x.git", f"/{circle.name}.git")
    await run("git", "clone", "--quiet", url, "copy", folder=tmp_path)
    assert (tmp_path / "copy/README.md").read_text() == "# Us\n"


async def test_a_thousand_versions_are_cloned_in_one_go(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    for number in range(60):
        await element.patch({"spec": {"source": {"code": f"def handler(input)\n  {number}\nend\n"}}})
    copy = await clone(element, tmp_path)
    assert (await copy.git("rev-list", "--count", "HEAD")).out.strip() == "61"
    await element.patch({"name": "One more"})
    await copy.git("pull", "--quiet")
    assert (await copy.git("rev-list", "--count", "HEAD")).out.strip() == "62"


async def test_a_reader_may_clone(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    await clone(element, tmp_path, token=await key(circle, "viewer"))


async def test_a_key_without_source_in_its_scopes_may_not(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    await clone(element, tmp_path / "may", token=await key(circle, "viewer", "source"))
    answer = await circle.http.get(refs(element), headers=basic(await key(circle, "admin", "get")))
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert "may not call source" in answer.text


async def test_whoever_brings_no_token_is_asked_for_one(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    for headers in (
        {},
        basic(""),
        basic("nonsense"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Digest x"},
    ):
        answer = await circle.http.get(refs(element), headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    url = url_of(element, token="nonsense")
    ended = await run("git", "clone", url, "copy", folder=tmp_path, code=128)
    assert "Authentication failed" in ended.err


async def test_a_cookie_is_no_credential_for_git(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await circle.http.get(refs(element), headers={"Cookie": f"triform_token={circle.token}"})
    assert answer.status_code == 401


async def test_a_revoked_key_clones_no_more(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby()
    token = await key(circle, "viewer")
    await clone(element, tmp_path, token=token)
    (made,) = [each for each in (await circle.get("/ops/tokens")).json()["tokens"] if each["name"] == "viewer-key"]
    await circle.post("/ops/tokens/revoke", {"token_id": made["token_id"]})
    assert (await circle.http.get(refs(element), headers=basic(token))).status_code == 401


async def test_foreign_and_absent_repositories_answer_alike(circle: Circle, new_circle: Circles) -> None:
    element, other = await circle.ruby(), await new_circle()
    seen = set()
    places = (circle.name, element.slug), (circle.name, "absent"), ("nowhere", "x"), (other.name, "x")
    for circle_name, slug in places:
        path = f"/git/{circle_name}/{slug}.git/info/refs?service=git-upload-pack"
        answer = await other.http.get(path, headers=basic(other.token))
        seen.add((answer.status_code, answer.text))
    assert len(seen) == 1
    assert seen.pop()[0] == 404


async def test_a_deleted_element_cannot_be_cloned(circle: Circle) -> None:
    element = await circle.ruby()
    await element.request("DELETE", "?confirm=true")
    assert (await circle.http.get(refs(element), headers=basic(circle.token))).status_code == 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "HEAD"), ("GET", "objects/info/packs"), ("GET", "info/refs"), ("GET", "config"),
        ("GET", "info/refs?service=git-upload-archive"), ("GET", "info/refs?service=../../x"),
        ("POST", "info/refs"),
        ("GET", "git-upload-pack"), ("PUT", "git-receive-pack"), ("POST", "git-upload-archive"), ("GET", ""),
        ("GET", "../../../keys/master"), ("GET", "%2e%2e/info/refs?service=git-upload-pack"),
    ],
)  # fmt: skip
async def test_nothing_but_the_smart_protocol_is_served(circle: Circle, verb: str, path: str) -> None:
    element = await circle.ruby()
    url = f"/git/{circle.name}/{element.slug}.git/{path}"
    answer = await circle.http.request(verb, url, headers=basic(circle.token))
    assert answer.status_code == 404, answer.text


async def test_a_body_that_is_not_gits_is_refused(circle: Circle) -> None:
    element = await circle.ruby()
    for service in ("git-upload-pack", "git-receive-pack"):
        url = f"/git/{circle.name}/{element.slug}.git/{service}"
        answer = await circle.http.post(url, json={}, headers=basic(circle.token))
        assert answer.status_code == 415
        good = {**basic(circle.token), "Content-Type": f"application/x-{service}-request"}
        nonsense = await circle.http.post(url, content=b"not git at all", headers=good)
        assert nonsense.status_code in (400, 503), nonsense.text


async def test_a_compressed_body_without_end_is_not_inflated_without_end(circle: Circle) -> None:
    element = await circle.ruby()
    kind = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}
    headers = {**basic(circle.token), **kind}
    url = f"/git/{circle.name}/{element.slug}.git/git-upload-pack"
    answer = await circle.http.post(url, content=gzip.compress(b"\0" * (200 << 20)), headers=headers)
    assert answer.status_code == 413
    answer = await circle.http.post(url, content=b"not gzip", headers=headers)
    assert answer.status_code == 400
