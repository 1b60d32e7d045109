"""Bundles made to harm, or by somebody who erred: refused, and nothing is made of them."""

import base64
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.client import Circle, refused
from tests.acceptance.clones import Clone, clone
from tests.acceptance.conftest import Circles
from tests.acceptance.server import Server
from tests.acceptance.source import repository_of
from tests.acceptance.test_bundles import brought, counts, exported, imported

GOOD = "element_type: ruby\nslug: brought\nname: Brought\nspec: {}\n"


@pytest.fixture
async def copy(circle: Circle, tmp_path: Path) -> Clone:
    return await clone(await circle.ruby(slug="origin"), tmp_path)


async def bundle(copy: Clone, *what: str) -> bytes:
    """Of the clone, with these references."""
    await copy.git("bundle", "create", "--quiet", "../out.bundle", *(what or ("HEAD", "draft")))
    return (copy.folder.parent / "out.bundle").read_bytes()


async def nothing_new(circle: Circle) -> None:
    listed = (await circle.get("/ops/children")).json()["children"]
    assert [each["slug"] for each in listed] == ["origin"]


Harm = Callable[[Clone], Awaitable[Any]]


async def _link(copy: Clone) -> None:
    await copy.with_entry("120000", "link", await copy.object("blob", b"/etc/passwd"))


async def _submodule(copy: Clone) -> None:
    await copy.with_entry("160000", "module", "1" * 40)


async def _dot_git(copy: Clone) -> None:
    await copy.with_entry("100644", ".git", await copy.object("blob", b"x"))


async def _traversal(copy: Clone) -> None:
    folder = await copy.tree(("100644", "passwd", await copy.object("blob", b"x")))
    await copy.with_entry("40000", "..", folder)


async def _secret(copy: Clone) -> None:
    copy.write("key.pem", "-----BEGIN PRIVATE KEY-----\n")
    await copy.commit()


async def _large(copy: Clone) -> None:
    copy.write("large.txt", b"x" * ((5 << 20) + 1))
    await copy.commit()


async def _no_spec(copy: Clone) -> None:
    await copy.git("rm", "--quiet", "-r", ".triform")
    await copy.commit()


async def _value(copy: Clone) -> None:
    copy.write(".triform/spec.yaml", GOOD.replace("{}", "{environment: {K: {secret: true, value: longenough}}}"))
    await copy.commit()


@pytest.mark.parametrize("harm", [_link, _submodule, _dot_git, _traversal, _secret, _large, _no_spec, _value])
async def test_what_a_push_must_not_bring_a_bundle_must_not_either(
    circle: Circle, copy: Clone, harm: Harm
) -> None:
    copy.write(".triform/spec.yaml", GOOD)
    await copy.commit()
    await harm(copy)
    answer = await brought(circle, await bundle(copy))
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in ("SOURCE_REFUSED", "BUNDLE_REFUSED")
    await nothing_new(circle)


@pytest.mark.parametrize(("spec", "code"), [
    ("element_type: ruby\nslug: brought\nspec: {memory_mb: 1}\n", "INVALID_SPEC"),
    ("element_type: rubi\nslug: brought\nspec: {}\n", "UNKNOWN_ELEMENT_TYPE"),
    ("element_type: circle\nslug: brought\nspec: {}\n", "UNKNOWN_ELEMENT_TYPE"),
    ("element_type: ruby\nslug: ops\nspec: {}\n", "INVALID_INPUT"),
    ("element_type: ruby\nslug: ../up\nspec: {}\n", "INVALID_INPUT"),
    ("element_type: ruby\nspec: {}\n", "INVALID_INPUT"),
    ("slug: brought\nspec: {}\n", "UNKNOWN_ELEMENT_TYPE"),
    ("element_type: ruby\nslug: brought\nspec: [\n", "SOURCE_REFUSED"),
    ("element_type: ruby\nslug: brought\nname: ''\nspec: {}\n", "INVALID_INPUT"),
])  # fmt: skip
async def test_an_element_that_could_not_be_created_is_not_imported(
    circle: Circle, copy: Clone, spec: str, code: str
) -> None:
    copy.write(".triform/spec.yaml", spec)
    await copy.commit()
    refused(await brought(circle, await bundle(copy)), 422, code)
    await nothing_new(circle)


async def test_code_that_does_not_parse_is_not_imported(circle: Circle, copy: Clone) -> None:
    copy.write(".triform/spec.yaml", GOOD)
    copy.write("main.rb", "def handler(")
    await copy.commit()
    refused(await brought(circle, await bundle(copy)), 422, "RUBY_SYNTAX_ERROR")
    await nothing_new(circle)


@pytest.mark.parametrize("data", [
    b"", b"no bundle", b"# v2 git bundle\n", b"# v2 git bundle\n\nPACK", b"# v9 git bundle\n\n", b"{", b"{}",
    b"[]",
    b'{"format": "other", "version": 1, "elements": []}',
    b'{"format": "triform-circle", "version": 3, "elements": []}',
    b'{"format": "triform-circle", "version": 1, "elements": [7]}', b"{" * 5000, b"\x1f\x8b", os.urandom(2000),
])  # fmt: skip
async def test_what_is_no_bundle_is_refused(circle: Circle, data: bytes) -> None:
    answer = await brought(circle, data)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in ("BUNDLE_REFUSED", "INVALID_INPUT")


@pytest.mark.parametrize("given", ["!!!", "a", 7, None, "é"])
async def test_what_is_no_base64_is_refused(circle: Circle, given: object) -> None:
    answer = await circle.post("/ops/import/bundle", {"bundle_base64": given})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("cut", [30, 200, -1, -20, -100])
async def test_a_bundle_that_is_cut_or_changed_is_refused(circle: Circle, copy: Clone, cut: int) -> None:
    copy.write(".triform/spec.yaml", GOOD)
    await copy.commit()
    data = await bundle(copy)
    changed = bytearray(data)
    changed[cut] ^= 0x55
    for broken in (data[:cut], bytes(changed)):
        answer = await brought(circle, broken)
        assert answer.status_code in (422, 200), answer.text
        if answer.status_code == 200:  # A bit of a name in the head: nothing of the content.
            assert cut == 30
    if cut != 30:
        await nothing_new(circle)


async def test_a_bundle_that_needs_what_is_not_in_it_is_refused(circle: Circle, copy: Clone) -> None:
    copy.write(".triform/spec.yaml", GOOD)
    await copy.commit()
    refused(await brought(circle, await bundle(copy, "HEAD~1..draft")), 422, "BUNDLE_REFUSED")


async def test_a_bundle_without_draft_is_refused(circle: Circle, copy: Clone) -> None:
    await copy.git("checkout", "--quiet", "-b", "other")
    refused(await brought(circle, await bundle(copy, "other")), 422, "BUNDLE_REFUSED")


async def test_other_references_of_a_bundle_are_left_behind(
    server: Server, circle: Circle, copy: Clone, new_circle: Circles
) -> None:
    copy.write(".triform/spec.yaml", GOOD)
    await copy.commit()
    for name in ("refs/heads/live", "refs/tags/v1", "refs/replace/" + "1" * 40, "refs/notes/commits"):
        await copy.git("update-ref", name, "HEAD")
    data = await bundle(copy, "--all")
    other = await new_circle()
    assert counts(await imported(other, data)) == (1, 0, 0)
    listed = (await other.get("/ops/children")).json()["children"]
    folder = server.data_dir / "repositories"
    (place,) = folder.glob(f"*/{listed[0]['id'].replace('-', '')}.git")
    assert [each.name for each in (place / "refs").rglob("*")] == ["heads", "draft"]


async def test_a_bundle_of_another_type_does_not_overwrite(circle: Circle, copy: Clone) -> None:
    copy.write(".triform/spec.yaml", "element_type: rpn\nslug: origin\nspec: {}\n")
    await copy.commit()
    refused(await brought(circle, await bundle(copy), overwrite=True), 422, "BUNDLE_REFUSED")


async def test_an_envelope_belongs_into_a_circle(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await brought(element, await exported(circle), overwrite=True), 422, "BUNDLE_REFUSED")


async def test_an_envelope_with_more_elements_than_anybody_has_is_refused(circle: Circle) -> None:
    entry = {"slug": "x", "element_type": "ruby", "bundle_base64": ""}
    envelope = {"format": "triform-circle", "version": 1, "elements": [entry] * 1001}
    refused(await brought(circle, json.dumps(envelope).encode()), 422, "BUNDLE_REFUSED")


async def test_an_envelope_that_names_one_slug_twice_makes_it_once(circle: Circle, new_circle: Circles) -> None:
    await circle.ruby(slug="twice")
    envelope = json.loads(await exported(circle))
    envelope["elements"] *= 3
    other = await new_circle()
    assert counts(await imported(other, json.dumps(envelope).encode())) == (1, 2, 0)


async def test_nothing_of_a_refused_bundle_is_kept(server: Server, circle: Circle, copy: Clone) -> None:
    element = await circle.ruby(slug="target")
    folder = await repository_of(server, element)
    before = sorted(folder.rglob("*"))
    copy.write(".triform/spec.yaml", GOOD.replace("{}", "{memory_mb: 1}"))
    await copy.commit()
    refused(await brought(element, await bundle(copy), overwrite=True), 422, "INVALID_SPEC")
    assert sorted(folder.rglob("*")) == before
    assert list((server.data_dir / "git").iterdir()) == []
    again = base64.b64encode(await bundle(copy)).decode()
    assert (await element.post("/ops/import/bundle", {"bundle_base64": again})).json()["skipped"] == 1
