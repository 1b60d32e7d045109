"""Runs in the table, and the operations that read them."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.shipped import CATALOGUE
from triform.chemistry.catalogue import Catalogue
from triform.circles.model import Actor, Circle, Principal, Role
from triform.elements.circle_element import CircleElements
from triform.elements.model import Element, State
from triform.elements.store import ElementStore
from triform.ids import Ids
from triform.runs.call import Call
from triform.runs.failures import encode_failure
from triform.runs.logs import Line, LogBook
from triform.runs.model import Run, Status
from triform.runs.operations import RunOperations
from triform.runs.reading import RunReader
from triform.runs.rows import encode_attempts, encode_debits
from triform.storage.database import Database
from triform.testing.clock import FakeClock


@cache
def catalogue() -> Catalogue:
    return CATALOGUE


class Printing:
    """A run of this process and what it printed so far."""

    def __init__(self, book: LogBook) -> None:
        self.book = book


class World:
    def __init__(self, database: Database, clock: FakeClock, ids: Ids) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self.store = ElementStore()
        self.going: dict[UUID, Printing] = {}
        self.operations = RunOperations(RunReader(self.going), clock).table()

    async def new_circle(self, name: str = "acme") -> Circle:
        circle = Circle(self.ids.new(), name, self.clock.now())
        async with self.database.transaction() as tx:
            sql = "INSERT INTO circles (id, name, created_at) VALUES ($1, $2, $3)"
            await tx.execute(sql, circle.id, name, circle.created_at)
            await CircleElements(catalogue(), self.store, self.clock).create(tx, circle)
        return circle

    async def root(self, circle: Circle) -> Element:
        found = await self.store.find_by_id(self.database, circle.id, circle.id)
        assert found is not None
        return found

    async def new_element(self, circle: Circle, slug: str = "greet") -> Element:
        now = self.clock.now()
        element = Element(
            id=self.ids.new(), circle_id=circle.id, circle_name=circle.name, parent_id=circle.id, slug=slug,
            element_type="ruby", name=slug, intention="", state=State.ready, enabled_state=State.ready, version=1,
            spec={}, meta={}, created_at=now, updated_at=now,
        )  # fmt: skip
        async with self.database.transaction() as tx:
            await self.store.insert(tx, element)
        return element

    async def add(self, element: Element, lines: tuple[Line, ...] = (), **given: Any) -> Run:
        """A run of `element`, completed in 5 ms unless told otherwise, made now."""
        now: datetime = given.pop("created_at", self.clock.now())
        values: dict[str, Any] = {
            "run_id": self.ids.new(), "circle_id": element.circle_id, "circle": element.circle_name,
            "element_id": element.id, "element": element.slug, "element_version": 1, "env": "draft",
            "operation": "invoke", "execution": True, "status": Status.completed, "trigger": "http",
            "actor": Actor("user", "ada"), "input": b"{}", "input_size": 2, "input_digest": b"d", "output": b"1",
            "created_at": now, "started_at": now, "finished_at": now, **given,
        }  # fmt: skip
        run = Run(**values)
        await self._insert(run)
        if lines:
            await self.database.execute(
                "INSERT INTO run_logs (run_id, circle_id, element_id, lines) VALUES ($1, $2, $3, $4)",
                run.run_id, run.circle_id, run.element_id, msgspec.json.encode(lines),
            )  # fmt: skip
        return run

    async def _insert(self, run: Run) -> None:
        columns: Mapping[str, Any] = {
            "run_id": run.run_id, "circle_id": run.circle_id, "circle": run.circle, "element_id": run.element_id,
            "element": run.element, "element_version": run.element_version, "env": run.env,
            "operation": run.operation, "execution": run.execution, "status": run.status, "trigger": run.trigger,
            "actor_kind": run.actor.kind, "actor_id": run.actor.id, "input": run.input,
            "input_size": run.input_size, "input_digest": run.input_digest, "output": run.output,
            "error": encode_failure(run.failure), "error_code": run.failure.code if run.failure else None,
            "attempts": encode_attempts(run.attempts), "attempt": len(run.attempts),
            "next_attempt_at": run.next_attempt_at, "log_total": run.logs.total, "log_dropped": run.logs.dropped,
            "log_complete": run.logs.complete, "duration_ms": run.usage.duration_ms,
            "queue_ms": run.usage.queue_ms, "cold_start_ms": run.usage.cold_start_ms, "cpu_ms": run.usage.cpu_ms,
            "memory_peak_mb": run.usage.memory_peak_mb, "isolation": run.isolation,
            "cost_micro_au": run.cost_micro_au, "debits": encode_debits(run.debits), "trace_id": run.trace_id,
            "created_at": run.created_at, "started_at": run.started_at, "finished_at": run.finished_at,
            "idempotency_key": run.idempotency_key, "replay_of": run.replay_of, "batch": run.batch,
            "input_masked": run.input_masked,
        }  # fmt: skip
        places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await self.database.execute(
            f"INSERT INTO runs ({', '.join(columns)}) VALUES ({places})", *columns.values()
        )

    def print(self, run: Run, book: LogBook) -> None:
        """The run goes on in this process; `book` is what it printed."""
        self.going[run.run_id] = Printing(book)

    async def ask(self, asked: str, element: Element, /, **given: Any) -> Any:
        """The answer as a client decodes it."""
        element_type = catalogue().type(element.element_type)
        circle = Circle(element.circle_id, element.circle_name, self.clock.now())
        call = Call(
            principal=Principal(circle, UUID(int=1), Actor("user", "ada"), Role.viewer, UUID(int=2), 1),
            element=element,
            type=element_type,
            operation=next(iter(element_type.operations.values())),
            input=given,
            body=b"",
            received_at=self.clock.now(),
        )
        async with self.database.transaction() as tx:
            reply = await self.operations[asked](call, tx)
        return msgspec.json.decode(msgspec.json.encode(reply.value))


@pytest.fixture
async def world(database: Database, clock: FakeClock, ids: Ids) -> World:
    return World(database, clock, ids)


@pytest.fixture
async def circle(world: World) -> Circle:
    return await world.new_circle()


@pytest.fixture
async def element(world: World, circle: Circle) -> Element:
    return await world.new_element(circle)
