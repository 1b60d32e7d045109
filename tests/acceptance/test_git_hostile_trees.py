"""Trees no git would make, pushed to lead somewhere else or to swell. All are refused whole."""

import pytest

from tests.acceptance.client import Element
from tests.acceptance.clones import Clone, Unchanged
from tests.acceptance.server import Server
from tests.acceptance.source import git, repository_of


@pytest.mark.parametrize("name", [
    b".git", b".GIT", b".git.", b"git~1", b".g\xe2\x80\x8cit", b"..", b".", b"a/b", b"a\\b", b"a\nb", b"\x1b[2J",
    b"\xff",
])  # fmt: skip
async def test_names_that_lead_somewhere_else(server: Server, element: Element, copy: Clone, name: bytes) -> None:
    blob = await copy.object("blob", b"x")
    await copy.with_entry("100644", name, blob)
    async with Unchanged(server, element):
        await copy.refused()


@pytest.mark.parametrize("target", [b"/etc/passwd", b"main.rb", b"../../../keys/master"])
async def test_symbolic_links(server: Server, element: Element, copy: Clone, target: bytes) -> None:
    blob = await copy.object("blob", target)
    await copy.with_entry("120000", "link.rb", blob)
    async with Unchanged(server, element):
        assert "is a symbolic link" in await copy.refused()


async def test_a_link_in_the_place_of_the_code_or_the_spec(server: Server, element: Element, copy: Clone) -> None:
    blob = await copy.object("blob", b"/etc/passwd")
    folder = await copy.tree(("120000", "spec.yaml", blob))
    code = await copy.head("HEAD:main.rb")
    await copy.with_tree(await copy.tree(("40000", ".triform", folder), ("100644", "main.rb", code)))
    async with Unchanged(server, element):
        assert "is a symbolic link" in await copy.refused()


async def test_submodules(server: Server, element: Element, copy: Clone) -> None:
    await copy.with_entry("160000", "module", "1" * 40)
    async with Unchanged(server, element):
        assert "is a submodule" in await copy.refused()


@pytest.mark.parametrize("mode", ["104755", "100777", "0100644", "777777", "140000"])
async def test_modes_no_file_has(server: Server, element: Element, copy: Clone, mode: str) -> None:
    blob = await copy.object("blob", b"x")
    await copy.with_entry(mode, "odd", blob)
    async with Unchanged(server, element):
        await copy.refused()


async def test_a_link_in_the_middle_of_the_history(server: Server, element: Element, copy: Clone) -> None:
    good = await copy.head("HEAD^{tree}")
    await copy.with_entry("120000", "link", await copy.object("blob", b"/etc"))
    await copy.with_tree(good, "gone again")
    async with Unchanged(server, element):
        assert "is a symbolic link" in await copy.refused()


async def test_trees_with_entries_twice_or_out_of_order(server: Server, element: Element, copy: Clone) -> None:
    blob, code = await copy.object("blob", b"x"), await copy.head("HEAD:main.rb")
    folder = await copy.head("HEAD:.triform")
    before = await copy.head()
    for entries in (
        [("40000", ".triform", folder), ("100644", "main.rb", code), ("100644", "main.rb", blob)],
        [("100644", "main.rb", code), ("40000", ".triform", folder)],
    ):
        await copy.with_tree(await copy.tree(*entries))
        async with Unchanged(server, element):
            await copy.refused()
        await copy.git("update-ref", "refs/heads/draft", before)


async def test_a_few_trees_that_stand_for_billions_of_files(server: Server, element: Element, copy: Clone) -> None:
    blob = await copy.object("blob", b"boom")
    tree = await copy.tree(*[("100644", f"f{number}", blob) for number in range(10)])
    for _ in range(10):
        tree = await copy.tree(*[("40000", f"d{number}", tree) for number in range(10)])
    await copy.with_entry("40000", "bomb", tree)
    async with Unchanged(server, element):
        assert "files" in await copy.refused()


async def test_folders_nested_without_end(server: Server, element: Element, copy: Clone) -> None:
    tree = await copy.tree(("100644", "f", await copy.object("blob", b"x")))
    for _ in range(1200):
        tree = await copy.tree(("40000", "d", tree))
    await copy.with_entry("40000", "deep", tree)
    async with Unchanged(server, element):
        await copy.refused()


async def test_more_files_than_anybody_needs(server: Server, element: Element, copy: Clone) -> None:
    blob = await copy.object("blob", b"x")
    entries = sorted((f"f{number}" for number in range(6000)), key=str.encode)
    await copy.with_entry("40000", "many", await copy.tree(*[("100644", name, blob) for name in entries]))
    async with Unchanged(server, element):
        assert "files" in await copy.refused()


async def test_more_objects_than_are_looked_at(server: Server, element: Element, copy: Clone) -> None:
    lines = b"".join(b"blob\nmark :%d\ndata %d\n%d\n" % (n, len(str(n)), n) for n in range(1, 20_500))
    marks = b"".join(b"M 100644 :%d f%d\n" % (n, n) for n in range(1, 20_500))
    commit = (
        b"commit refs/heads/draft\ncommitter G <g@h> 1700000000 +0000\ndata 1\nm\nfrom refs/heads/draft^0\n"
        + marks
    )
    await copy.git("fast-import", "--quiet", "--force", stdin=lines + commit)
    async with Unchanged(server, element):
        assert "more than 20000 objects" in await copy.refused()


async def test_hooks_in_the_repository_are_not_run(server: Server, element: Element, copy: Clone) -> None:
    """However they came to be there."""
    folder, trace = await repository_of(server, element), server.data_dir / "hook-was-here"
    for hook in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"):
        place = folder / "hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\ntouch {trace}\nexit 0\n")
        place.chmod(0o755)
    (folder / "config").write_text(
        f"[core]\n\tbare = true\n\thooksPath = hooks\n\tfsmonitor = touch {trace}\n\tsshCommand = touch {trace}\n"
        f"[uploadpack]\n\tpackObjectsHook = touch {trace}\n[alias]\n\tupload-pack = !touch {trace}\n"
    )
    copy.write("README.md", "x")
    await copy.commit()
    await copy.push()
    await copy.git("fetch", "--quiet")
    assert not trace.exists()
    await element.post("/ops/source/repair", {"dry_run": False})
    assert not (folder / "hooks").exists()


async def test_options_of_a_push_are_not_taken(server: Server, element: Element, copy: Clone) -> None:
    copy.write("README.md", "x")
    await copy.commit()
    async with Unchanged(server, element):
        ended = await copy.push("--push-option=x", "draft", code=None)
    assert ended.code != 0


async def test_scratch_space_is_empty_after_all_that(server: Server, element: Element, copy: Clone) -> None:
    copy.write("README.md", "x")
    await copy.commit()
    await copy.push()
    copy.write(".env", "x")
    await copy.commit()
    await copy.refused()
    assert list((server.data_dir / "git").iterdir()) == []
    assert git(await repository_of(server, element), "count-objects", "-v").splitlines()[3] == "packs: 0"
