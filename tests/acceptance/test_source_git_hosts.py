"""Where code is not fetched from: the surroundings of the server, however an address or a redirect leads there."""

from pathlib import Path

import pytest

from tests.acceptance.client import Circle, Element, refused
from tests.acceptance.fetching import Bystander, fetching
from tests.acceptance.server import Server
from tests.acceptance.source import deployed
from tests.remotes import GitServer, Repository

MAIN = "def handler(input) = 'here'\n"


@pytest.fixture
def circle(fetching_circle: Circle) -> Circle:
    return fetching_circle


@pytest.fixture
def evil(remote: GitServer, tmp_path: Path) -> Repository:
    repository = remote.repository(tmp_path.name)
    repository.commit({"main.rb": MAIN})
    return repository


@pytest.fixture
async def element(circle: Circle, remote: GitServer, evil: Repository) -> Element:
    return await fetching(circle, f"{remote.url}/{evil.folder.name}")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
    ],
)  # fmt: skip
async def test_loopback_is_refused_however_it_is_written_and_not_even_spoken_to(circle: Circle, host: str) -> None:
    with Bystander() as bystander:
        element = await fetching(circle, f"http://{host}:{bystander.port}/evil.git")
        problem = refused(await element.post("/ops/deploy"), 422, "SOURCE_NOT_FETCHED")
        assert problem["_suggestion"]["code"] == "ADDRESS_NOT_PUBLIC"
        assert "TRIFORM_GIT_HOSTS" in problem["_suggestion"]["fix"]
        assert not problem["retryable"]
        assert not bystander.heard


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.0.0.1", "192.168.0.1", "100.100.100.200", "[fd00:ec2::254]", "[fe80::1]"]
)
async def test_metadata_and_private_addresses_are_refused(circle: Circle, host: str) -> None:
    element = await fetching(circle, f"http://{host}/latest/meta-data/")
    problem = refused(await element.post("/ops/deploy"), 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] == "ADDRESS_NOT_PUBLIC"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_refused_host_is_not_followed(
    element: Element, remote: GitServer, evil: Repository, status: int
) -> None:
    with Bystander() as bystander:
        target = f"http://127.0.0.1:{bystander.port}/x/info/refs?service=git-upload-pack"
        remote.instead[f"/{evil.folder.name}/info/refs"] = lambda: (status, {"Location": target}, b"")
        problem = refused(await element.post("/ops/deploy"), 422, "SOURCE_NOT_FETCHED")
        assert problem["_suggestion"]["code"] == "ADDRESS_NOT_PUBLIC"
        assert not bystander.heard


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/info/refs", "gopher://127.0.0.1:70/info/refs", "ext::sh -c id",
        "http://user:pass@{place}/{name}/info/refs?service=git-upload-pack", "http://{place}/admin/delete-all",
        "http://{place}/{name}/info/refs?service=git-upload-pack&x=1", "//[::1/info/refs", "",
    ],
)  # fmt: skip
async def test_a_redirect_leads_to_a_repository_or_nowhere(
    element: Element, remote: GitServer, evil: Repository, location: str
) -> None:
    target = location.format(place=remote.place, name=f"{evil.folder.name}-too")
    remote.instead[f"/{evil.folder.name}/info/refs"] = lambda: (302, {"Location": target}, b"")
    remote.asked.clear()
    problem = refused(await element.post("/ops/deploy"), 422, "SOURCE_NOT_FETCHED")
    assert problem["_suggestion"]["code"] in ("REDIRECT", "ADDRESS")
    assert "pass" not in str(problem)
    assert {each.partition("?")[0] for each in remote.asked} == {f"/{evil.folder.name}/info/refs"}


async def test_a_repository_that_has_moved_is_fetched_from_where_it_is(
    circle: Circle, remote: GitServer, evil: Repository
) -> None:
    target = f"{remote.url}/{evil.folder.name}/info/refs?service=git-upload-pack"
    remote.instead["/before/info/refs"] = lambda: (301, {"Location": target, "Set-Cookie": "a=b"}, b"")
    element = await deployed(await fetching(circle, f"{remote.url}/before"))
    assert (await element.invoke({})).json() == "here"
    assert not any("Cookie" in headers or "Authorization" in headers for headers in remote.headers)


async def test_a_later_request_is_not_redirected(element: Element, remote: GitServer, evil: Repository) -> None:
    with Bystander() as bystander:
        target = f"http://127.0.0.1:{bystander.port}/x/git-upload-pack"
        remote.instead[f"/{evil.folder.name}/git-upload-pack"] = lambda: (307, {"Location": target}, b"")
        refused(await element.post("/ops/deploy"), 422, "SOURCE_NOT_FETCHED")
        assert not bystander.heard


async def test_credentials_in_an_address_are_refused_and_told_nowhere(
    fetching_server: Server, circle: Circle
) -> None:
    spec = {"source": {"type": "git", "repository": "https://me:hunter2-secret@git.example.org/x.git"}}
    answer = await circle.create("evil", spec)
    refused(answer, 422, "INVALID_SPEC")
    assert "hunter2" not in answer.text
    assert "hunter2" not in fetching_server.log()
