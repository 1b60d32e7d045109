"""What a push must not bring: it is said, with its place, and nothing of the push is kept."""

from pathlib import Path

import pytest

from tests.acceptance.client import Circle, Element
from tests.acceptance.clones import Clone, Unchanged, clone
from tests.acceptance.server import Server

SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("main.rb", "def handler(", "main.rb line 1"),
        ("main.rb", b"\xff\xfe", "is not UTF-8"),
        (".triform/spec.yaml", "spec: {memory_mb: 1}\n", "/spec/memory_mb"),
        (".triform/spec.yaml", "spec: {nonsense: 1}\n", "/spec/nonsense"),
        (".triform/spec.yaml", "spec: [\n", "spec.yaml:"),
        (".triform/spec.yaml", "a: &a [x]\nspec: *a\n", "anchors and aliases"),
        (".triform/spec.yaml", "slug: other\nspec: {}\n", "says another slug"),
        (".triform/spec.yaml", "element_type: circle\nspec: {}\n", "says another element_type"),
        (".triform/spec.yaml", "spec: {source: {code: 'x'}}\n", "belongs in main.rb"),
        (".triform/spec.yaml", "spec: {environment: {K: {secret: true, value: enoughofit}}}\n", "value of a sec"),
        (".triform/spec.yaml", "spec: {environment: {K: {secret: true}}}\n", "there is no stored value"),
        (".triform/spec.yaml", "name: ''\nspec: {}\n", "/name"),
        (".triform/other", "x", "only spec.yaml may lie"),
        (".env", "TOKEN=x", "where secrets are kept"),
        ("key.txt", "-----BEGIN PRIVATE KEY-----\nx\n", "a private key"),
        ("node_modules/x/index.js", "x", "is generated"),
        ("tmp/cache", "x", "data of a running program"),
        (".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = ./x\n', "submodules"),
    ],
)  # fmt: skip
async def test_what_cannot_be_taken_is_said_and_nothing_is_kept(
    server: Server, element: Element, copy: Clone, path: str, content: str | bytes, why: str
) -> None:
    copy.write(path, content)
    await copy.commit()
    async with Unchanged(server, element):
        said = await copy.refused()
    assert why in said


async def test_a_spec_file_that_is_missing_is_missed(server: Server, element: Element, copy: Clone) -> None:
    await copy.git("rm", "--quiet", "-r", ".triform")
    await copy.commit()
    async with Unchanged(server, element):
        assert "is missing" in await copy.refused()


async def test_code_that_is_missing_is_missed(server: Server, element: Element, copy: Clone) -> None:
    await copy.git("rm", "--quiet", "main.rb")
    await copy.commit()
    async with Unchanged(server, element):
        assert "/spec/source/code" in await copy.refused()


async def test_a_secret_is_found_where_it_was_taken_out_again(
    server: Server, element: Element, copy: Clone
) -> None:
    copy.write("config.rb", "KEY = 'ghp_" + "a" * 36 + "'\n")
    await copy.commit("oops")
    await copy.git("rm", "--quiet", "config.rb")
    await copy.commit("taken out again")
    async with Unchanged(server, element):
        said = await copy.refused()
    assert "config.rb:1 holds a GitHub token" in said


async def test_an_elements_own_secret_is_found_in_what_is_pushed(
    server: Server, circle: Circle, tmp_path: Path
) -> None:
    element = await circle.ruby(environment={"KEY": {"secret": True, "value": SECRET}})
    copy = await clone(element, tmp_path)
    copy.write("notes.txt", f"do not forget: {SECRET}\n")
    await copy.commit()
    async with Unchanged(server, element):
        said = await copy.refused()
    assert "holds a secret value of the element" in said
    assert SECRET not in said
