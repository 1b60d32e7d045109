"""Elements and circles leave as git bundles and come in again, elsewhere or where they were."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx2

from tests.acceptance.client import ECHO, Circle, Element, refused
from tests.acceptance.clones import clone, key, run
from tests.acceptance.conftest import Circles
from tests.acceptance.server import Server
from tests.acceptance.source import branches, deployed, git, promoted, repair, repository_of

OTHER = "def handler(input)\n  'other'\nend\n"
SECRET = "correct-horse-battery"


async def exported(of: Element | Circle) -> bytes:
    answer = await of.get("/ops/export/bundle")
    assert answer.status_code == 200, answer.text
    return answer.content


async def brought(to: Element | Circle, data: bytes, **more: Any) -> httpx2.Response:
    return await to.post("/ops/import/bundle", {"bundle_base64": base64.b64encode(data).decode(), **more})


async def imported(to: Element | Circle, data: bytes, **more: Any) -> dict[str, Any]:
    answer = await brought(to, data, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def counts(told: dict[str, Any]) -> tuple[int, int, int]:
    return told["imported"], told["skipped"], len(told["errors"])


async def with_history(circle: Circle, slug: str = "greet") -> Element:
    element = await deployed(await circle.ruby(slug=slug, memory_mb=256))
    await promoted(element, "demo")
    await element.patch({"name": "Greeter", "spec": {"source": {"code": OTHER}}})
    await element.post("/ops/readme_update", {"content": "# Greets\n"})
    return element


# --- out ------------------------------------------------------------------------------------------------------


async def test_a_bundle_is_verified_and_cloned_by_official_git(circle: Circle, tmp_path: Path) -> None:
    element = await with_history(circle)
    answer = await element.get("/ops/export/bundle")
    assert answer.headers["Content-Type"] == "application/x-git-bundle"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="greet.bundle"'
    (tmp_path / "greet.bundle").write_bytes(answer.content)
    await run("git", "init", "--quiet", "--bare", "empty.git", folder=tmp_path)
    said = await run("git", "--git-dir", "empty.git", "bundle", "verify", "greet.bundle", folder=tmp_path)
    assert "complete history" in said.out
    heads = (await run("git", "bundle", "list-heads", "greet.bundle", folder=tmp_path)).out
    told = await branches(element)
    assert f"{told['draft']['commit']} refs/heads/draft" in heads
    assert f"{told['demo']['commit']} refs/heads/demo" in heads
    await run("git", "clone", "--quiet", "greet.bundle", "copy", folder=tmp_path)
    assert (tmp_path / "copy/main.rb").read_text() == OTHER
    assert (tmp_path / "copy/README.md").read_text() == "# Greets\n"


async def test_a_bundle_comes_by_the_uniform_door_too_and_is_no_run(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/export/bundle", {})
    assert answer.content.startswith(b"# v2 git bundle")
    assert "Triform-Run-Id" not in answer.headers


async def test_a_bundle_has_no_secret_values(circle: Circle, tmp_path: Path) -> None:
    element = await circle.ruby(environment={"KEY": {"secret": True, "value": SECRET}})
    (tmp_path / "x.bundle").write_bytes(await exported(element))
    await run("git", "clone", "--quiet", "x.bundle", "copy", folder=tmp_path)
    text = (tmp_path / "copy/.triform/spec.yaml").read_text()
    assert "hmac-sha256:" in text
    assert SECRET not in text


async def test_a_circle_leaves_as_an_envelope_of_bundles(circle: Circle, tmp_path: Path) -> None:
    await with_history(circle)
    await circle.ruby(slug="another")
    answer = await circle.get("/ops/export/bundle")
    assert answer.headers["Content-Type"] == "application/json"
    envelope = answer.json()
    assert (envelope["format"], envelope["version"], envelope["circle"]) == ("triform-circle", 2, circle.name)
    assert [each["slug"] for each in envelope["elements"]] == ["another", "greet"]
    for each in envelope["elements"]:
        (tmp_path / f"{each['slug']}.bundle").write_bytes(base64.b64decode(each["bundle_base64"]))
        await run("git", "clone", "--quiet", f"{each['slug']}.bundle", each["slug"], folder=tmp_path)


async def test_reading_is_enough_to_export_and_not_to_import(circle: Circle) -> None:
    element = await circle.ruby()
    reader = Circle(circle.http, circle.name, await key(circle, "operator"))
    data = await exported(Element(reader, element.slug))
    refused(await brought(reader, data), 403, "FORBIDDEN")


# --- in -------------------------------------------------------------------------------------------------------


async def test_a_bundle_becomes_a_new_element_of_another_circle(
    server: Server, circle: Circle, new_circle: Circles
) -> None:
    element, other = await with_history(circle), await new_circle()
    told = await imported(other, await exported(element))
    assert counts(told) == (1, 0, 0)
    (made,) = told["elements"]
    copy = Element(other, "greet")
    there, here = (await copy.get()).json(), (await element.get()).json()
    assert made["id"] == there["id"] != here["id"]
    assert (there["version"], there["state"]) == (1, "ready")
    assert {name: there[name] for name in ("name", "intention", "spec")} == {
        name: here[name] for name in ("name", "intention", "spec")
    }
    assert (await copy.invoke({})).json() == "other"
    folder = await repository_of(server, copy)
    draft = (await branches(element))["draft"]["commit"]
    assert git(folder, "rev-parse", "draft~1").strip() == draft, "its history came along"
    assert (await branches(copy))["demo"]["commit"] is None
    assert (await copy.get("/ops/readme")).json()["content"] == "# Greets\n"
    assert git(folder, "fsck", "--strict", "--full") == ""


async def test_a_slug_that_is_taken_is_skipped_unless_it_may_be_overwritten(
    server: Server, circle: Circle, new_circle: Circles
) -> None:
    element, other = await with_history(circle), await new_circle()
    there = await other.ruby(slug="greet")
    before = (await there.get()).json()
    data = await exported(element)
    told = await imported(other, data)
    assert (counts(told), told["elements"]) == ((0, 1, 0), [{"slug": "greet", "outcome": "skipped"}])
    assert (await there.get()).json() == before
    assert counts(await imported(other, data, overwrite=True)) == (1, 0, 0)
    after = (await there.get()).json()
    assert (after["id"], after["version"], after["name"]) == (before["id"], 2, "Greeter")
    assert (await there.invoke({})).json() == "other"
    folder = await repository_of(server, there)
    parents = git(folder, "log", "-1", "--format=%P", "draft").split()
    assert len(parents) == 2, "both histories are kept"
    assert parents[1] == (await branches(element))["draft"]["commit"]
    assert (await there.get("/ops/readme")).json()["content"] == "# Greets\n"


async def test_a_clone_goes_on_after_an_overwriting_import(
    circle: Circle, new_circle: Circles, tmp_path: Path
) -> None:
    element, other = await with_history(circle), await new_circle()
    there = await other.ruby(slug="greet")
    copy = await clone(there, tmp_path)
    await imported(other, await exported(element), overwrite=True)
    await copy.git("pull", "--quiet", "--ff-only")
    assert (copy.folder / "main.rb").read_text() == OTHER


async def test_into_an_element_a_bundle_is_its_next_version(circle: Circle, new_circle: Circles) -> None:
    element, other = await with_history(circle), await new_circle()
    target = await other.ruby(slug="target")
    data = await exported(element)
    assert counts(await imported(target, data)) == (0, 1, 0)
    assert (await target.get()).json()["version"] == 1
    told = await imported(target, data, overwrite=True)
    assert (counts(told), told["elements"][0]["slug"]) == ((1, 0, 0), "target")
    assert (await target.get()).json()["name"] == "Greeter"
    answer = await target.get("/ops/source", params={"path": ".triform/spec.yaml"})
    assert "slug: target" in answer.json()["content"]
    refused(await brought(target, data, overwrite=True, if_match=1), 422, "INVALID_INPUT")


async def test_if_match_guards_an_import_into_an_element(circle: Circle) -> None:
    element = await circle.ruby()
    body = {"bundle_base64": base64.b64encode(await exported(element)).decode(), "overwrite": True}
    stale = {"If-Match": '"7"'}
    refused(await element.post("/ops/import/bundle", body, headers=stale), 412, "VERSION_MISMATCH")


async def test_a_whole_circle_moves_and_each_element_fails_for_itself(circle: Circle, new_circle: Circles) -> None:
    await with_history(circle)
    await circle.ruby(slug="another")
    await circle.ruby(slug="taken")
    other = await new_circle()
    await other.ruby(OTHER, slug="taken")
    envelope = json.loads(await exported(circle))
    broken = {
        "slug": "broken",
        "element_type": "ruby",
        "bundle_base64": base64.b64encode(b"# v2 git bundle\nx").decode(),
    }
    envelope["elements"] += [broken, {**broken, "slug": "nonsense", "bundle_base64": "!"}]
    told = await imported(other, json.dumps(envelope).encode())
    assert counts(told) == (2, 1, 2)
    assert {each["slug"]: each["outcome"] for each in told["elements"]} == {
        "another": "imported", "greet": "imported", "taken": "skipped",
    }  # fmt: skip
    assert [(each["slug"], each["code"]) for each in told["errors"]] == [
        ("broken", "BUNDLE_REFUSED"), ("nonsense", "BUNDLE_REFUSED"),
    ]  # fmt: skip
    assert (await Element(other, "another").invoke({"a": 1})).json() == {"a": 1}
    assert (await Element(other, "taken").invoke({})).json() == "other"
    again = await imported(other, json.dumps(envelope).encode(), overwrite=True)
    assert counts(again) == (3, 0, 2)
    assert (await Element(other, "taken").invoke({"a": 1})).json() == {"a": 1}


async def test_secrets_stay_behind_with_a_warning_and_come_back_where_they_are_known(
    circle: Circle, new_circle: Circles
) -> None:
    code = "def handler(input)\n  ENV.fetch('KEY', 'none').length\nend\n"
    element = await circle.ruby(code, slug="secretive", environment={"KEY": {"secret": True, "value": SECRET}})
    data, other = await exported(element), await new_circle()
    told = await imported(other, data)
    assert "the secret KEY has no value here" in told["elements"][0]["warnings"][0]
    copy = Element(other, "secretive")
    assert (await copy.get()).json()["spec"]["environment"] == {}
    assert (await copy.invoke({})).json() == len("none")
    await element.patch({"spec": {"environment": {"KEY": None}}})
    assert (await imported(circle, data, overwrite=True))["elements"][0]["warnings"] == []
    assert (await element.invoke({})).json() == len(SECRET)


async def test_an_import_can_be_repaired_and_goes_on(server: Server, circle: Circle, new_circle: Circles) -> None:
    element, other = await with_history(circle), await new_circle()
    await other.ruby(slug="greet")
    await imported(other, await exported(element), overwrite=True)
    copy = Element(other, "greet")
    assert (await repair(copy))["healthy"]
    await copy.patch({"name": "After"})
    folder = await repository_of(server, copy)
    assert git(folder, "fsck", "--strict", "--full") == ""
    answer = await copy.post("/ops/export/bundle", {})
    assert counts(await imported(await new_circle(), answer.content)) == (1, 0, 0)


async def test_an_import_is_a_run_and_safe_to_repeat(circle: Circle, new_circle: Circles) -> None:
    data, other = await exported(await with_history(circle)), await new_circle()
    body = {"bundle_base64": base64.b64encode(data).decode()}
    first = await other.post("/ops/import/bundle", body, headers={"Idempotency-Key": "one"})
    again = await other.post("/ops/import/bundle", body, headers={"Idempotency-Key": "one"})
    assert first.headers["Triform-Run-Id"] == again.headers["Triform-Run-Id"]
    assert again.json() == first.json()
    assert ECHO not in (await other.get(f"/ops/runs/{first.headers['Triform-Run-Id']}")).text
