"""Whatever is done to elements in whatever order, also two things at once: they are what a simple model says."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.hunting import examples
from tests.integration.elements.conftest import CODE, World
from triform.clock import SystemClock
from triform.elements.cache import FRESH_S, ElementCache
from triform.elements.errors import ElementInUse, SlugTaken, VersionMismatch
from triform.elements.model import Element
from triform.errors import NotFound, TriformError
from triform.ids import Ids
from triform.storage.database import Database
from triform.testing.clock import FakeClock

SLUGS = ("a", "b")
CODES = [CODE, "def handler(input)\n  1\nend\n"]
IMAGES = ("sha256:one", "sha256:two")


@dataclass(frozen=True)
class Expected:
    """One element as it should be. `pins` are the images by deployed version."""

    name: str
    code: str = CODES[0]
    version: int = 1
    enabled: str = "ready"
    disabled: bool = False
    meta: tuple[str, ...] = ()
    pins: dict[int, str] = field(default_factory=dict)
    runs: int = 0
    deleted: bool = False

    @property
    def state(self) -> str:
        return "deleted" if self.deleted else "disabled" if self.disabled else self.enabled


@dataclass(frozen=True)
class Command:
    """`version` is the one it was meant for; None says that any will do."""

    name: str
    version: int | None = None
    given: Any = None


Refused = type[TriformError] | None


def step(now: Expected, command: Command) -> tuple[Expected, Refused]:
    """What becomes of an element, and how the command ends."""
    if now.deleted:
        return now, None if command.name == "deploy" else NotFound
    if command.name == "deploy":
        return _deployed(now, command), None
    if command.version not in (None, now.version):
        return now, VersionMismatch
    if command.name == "delete" and now.runs:
        return now, ElementInUse
    return _STEPS[command.name](now, command.given), None


def _deployed(now: Expected, command: Command) -> Expected:
    meant = command.version or now.version
    pinned = replace(now, pins={**now.pins, meant: command.given})
    return replace(pinned, enabled="deployed") if meant == now.version else pinned


def _updated(now: Expected, changes: dict[str, str]) -> Expected:
    code = changes.get("code", now.code)
    same, version = code == now.code, now.version + 1
    carried = {version: now.pins[now.version]} if same and now.enabled == "deployed" else {}
    return replace(
        now, name=changes.get("name", now.name), code=code, version=version, pins={**now.pins, **carried},
        enabled=now.enabled if same else "ready",
    )  # fmt: skip


_STEPS: Any = {
    "update": _updated,
    "update_meta": lambda now, key: replace(now, meta=tuple(sorted({*now.meta, key}))),
    "disable": lambda now, _: replace(now, disabled=True),
    "enable": lambda now, _: replace(now, disabled=False),
    "delete": lambda now, _: replace(now, deleted=True),
}

CHANGES = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["Ada", "Bob"]), "code": st.sampled_from(CODES)}
)
COMMANDS = st.one_of(
    st.builds(Command, st.just("update"), given=CHANGES),
    st.builds(Command, st.just("update_meta"), given=st.sampled_from("xyz")),
    st.builds(Command, st.just("deploy"), given=st.sampled_from(IMAGES)),
    st.builds(Command, st.sampled_from(["disable", "enable"])),
)


class Elements(RuleBasedStateMachine):
    """One circle; two caches over it, of which one is told of nothing and may be some seconds behind."""

    dsn = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.database = Database(self.dsn, pool_size=3)
        self._run(self.database.open())
        clock = FakeClock(SystemClock().now())
        self.folder = TemporaryDirectory()
        self.world = World(self.database, clock, Ids(clock), Path(self.folder.name))
        self.circle = self._run(self.world.new_circle(f"c{self.world.ids.new().hex[-20:]}"))
        self.peer = ElementCache(self.database, self.world.store, clock)
        self.there: dict[UUID, tuple[Element, Expected]] = {}

    def teardown(self) -> None:
        self._run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    @rule(slug=st.sampled_from(SLUGS))
    def create(self, slug: str) -> None:
        taken = any(element.slug == slug and not expected.deleted for element, expected in self.there.values())
        made = self._run(self._outcome(self.world.create(self.circle, slug, name=slug)))
        if taken:
            assert isinstance(made, SlugTaken)
        else:
            self.there[made.id] = (made, Expected(slug))

    @precondition(lambda self: self.there)
    @rule(which=st.data(), command=COMMANDS, meant=st.sampled_from(["any", "this", "one before"]))
    def act(self, which: st.DataObject, command: Command, meant: str) -> None:
        known, (element, expected) = self._draw(which)
        version = {"any": None, "this": expected.version, "one before": max(expected.version - 1, 1)}[meant]
        command = replace(command, version=version)
        after, refused = step(expected, command)
        assert type(self._run(self._does(element, expected, command))) is (refused or type(None))
        self.there[known] = (element, after)

    @precondition(lambda self: self.there)
    @rule(which=st.data(), commands=st.tuples(COMMANDS, COMMANDS))
    def race(self, which: st.DataObject, commands: tuple[Command, Command]) -> None:
        """Two at once end as if one had come after the other; a deploy is of the version it had seen."""
        known, (element, expected) = self._draw(which)
        seen = [replace(c, version=expected.version) if c.name == "deploy" else c for c in commands]
        ends = self._run(self._together([self._does(element, expected, command) for command in seen]))
        orders = [_in_order(expected, seen), _in_order(expected, seen[::-1])]
        assert any(ends in (list(refused), list(refused)[::-1]) for _, refused in orders)
        found = self._run(self._stored(element))
        after = [state for state, _ in orders if self._fits(found, state)]
        assert after, (found, orders)
        self.there[known] = (element, after[0])

    @precondition(lambda self: self.there)
    @rule(which=st.data(), confirm=st.booleans())
    def delete(self, which: st.DataObject, confirm: bool) -> None:
        known, (element, expected) = self._draw(which)
        end = self._run(self._outcome(self.world.do("delete", element, confirm=confirm)))
        after, refused = step(expected, Command("delete")) if confirm else (expected, None)
        assert isinstance(end, refused or (TriformError if not confirm else object))
        self.there[known] = (element, after)

    @precondition(lambda self: self.there)
    @rule(which=st.data(), begins=st.booleans())
    def run(self, which: st.DataObject, begins: bool) -> None:
        """A run binds its element until it has ended."""
        known, (element, expected) = self._draw(which)
        if expected.deleted:
            return
        if begins:
            self._run(self.world.start_run(element))
        else:
            self._run(self.database.execute("update runs set status = 'failed' where element_id = $1", element.id))
        self.there[known] = (element, replace(expected, runs=expected.runs + 1 if begins else 0))

    @invariant()
    def every_element_is_what_it_should_be(self) -> None:
        for element, expected in self.there.values():
            assert self._fits(self._run(self._stored(element)), expected), (element.slug, expected)

    @invariant()
    def the_circle_lists_its_living_elements(self) -> None:
        listed = self._run(self._children())
        assert listed == sorted(element.slug for element, expected in self.there.values() if not expected.deleted)

    @invariant()
    def whoever_is_told_of_nothing_knows_soon(self) -> None:
        self.world.clock.advance(FRESH_S + 0.1)
        for slug in SLUGS:
            there = [e for e in self.there.values() if e[0].slug == slug and not e[1].deleted]
            found = self._run(self._outcome(self.peer.by_slug(self.circle.id, slug)))
            assert isinstance(found, Element) is bool(there)
            assert not there or (found.id, found.state) == (there[0][0].id, there[0][1].state)

    def _draw(self, which: st.DataObject) -> tuple[UUID, tuple[Element, Expected]]:
        """The newest of each slug: a deleted one is of interest until there is another."""
        newest = {element.slug: known for known, (element, _) in self.there.items()}
        known = which.draw(st.sampled_from(sorted(newest.values())))
        return known, self.there[known]

    async def _does(self, element: Element, expected: Expected, command: Command) -> TriformError | None:
        end = await self._outcome(self._done(element, expected, command))
        return end if isinstance(end, TriformError) else None

    async def _done(self, element: Element, expected: Expected, command: Command) -> Any:
        given, version = command.given, command.version
        if command.name == "deploy":
            await self.world.deploy(element.evolve(version=version or expected.version), given)
        elif command.name == "update":
            spec = {"spec": {"source": {"code": given["code"]}}} if "code" in given else {}
            names = {"name": given["name"]} if "name" in given else {}
            await self.world.do("update", element, version, **names, **spec)
        else:
            meta = {"meta": {given: given}} if command.name == "update_meta" else {}
            await self.world.do(command.name, element, version, **meta)

    async def _stored(self, element: Element) -> Any:
        """What an operation and the tables say of it; None when it is gone."""
        try:
            told = (await self.world.do("version", element, history=True, limit=500)).value
        except NotFound:
            return None
        now = await self.world.store.find_by_id(self.database, self.circle.id, element.id)
        pins = await self.database.fetch(
            "select version, runtime_image from deployments where element_id = $1", element.id
        )
        return (
            now,
            [each["version"] for each in told["versions"]],
            {pin["version"]: pin["runtime_image"] for pin in pins},
        )

    def _fits(self, found: Any, expected: Expected) -> bool:
        if found is None or expected.deleted:
            return found is None and expected.deleted
        now, versions, pins = found
        return (
            (now.state, now.enabled_state, now.version) == (expected.state, expected.enabled, expected.version)
            and (now.name, now.spec["source"]["code"]) == (expected.name, expected.code)
            and tuple(sorted(now.meta)) == expected.meta
            and versions == list(range(expected.version, 0, -1))
            and pins == expected.pins
            and (expected.enabled != "deployed" or now.runtime_image == expected.pins[expected.version])
        )

    async def _children(self) -> list[str]:
        told = (await self.world.do("children", await self.world.root(self.circle))).value
        return [child["slug"] for child in told["children"]]

    async def _outcome(self, doing: Any) -> Any:
        try:
            return await doing
        except TriformError as refused:
            return refused

    async def _together(self, doing: list[Any]) -> list[Refused]:
        return [type(end) if end else None for end in await asyncio.gather(*doing)]

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)


def _in_order(expected: Expected, commands: list[Command]) -> tuple[Expected, tuple[Refused, ...]]:
    ends: list[Refused] = []
    for command in commands:
        expected, refused = step(expected, command)
        ends.append(refused)
    return expected, tuple(ends)


@pytest.mark.hypothesis
def test_elements_are_what_a_simple_model_says(database_dsn: str) -> None:
    Elements.dsn = database_dsn
    run_state_machine_as_test(
        Elements,
        settings=examples(20, stateful_step_count=20, suppress_health_check=list(HealthCheck)),
    )
