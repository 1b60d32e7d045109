"""Elements that require gems: from requirements to a bundle, over a real gem server, Bundler and compiler."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance import gems, processes
from tests.acceptance.client import Circle, Element, Json, lines_of, refused
from tests.acceptance.conftest import client_of, serving, sign_in
from tests.acceptance.gems import deployed, require, requiring
from tests.acceptance.patches import patched
from tests.acceptance.server import Server
from tests.copies import DataDirs
from triform.testing.gems import GemServer

VERSIONS = """
require 'alpha'
require 'beta'
def handler(input) = { beta: Beta::VERSION, alpha: Alpha::VERSION }
"""
ALPHA = "require 'alpha'\ndef handler(input) = Alpha::VERSION\n"


@dataclass(frozen=True)
class World:
    """A server, and the gem source it takes gems from."""

    server: Server
    source: GemServer
    folder: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, new_data_dir: DataDirs) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gems")
    with GemServer(folder) as source:
        for server in serving(new_data_dir("gem-user"), gem_source=source.url):
            asyncio.run(_fill(server, folder, source))
            yield World(server, source, folder)


async def _fill(server: Server, folder: Path, source: GemServer) -> None:
    port = source.place.rpartition(":")[2]
    prying = gems.native("prying", gems.PRYING.replace("%PORT%", port) + gems.NOTHING_TO_MAKE)
    async with client_of(server) as http:
        await gems.build(await sign_in(http), [*gems.GEMS, prying], folder)


@pytest.fixture
async def circle(world: World) -> AsyncIterator[Circle]:
    async with client_of(world.server) as http:
        yield await sign_in(http)


async def resolve(circle: Circle, *entries: str) -> Json:
    """What a deploy with requirements that cannot be met answers."""
    element = await requiring(circle, *entries)
    return refused(await element.post("/ops/deploy"), 422, "RUBY_GEM_INSTALL_FAILED")


async def deploys_with(element: Element, patch: Json) -> Json:
    """The deploy after a suggestion's patch has been applied."""
    spec = (await element.get()).json()["spec"]
    answer = await element.patch({"spec": patched(spec, patch), "deep": False})
    assert answer.status_code == 200, answer.text
    return await deployed(element)


async def test_gems_and_what_they_need_are_there_after_a_deploy(circle: Circle) -> None:
    element = await requiring(circle, "beta ~> 1.0", code=VERSIONS)
    problem = refused(await element.invoke({}), 409, "DEPLOY_REQUIRED")
    assert problem["_suggestion"]["op"] == "deploy"
    assert await element.runs() == []
    told = await deployed(element)
    assert sorted(told["bundle"]["gems"]) == ["alpha 1.1.0", "beta 1.0.0"]
    assert len(told["bundle"]["digest"]) == 64
    assert told["bundle"]["bytes"] > 0
    assert "    beta (1.0.0)\n      alpha (~> 1.0)\n" in told["lock"]
    assert "sha256=" in told["lock"]
    assert {"check_ms", "warm_ms", "load_ms"} <= set(told["timings"])
    assert (await element.invoke({})).json() == {"beta": "1.0.0", "alpha": "1.1.0"}


async def test_a_deploy_tells_how_far_it_is(circle: Circle) -> None:
    element = await requiring(circle, "alpha = 1.0.0", "onjson")
    told = await deployed(element)
    assert told["bundle"]["cached"] is False
    assert {"resolve_ms", "fetch_ms", "build_ms"} <= set(told["timings"])
    assert told["bundle"]["gems"] == ["alpha 1.0.0", "onjson 1.0.0"]
    said = "\n".join(lines_of(await element.run(told["deploy_id"])))
    for step in ("resolving the requirements", "fetching onjson-1.0.0.gem", "Installing onjson 1.0.0"):
        assert step in said


async def test_nobody_can_write_into_a_bundle(circle: Circle) -> None:
    write = "def handler(input) = File.write('/bundle/planted', 'x')\n"
    element = await requiring(circle, "alpha = 1.0.0", code=write)
    await deployed(element)
    assert refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")["exception"]["class"] == "Errno::EROFS"


async def test_an_index_that_makes_no_sense_is_the_sources_fault(circle: Circle, world: World) -> None:
    noise = b"---\n" + b"\xff\x00 1 | :: ,, &\n" * 50 + b"1.0 alpha:~>|checksum:x\n"
    world.source.instead["/info/noise"] = lambda: (200, {}, noise)
    problem = await resolve(circle, "noise")
    assert problem["retryable"] is False


async def test_what_is_no_requirement_is_refused_at_save_with_a_patch(circle: Circle) -> None:
    source = {"type": "inline", "code": ALPHA, "requirements": ["json", "alpha==1.0.0", "json ~> 2.0"]}
    problem = refused(await circle.create("slip", {"source": source}), 422, "INVALID_SPEC")
    pointers = [each["pointer"] for each in problem["errors"]]
    assert pointers == ["/spec/source/requirements/1", "/spec/source/requirements/2"]
    spec = patched({"source": source}, problem["_suggestion"]["patch"])
    assert spec["source"]["requirements"] == ["json", "alpha = 1.0.0"]
    assert (await circle.create("slip", spec)).status_code == 201


async def test_native_extensions_are_compiled(circle: Circle) -> None:
    element = await requiring(circle, "adder", code="require 'adder/adder'\ndef handler(input) = native_answer\n")
    await deployed(element)
    assert (await element.invoke({})).json() == 42


async def test_the_same_requirements_have_the_same_bundle_without_asking_anybody(
    circle: Circle, world: World
) -> None:
    first, second = await requiring(circle, "beta", "alpha >= 2"), await requiring(circle, "alpha>=2", "beta")
    told = await deployed(first)
    before = len(world.source.asked)
    again, other = await deployed(first), await deployed(second)
    assert {told["bundle"]["digest"]} == {again["bundle"]["digest"], other["bundle"]["digest"]}
    assert (again["bundle"]["cached"], other["bundle"]["cached"]) == (True, True)
    assert world.source.asked[before:] == []


async def test_other_requirements_with_the_same_lock_share_the_bundle(circle: Circle) -> None:
    one, other = await requiring(circle, "alpha = 2.0.0"), await requiring(circle, "alpha = 2")
    assert (await deployed(one))["bundle"]["gems"] == (await deployed(other))["bundle"]["gems"]


async def test_many_deploys_at_once_build_once(circle: Circle, world: World) -> None:
    elements = [await requiring(circle, "gamma", "beta < 2") for _ in range(5)]
    before = len(world.source.asked)
    told = await asyncio.gather(*(deployed(element) for element in elements))
    assert len({each["bundle"]["digest"] for each in told}) == 1
    assert [each["bundle"]["cached"] for each in told].count(False) == 1
    fetched = [path for path in world.source.asked[before:] if path == "/gems/gamma-1.0.0.gem"]
    assert len(fetched) == 1


async def test_new_code_with_the_same_requirements_needs_no_deploy(circle: Circle) -> None:
    element = await requiring(circle, "alpha ~> 1.0", code=ALPHA)
    await deployed(element)
    await element.patch(
        {"spec": {"source": {"code": ALPHA.replace("Alpha", "[Alpha").replace("ION\n", "ION]\n")}}}
    )
    answer = await element.invoke({})
    assert (answer.json(), answer.headers["Triform-Version"]) == (["1.1.0"], "2")
    await require(element, "alpha ~> 2.0")
    refused(await element.invoke({}), 409, "DEPLOY_REQUIRED")
    await require(element, "alpha   ~>1.0")
    assert (await element.invoke({})).json() == ["1.1.0"]
    await require(element)
    assert (await element.post("/ops/deploy")).status_code == 500  # nothing has alpha any more


async def test_constraints_that_exclude_each_other_are_told_in_a_sentence_with_a_way_out(circle: Circle) -> None:
    element = await requiring(circle, "beta ~> 2.0", "gamma", "onjson")
    problem = refused(await element.post("/ops/deploy"), 422, "RUBY_GEM_INSTALL_FAILED")
    assert problem["retryable"] is False
    for named in ("beta", "gamma", "alpha"):
        assert named in problem["detail"], problem["detail"]
    assert "\n" not in problem["detail"]
    assert problem["errors"][0]["pointer"].endswith("/source/requirements")
    assert problem["_suggestion"]["why"] == problem["detail"]
    assert problem["_suggestion"]["patch"][0]["path"] == "/source/requirements/0"
    told = await deploys_with(element, problem["_suggestion"]["patch"])
    assert sorted(told["bundle"]["gems"]) == ["alpha 1.1.0", "beta 1.0.0", "gamma 1.0.0", "onjson 1.0.0"]


async def test_a_version_that_does_not_exist_is_told_with_those_that_do(circle: Circle) -> None:
    element = await requiring(circle, "alpha >= 9")
    problem = refused(await element.post("/ops/deploy"), 422, "RUBY_GEM_INSTALL_FAILED")
    assert problem["detail"] == "No version of alpha is >= 9; the gem source has 1.0.0, 1.1.0, 2.0.0."
    assert (await deploys_with(element, problem["_suggestion"]["patch"]))["bundle"]["gems"] == ["alpha 2.0.0"]


async def test_a_gem_that_does_not_exist_is_named(circle: Circle) -> None:
    problem = await resolve(circle, "alpha", "no-such-gem ~> 1.0")
    assert problem["detail"] == "There is no gem no-such-gem in the gem source."
    assert problem["retryable"] is False
    assert "patch" not in problem["_suggestion"]


async def test_a_missing_header_is_told_with_the_package_that_has_it(circle: Circle) -> None:
    problem = await resolve(circle, "lacking")
    assert "lacking 1.0" in problem["detail"]
    assert "libpq-fe.h" in problem["detail"]
    assert "libpq-dev" in problem["detail"]
    assert problem["retryable"] is False


async def test_a_library_that_is_not_there_leads_to_a_deploy_that_has_it(circle: Circle) -> None:
    element = await circle.ruby(ALPHA)
    problem = refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")
    await deploys_with(element, problem["_suggestion"]["patch"])
    assert (await element.invoke({})).json() == "2.0.0"


async def test_a_gem_that_is_not_what_the_index_says_is_not_used(circle: Circle, world: World) -> None:
    genuine = (world.folder / "alpha-1.0.0.gem").read_bytes()
    await gems.build(circle, [gems.pure("tampered", "1.0.0")], world.folder)
    world.source.instead["/gems/tampered-1.0.0.gem"] = lambda: (200, {}, genuine)
    problem = await resolve(circle, "tampered")
    assert "checksum" in problem["detail"]
    assert problem["retryable"] is False


async def test_a_source_that_fails_for_now_is_worth_another_try(circle: Circle, world: World) -> None:
    await gems.build(circle, [gems.pure("late", "1.0.0")], world.folder)
    world.source.instead["/info/late"] = lambda: (503, {}, b"")
    element = await requiring(circle, "late")
    problem = refused(await element.post("/ops/deploy"), 422, "RUBY_GEM_INSTALL_FAILED")
    assert problem["retryable"] is True
    del world.source.instead["/info/late"]
    assert (await deployed(element))["bundle"]["gems"] == ["late 1.0.0"]


async def test_nobody_but_the_gem_source_is_asked(circle: Circle, world: World) -> None:
    with GemServer(world.folder) as elsewhere:
        world.source.instead["/info/moved"] = lambda: (302, {"Location": f"{elsewhere.url}/info/alpha"}, b"")
        problem = await resolve(circle, "moved")
    assert "redirects to another host" in problem["detail"]
    assert elsewhere.asked == []


async def test_what_gems_do_while_they_are_built_stays_in_their_sandbox(circle: Circle, world: World) -> None:
    before = len(world.source.asked)
    element = await requiring(circle, "prying", code="require 'prying'\ndef handler(input) = Prying::SAW\n")
    await deployed(element)
    saw = (await element.invoke({})).json()
    assert (saw.pop("environment"), saw.pop("processes")) == ("", 0)
    assert "open" not in saw.values(), saw
    assert set(world.source.asked[before:]) <= {"/info/prying", "/gems/prying-1.0.gem"}


async def test_a_bundle_with_links_out_of_it_is_not_taken(circle: Circle) -> None:
    problem = await resolve(circle, "linking")
    assert "outside of the bundle" in problem["detail"]


async def test_a_build_that_never_ends_is_cancelled_and_leaves_nothing(circle: Circle, world: World) -> None:
    element = await requiring(circle, "endless")
    answer = await element.post("/ops/deploy", headers={"Prefer": "respond-async"})
    run_id = answer.json()["run_id"]
    await element.printed(run_id, "Installing endless")
    assert (await element.cancel(run_id)).json()["status"] == "cancelled"
    run = await element.ended(run_id)
    assert run["status"] == "cancelled"
    assert processes.with_argument("extconf.rb", above=world.server.pid) == []
    assert list((world.server.data_dir / "bundles/drafts").iterdir()) == []
    refused(await element.invoke({}), 409, "DEPLOY_REQUIRED")
