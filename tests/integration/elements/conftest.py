"""A circle with operations to call, as the executor would call them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.shipped import CATALOGUE
from triform.chemistry.catalogue import Catalogue
from triform.chemistry.element_type import ElementType
from triform.circles.model import Actor, Circle, Principal, Role
from triform.elements.cache import ElementCache
from triform.elements.circle_element import CircleElements
from triform.elements.deployments import Deployments
from triform.elements.graph.store import GraphStore
from triform.elements.model import Deployment, Element
from triform.elements.operations import ElementOperations
from triform.elements.source_check import CodeFile, SourceVerdict
from triform.elements.store import ElementStore
from triform.ids import Ids
from triform.reply import Reply
from triform.runs.active import ActiveRuns
from triform.runs.call import Call
from triform.source.layout import Layout
from triform.source.repositories import Repositories
from triform.storage.database import Database, Transaction
from triform.testing.clock import FakeClock
from triform.testing.secrets import masks_of_tests

CODE = "def handler(input)\n  input\nend\n"


@cache
def catalogue() -> Catalogue:
    return CATALOGUE


@dataclass
class SourceReader:
    """Says what the test tells it to, and remembers what it was asked."""

    verdict: SourceVerdict = field(default_factory=SourceVerdict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    async def check(
        self, element_type: ElementType, spec: Mapping[str, Any], file: CodeFile | None = None
    ) -> SourceVerdict:
        self.asked.append(spec)
        return self.verdict


class World:
    def __init__(self, database: Database, clock: FakeClock, ids: Ids, folder: Path) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self.catalogue = catalogue()
        self.store = ElementStore()
        self.cache = ElementCache(database, self.store, clock)
        self.reader = SourceReader()
        self.secrets = masks_of_tests().secrets
        self.ada = Actor("user", "ada")
        self.deployments = Deployments(database, self.store, self.cache, ids, clock)
        self.repositories = Repositories(folder, Layout(self.catalogue, lambda kind: kind.language and "main.rb"))
        self.operations = ElementOperations(
            self.catalogue,
            self.store,
            self.repositories,
            self.reader,
            [ActiveRuns()],
            self.cache,
            GraphStore(),
            self.secrets,
            ids,
            clock,
        ).table()

    async def new_circle(self, name: str = "acme") -> Circle:
        circle = Circle(self.ids.new(), name, self.clock.now())
        async with self.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO circles (id, name, created_at) VALUES ($1, $2, $3)",
                circle.id,
                name,
                circle.created_at,
            )
            await CircleElements(self.catalogue, self.store, self.clock).create(tx, circle)
        return circle

    def call(
        self, element: Element, operation: str, given: Mapping[str, Any], if_match: int | None = None
    ) -> Call:
        element_type = self.catalogue.type(element.element_type)
        declared = element_type.operation(operation) or next(iter(element_type.operations.values()))
        circle = Circle(element.circle_id, element.circle_name, self.clock.now())
        return Call(
            principal=Principal(circle, UUID(int=1), self.ada, Role.admin, UUID(int=2), 1),
            element=element,
            type=element_type,
            operation=declared,
            input=dict(given),
            body=msgspec.json.encode(given),
            received_at=self.clock.now(),
            if_match=if_match,
        )

    async def do(self, operation: str, element: Element, /, if_match: int | None = None, **given: Any) -> Reply:
        """Runs an operation in a transaction of its own, committed."""
        call = self.call(element, operation, given, if_match)
        prepared = await self.prepare(operation, call)
        async with self.database.transaction() as tx:
            reply = await self.perform(operation, call, tx, prepared)
        for act in reply.after_commit:
            act()
        return reply

    async def prepare(self, operation: str, call: Call) -> Any:
        prepare = getattr(self.operations[operation], "prepare", None)
        return await prepare(call) if prepare else None

    async def perform(self, operation: str, call: Call, tx: Transaction, prepared: Any) -> Reply:
        function = self.operations[operation]
        reply: Reply = await (function(call, tx, prepared) if hasattr(function, "prepare") else function(call, tx))
        return reply

    async def create(self, circle: Circle, slug: str = "greet", **given: Any) -> Element:
        """A Ruby element, made through its operation."""
        root = await self.cache.by_id(circle.id, circle.id)
        body = {"element_type": "ruby", "slug": slug, "spec": {"source": {"code": CODE}}, **given}
        await self.do("create", root, **body)
        return await self.cache.by_slug(circle.id, slug)

    async def root(self, circle: Circle) -> Element:
        return await self.cache.by_id(circle.id, circle.id)

    async def deploy(self, element: Element, image: str = "sha256:image") -> bool:
        """The deploy of the version that `element` has."""
        pinned = Deployment(element.version, self.ids.new(), image, None, None, self.clock.now())
        return await self.deployments.record(element, pinned, self.ada)

    async def start_run(self, element: Element, status: str = "running") -> UUID:
        run_id = self.ids.new()
        await self.database.execute(
            """INSERT INTO runs (run_id, circle_id, circle, element_id, element, element_version, env, operation,
                                 execution, status, trigger, actor_kind, actor_id, input_size, input_digest,
                                 attempts, attempt, created_at)
               VALUES ($1, $2, $3, $4, $5, 1, 'draft', 'invoke', true, $6, 'http', 'user', 'ada', 0, '',
                       '[]', 1, $7)
            """,
            run_id, element.circle_id, element.circle_name, element.id, element.slug, status, self.clock.now(),
        )  # fmt: skip
        return run_id


@pytest.fixture
async def world(database: Database, clock: FakeClock, ids: Ids, tmp_path: Path) -> World:
    return World(database, clock, ids, tmp_path)


@pytest.fixture
async def circle(world: World) -> Circle:
    return await world.new_circle()
