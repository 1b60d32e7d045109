"""Deploying a version: what it answers, what it leaves behind, what it pins."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.acceptance.client import ECHO, Circle, Element, lines_of, refused
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.server import IMAGES
from triform.substrates.isolation.images import Images


async def deployed(element: Element) -> Any:
    answer = await element.post("/ops/deploy")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def state(element: Element) -> tuple[str, int]:
    now = (await element.get()).json()
    return now["state"], now["version"]


async def test_a_deploy_says_what_it_did_and_its_id_is_its_run(circle: Circle) -> None:
    element = await circle.ruby()
    told = await deployed(element)
    assert UUID(told["deploy_id"])
    assert told["status"] == "deployed"
    assert set(told) >= {"deploy_id", "status", "lock", "bundle", "timings"}
    run = await element.run(told["deploy_id"])
    assert (run["operation"], run["status"], run["output"]["deploy_id"]) == (
        "deploy",
        "completed",
        told["deploy_id"],
    )


async def test_a_deployed_element_is_deployed_and_keeps_its_version(circle: Circle) -> None:
    element = await circle.ruby()
    assert await state(element) == ("ready", 1)
    await deployed(element)
    assert await state(element) == ("deployed", 1)
    assert (await element.invoke({"a": 1})).json() == {"a": 1}


async def test_deploying_twice_is_harmless(circle: Circle) -> None:
    element = await circle.ruby()
    first, second = await deployed(element), await deployed(element)
    assert first["deploy_id"] != second["deploy_id"]
    assert await state(element) == ("deployed", 1)


async def test_many_deploys_at_once_all_succeed(circle: Circle) -> None:
    element = await circle.ruby()
    told = await asyncio.gather(*(deployed(element) for _ in range(6)))
    assert len({each["deploy_id"] for each in told}) == 6
    assert await state(element) == ("deployed", 1)


async def test_new_source_makes_it_ready_again_and_runs_at_once(circle: Circle) -> None:
    element = await circle.ruby()
    await deployed(element)
    await element.patch({"spec": {"source": {"code": "def handler(input) = :new\n"}}})
    assert await state(element) == ("ready", 2)
    answer = await element.invoke({})
    assert (answer.json(), answer.headers["Triform-Version"]) == ("new", "2")
    await deployed(element)
    assert await state(element) == ("deployed", 2)


async def test_changes_besides_the_source_leave_it_deployed(circle: Circle) -> None:
    element = await circle.ruby()
    await deployed(element)
    await element.patch({"name": "Renamed", "spec": {"memory_mb": 192, "timeout_ms": 5000}})
    assert await state(element) == ("deployed", 2)


async def test_a_deploy_costs_nothing(circle: Circle) -> None:
    before = await circle.wallet()
    await deployed(await circle.ruby())
    assert await circle.wallet() == before


async def test_a_deploy_may_go_on_in_the_background(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/deploy", headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    run = await element.ended(answer.json()["run_id"])
    assert (run["status"], run["output"]["status"]) == ("completed", "deployed")
    assert await state(element) == ("deployed", 1)


async def test_code_that_does_not_load_cannot_be_deployed(circle: Circle) -> None:
    element = await circle.ruby("puts 'loading'\nraise 'broken'\n")
    problem = refused(await element.post("/ops/deploy"), 500, "RUBY_EXECUTION_FAILED")
    assert "broken" in problem["detail"]
    assert await state(element) == ("ready", 1)
    assert lines_of(await element.run(problem["run_id"])) == ["loading"]


async def test_a_handler_that_is_not_there_cannot_be_deployed(circle: Circle) -> None:
    element = await circle.ruby("def other(input) = 1\n")
    refused(await element.post("/ops/deploy"), 422, "RUBY_HANDLER_NOT_FOUND")
    assert await state(element) == ("ready", 1)


async def test_a_disabled_element_is_deployed_again_once_enabled(circle: Circle) -> None:
    element = await circle.ruby()
    await deployed(element)
    await element.post("/ops/disable")
    refused(await element.post("/ops/deploy"), 409, "ELEMENT_DISABLED")
    await element.post("/ops/enable")
    assert await state(element) == ("deployed", 1)


class Shelf:
    """A folder of runtime images that tests may add to. Each says its own name in /etc/hostname."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, name: str, age_days: int) -> None:
        """The checkout's image under another name."""
        original = next(image.root.parent for image in Images(IMAGES).list() if image.language == "ruby")
        draft = self.folder / f".{name}"
        shutil.copytree(original, draft, symlinks=True, copy_function=_link)
        (draft / "root/etc/hostname").unlink()
        (draft / "root/etc/hostname").write_text(name)
        described = json.loads((original / "image.json").read_text())
        built_at = datetime.now(UTC) - timedelta(days=age_days)
        (draft / "image.json").unlink()
        (draft / "image.json").write_text(
            json.dumps({**described, "digest": name, "built_at": built_at.isoformat()})
        )
        draft.rename(self.folder / name)

    def remove(self, name: str) -> None:
        shutil.rmtree(self.folder / name)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


NAME = "def handler(input) = File.read('/etc/hostname')\n"


async def image_of(element: Element) -> tuple[str, str]:
    """In which image its code runs, and which one diagnostics names."""
    told = (await element.get("/ops/diagnostics")).json()["runtime_image"]
    return (await element.invoke({})).json(), told


async def test_a_newer_image_is_taken_by_the_next_deploy_and_not_before(
    start_server: StartServer, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "images")
    shelf.add("older", age_days=2)
    running = start_server(image_dir=shelf.folder)
    async with client_of(running) as http:
        circle = await sign_in(http)
        pinned, loose = await circle.ruby(NAME), await circle.ruby(NAME)
        await deployed(pinned)
        shelf.add("newer", age_days=1)
        assert await image_of(pinned) == ("older", "older")
        assert await image_of(loose) == ("newer", "newer")
        await pinned.patch({"spec": {"timeout_ms": 1000}})
        assert await image_of(pinned) == ("older", "older")
        await deployed(pinned)
        assert await image_of(pinned) == ("newer", "newer")


async def test_an_image_that_is_gone_is_replaced_by_the_newest(start_server: StartServer, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "images")
    shelf.add("older", age_days=2)
    running = start_server(image_dir=shelf.folder)
    async with client_of(running) as http:
        element = await (await sign_in(http)).ruby(NAME)
        await deployed(element)
        shelf.add("newer", age_days=1)
        shelf.remove("older")
        assert await image_of(element) == ("newer", "newer")


async def test_without_an_image_nothing_runs_and_it_is_said_what_is_missing(
    start_server: StartServer, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "images")
    shelf.add("only", age_days=1)
    running = start_server(image_dir=shelf.folder)
    async with client_of(running) as http:
        circle = await sign_in(http)
        element = await circle.ruby(ECHO)
        shelf.remove("only")
        before = await circle.wallet()
        problem = refused(await element.invoke({}), 503, "RUNTIME_IMAGE_MISSING")
        assert "triform image build" in problem["_suggestion"]["fix"]
        assert await circle.wallet() == before
        refused(
            await circle.create("more", {"source": {"code": "def handler(input) = 2\n"}}),
            503,
            "RUNTIME_IMAGE_MISSING",
        )
