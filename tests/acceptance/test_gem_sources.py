"""Where gems come from: with credentials, out of a folder, or not at all; and what a crash leaves behind."""

import os
from pathlib import Path

import pytest

from tests.acceptance import gems, processes
from tests.acceptance.client import Circle, lines_of, refused
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.gems import deployed, requiring
from tests.acceptance.server import Server
from triform.testing.gems import GemServer

ALPHA = "require 'alpha'\ndef handler(input) = Alpha::VERSION\n"
PASSWORD = "hunter2-of-the-mirror"
PRYING = gems.native(
    "nosy",
    "found = [ENV.to_a, Dir.glob('/proc/[0-9]*/{cmdline,environ}').map { |f| File.read(f) rescue '' }].to_s\n"
    "File.write('../../lib/nosy.rb', \"SEEN = #{found.inspect}\\n\")\n" + gems.NOTHING_TO_MAKE,
)


def everywhere(server: Server) -> bytes:
    """Log, argv and environment of all that the server has started; of the server itself argv alone."""
    found = [server.log().encode()]
    for alive in processes.below(server.pid):
        names = ("cmdline",) if alive.pid == server.pid else ("cmdline", "environ")
        for name in names:
            try:
                found.append(Path(f"/proc/{alive.pid}/{name}").read_bytes())
            except OSError:  # it has ended
                continue
    return b"\n".join(found)


async def test_credentials_of_the_source_reach_the_source_and_nobody_else(
    start_server: StartServer, tmp_path: Path
) -> None:
    folder = tmp_path / "gems"
    folder.mkdir()
    with GemServer(folder, credentials=f"mirror:{PASSWORD}") as source:
        server = start_server(gem_source=f"http://mirror:{PASSWORD}@{source.place}", log_level="debug")
        async with client_of(server) as http:
            circle = await sign_in(http)
            await gems.build(circle, [gems.pure("alpha", "1.0.0"), PRYING], folder)
            element = await requiring(circle, "alpha", "nosy", code="require 'nosy'\ndef handler(input) = SEEN\n")
            told = await deployed(element)
            seen = (await element.invoke({})).text
            run = await element.run(told["deploy_id"])
            source.instead["/info/broken"] = lambda: (500, {}, b"")
            problem = (await (await requiring(circle, "broken")).post("/ops/deploy")).text
    assert source.url in problem
    for text in (str(told), seen, str(lines_of(run)), str(run), problem):
        assert PASSWORD not in text
    assert PASSWORD.encode() not in everywhere(server)


async def test_a_source_that_does_not_let_us_in_says_so(start_server: StartServer, tmp_path: Path) -> None:
    with GemServer(tmp_path, credentials=f"mirror:{PASSWORD}") as source:
        server = start_server(gem_source=f"http://mirror:wrong-{PASSWORD}@{source.place}")
        async with client_of(server) as http:
            problem = await unmet(await sign_in(http))
            assert "does not let us in" in problem["detail"]
            assert problem["retryable"] is False
            assert PASSWORD not in str(problem) + server.log()


async def unmet(circle: Circle) -> dict[str, object]:
    element = await requiring(circle, "alpha")
    problem: dict[str, object] = refused(await element.post("/ops/deploy"), 422, "RUBY_GEM_INSTALL_FAILED")
    return problem


async def test_a_source_out_of_reach_is_worth_another_try(start_server: StartServer) -> None:
    server = start_server(gem_source="http://127.0.0.1:9")
    async with client_of(server) as http:
        circle = await sign_in(http)
        problem = await unmet(circle)
        assert problem["retryable"] is True
        assert "cannot be reached" in str(problem["detail"])
        assert (await (await circle.ruby()).invoke({"a": 1})).json() == {"a": 1}


async def test_a_folder_of_gems_needs_no_network_and_a_crash_leaves_no_half_bundle(
    start_server: StartServer, tmp_path: Path
) -> None:
    folder = tmp_path / "gems"
    folder.mkdir()
    server = start_server(gem_source=folder)
    async with client_of(server) as http:
        circle = await sign_in(http)
        await gems.build(circle, gems.GEMS, folder)
        alpha, adder = await requiring(circle, "alpha", code=ALPHA), await requiring(circle, "endless")
        digest = (await deployed(alpha))["bundle"]["digest"]
        run_id = (await adder.post("/ops/deploy", headers={"Prefer": "respond-async"})).json()["run_id"]
        await adder.printed(run_id, "Installing endless")
        server.kill()
    bundles = server.data_dir / "bundles"
    assert any((bundles / "drafts").iterdir())
    assert [each.name for each in (bundles / "built").iterdir()] == [digest]
    server = start_server(gem_source=folder)
    assert not any((bundles / "drafts").glob("*"))
    async with client_of(server) as http:
        circle = Circle(http, circle.name, circle.token)
        again = gems.Element(circle, alpha.slug)
        assert (await again.invoke({})).json() == "2.0.0"
        await gems.Element(circle, adder.slug).cancel(run_id)
        assert (await deployed(again))["bundle"] | {"bytes": 0} == {
            "digest": digest, "bytes": 0, "gems": ["alpha 2.0.0"], "cached": True,
        }  # fmt: skip
        written = next((bundles / "built" / digest).rglob("alpha.rb"))
        assert not os.access(written, os.X_OK)


async def test_a_deploy_has_a_limit(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(gem_source=tmp_path, deploy_timeout_ms=6000)
    async with client_of(server) as http:
        circle = await sign_in(http)
        await gems.build(circle, [each for each in gems.GEMS if each.name == "endless"], tmp_path)
        element = await requiring(circle, "endless")
        problem = refused(await element.post("/ops/deploy"), 504, "RUBY_TIMEOUT")
        assert "6000 ms" in problem["detail"]
        assert processes.with_argument("extconf.rb", above=server.pid) == []


@pytest.mark.parametrize("named", ["gems", "ftp://mirror", f"http://:{PASSWORD}@", "http://m/?token=1"])
def test_a_source_that_cannot_be_one_is_refused_without_being_quoted(
    start_server: StartServer, named: str
) -> None:
    with pytest.raises(RuntimeError) as refused_to_start:
        start_server(gem_source=named)
    assert "gem_source" in str(refused_to_start.value).lower()
    assert PASSWORD not in str(refused_to_start.value)
