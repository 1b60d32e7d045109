"""What deploys fetched: pinned to a version, carried along, and not changed under what was promoted."""

from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements.code_source import origin_of
from triform.elements.errors import VersionPromoted
from triform.elements.model import DEMO, LIVE, Deployment, Element, Tip
from triform.elements.usable import undeployed
from triform.errors import NotFound

ONE, TWO = "1" * 40, "2" * 40
SPEC = {"source": {"type": "git", "repository": "https://git.example.org/tax.git", "ref": "main"}}


@pytest.fixture
async def element(world: Any, circle: Circle) -> Element:
    made: Element = await world.create(circle, spec=SPEC)
    return made


async def fetched(world: Any, element: Element, commit: str) -> bool:
    now = await world.cache.fresh(element)
    origin = origin_of(world.catalogue.type("ruby"), now.spec)
    pinned = Deployment(
        now.version, world.ids.new(), "sha256:image", None, None, world.clock.now(), (), origin, commit
    )
    done: bool = await world.deployments.record(now, pinned, world.ada)
    return done


async def promoted(world: Any, element: Element, branch: str) -> None:
    now = await world.cache.fresh(element)
    async with world.database.transaction() as tx:
        await world.store.set_tip(tx, element.id, branch, Tip(now.branches["draft"].commit, now.version))


async def pinned(world: Any, element: Element) -> tuple[str | None, bool]:
    """The commit that runs, and whether a deploy is missing."""
    now = await world.cache.fresh(element)
    commit = now.bundled.fetched_commit if now.bundled else None
    return commit, undeployed(world.catalogue.type("ruby"), now) is not None


async def test_a_deploy_pins_the_commit_and_the_next_one_another(world: Any, element: Element) -> None:
    assert await pinned(world, element) == (None, True)
    assert await fetched(world, element, ONE)
    assert await pinned(world, element) == (ONE, False)
    assert await fetched(world, element, TWO)
    assert await pinned(world, element) == (TWO, False)


async def test_the_pin_is_kept_until_the_source_is_another(world: Any, element: Element) -> None:
    await fetched(world, element, ONE)
    await world.do("update", element, spec={"memory_mb": 256})
    assert await pinned(world, element) == (ONE, False)
    await world.do("update", element, spec={"source": {"path": "other.rb"}})
    assert await pinned(world, element) == (ONE, False)
    await world.do("update", element, spec={"source": {"ref": "next"}})
    assert await pinned(world, element) == (ONE, True)


@pytest.mark.parametrize("branch", [DEMO, LIVE])
async def test_the_commit_of_a_promoted_version_stays(world: Any, element: Element, branch: str) -> None:
    """Asked before anything is fetched, and again with the row locked: a promotion may come in between."""
    await fetched(world, element, ONE)
    await promoted(world, element, branch)
    await world.deployments.ensure_free(element, ONE)
    with pytest.raises(VersionPromoted, match=f"Version 1 is {branch} with commit 1111"):
        await world.deployments.ensure_free(element, TWO)
    with pytest.raises(VersionPromoted):
        await fetched(world, element, TWO)
    assert await pinned(world, element) == (ONE, False)
    assert await fetched(world, element, ONE)


async def test_another_version_may_have_another_commit(world: Any, element: Element) -> None:
    await fetched(world, element, ONE)
    await promoted(world, element, LIVE)
    await world.do("update", element)
    assert await fetched(world, element, TWO)
    assert await pinned(world, element) == (TWO, False)
    live = await world.cache.in_env(await world.cache.fresh(element), LIVE)
    assert live.bundled.fetched_commit == ONE


async def test_what_was_deleted_meanwhile_is_not_pinned(world: Any, element: Element) -> None:
    now = await world.cache.fresh(element)
    await world.do("delete", element, confirm=True)
    deployment = Deployment(1, world.ids.new(), "sha256:image", None, None, world.clock.now(), (), "x", ONE)
    with pytest.raises(NotFound):
        await world.deployments.record(now, deployment, world.ada)


async def test_an_element_knows_the_commit_that_holds_it(world: Any, element: Element) -> None:
    await world.do("update", element, name="Other")
    now = await world.cache.fresh(element)
    first = await world.cache.at_version(now.circle_id, now.id, 1)
    assert now.commit == now.branches["draft"].commit
    assert first.commit not in (None, now.commit)
