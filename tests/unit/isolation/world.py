"""An isolation substrate over a scripted driver, and calls to put to it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tests.shipped import CATALOGUE
from tests.unit.isolation.scripted import ScriptedDriver, ScriptedInstance
from triform.clock import SystemClock
from triform.elements.code_source import CodeSource
from triform.elements.model import Deployment, Element, State
from triform.runs.call import Call
from triform.source.layout import Layout
from triform.source.repositories import Repositories
from triform.substrates.isolation.channel import control, parse_control
from triform.substrates.isolation.checkouts import Checkouts
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.deploy import Deploy
from triform.substrates.isolation.gems.bundles import Bundles
from triform.substrates.isolation.gems.folder import FolderSource
from triform.substrates.isolation.gems.store import BundleStore
from triform.substrates.isolation.gems.workshop import Workshop
from triform.substrates.isolation.guard import GuardedDriver
from triform.substrates.isolation.images import RuntimeImageMissing
from triform.substrates.isolation.interfaces import Frame
from triform.substrates.isolation.invoke import Invoke
from triform.substrates.isolation.languages import Language, read_languages
from triform.substrates.isolation.plan import Bounds, Planner
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.shelf import Policy
from triform.substrates.isolation.source_check import SourceChecker
from triform.substrates.isolation.substrate import IsolationSubstrate
from triform.testing.secrets import masks_of_tests

RUBY = CATALOGUE.type("ruby")
CODE = "def handler(input) = 1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FakeImages:
    """One image for everything, or none."""

    def __init__(self) -> None:
        self.missing = False

    def find(self, language: Language, pinned: str | None = None) -> Any:
        if self.missing:
            raise RuntimeImageMissing(f"no image for {language.name}")
        return SimpleNamespace(root=Path("/image"), digest=pinned or "sha256:newest")

    def find_builder(self, language: Language) -> Any:
        return self.find(language)

    async def build(self, language: Language, progress: Any) -> Any:
        return self.find(language)


class RecordedDeployments:
    def __init__(self) -> None:
        self.recorded: list[Deployment] = []

    async def ensure_free(self, element: Element, commit: str) -> None:
        """Nothing is promoted."""

    async def record(self, element: Element, deployment: Deployment, actor: Any, *, trace_id: str = "") -> bool:
        self.recorded.append(deployment)
        return True


class FetchedNothing:
    """No test of one process fetches; the acceptance tests do, from a real git server."""

    async def fetch(self, element: Element, source: CodeSource, *_: object) -> str:
        raise AssertionError(f"{element.slug} is no git source")


class AnsweringInstance(ScriptedInstance):
    """Answers an order with the next of `answers`."""

    def __init__(self, answers: list[list[Frame]]) -> None:
        super().__init__()
        self._answers = answers

    async def send(self, *frames: Frame) -> None:
        await super().send(*frames)
        orders = [
            said for frame in frames if frame.kind == "J" and (said := parse_control(frame))["type"] == "invoke"
        ]
        if self.script or not orders:
            return
        run = orders[0]["run"]
        self.script += [_for(run, frame) for frame in (self._answers.pop(0) if self._answers else answer(b"1"))]


def _for(run: str, frame: Frame) -> Frame:
    return Frame("J", frame.payload.replace(b"THIS RUN", run.encode())) if frame.kind == "J" else frame


def answer(output: bytes) -> list[Frame]:
    return [Frame("D", output), control("result", run="THIS RUN", bytes=len(output))]


@dataclass
class World:
    folder: Path
    driver: ScriptedDriver = field(default_factory=ScriptedDriver)
    images: FakeImages = field(default_factory=FakeImages)
    deployments: RecordedDeployments = field(default_factory=RecordedDeployments)
    fetching: FetchedNothing = field(default_factory=FetchedNothing)
    answers: list[list[Frame]] = field(default_factory=list)

    def __post_init__(self) -> None:
        languages, clock, code = read_languages(), SystemClock(), CodeStore(self.folder / "code")
        self.driver.make = lambda: AnsweringInstance(self.answers)
        self.guard = GuardedDriver(self.driver)
        self.pool = Pool(self.guard, clock, Policy(memory_mb=500, lag_s=0))
        store, source = BundleStore(self.folder / "bundles"), FolderSource(self.folder)
        self.repositories = Repositories(self.folder / "repositories", Layout(CATALOGUE, lambda _: "main.rb"))
        checkouts, masks = Checkouts(code, self.repositories), masks_of_tests()
        planner = Planner(languages, self.images, checkouts, Bounds(10_000, 6 << 20), clock, masks, store)
        gems = Bundles(store, self.images, source, Workshop(self.guard, clock), code, clock)
        self.checker = SourceChecker(languages, self.images, code, self.pool, clock)
        self.substrate = IsolationSubstrate(
            driver=self.guard,
            pool=self.pool,
            planner=planner,
            images=self.images,
            checker=self.checker,
            invoke=Invoke(planner, self.pool, clock, "scripted"),
            deploy=Deploy(
                planner,
                self.checker,
                self.pool,
                gems,
                self.fetching,
                self.deployments,
                clock,
                "scripted",
                timeout_ms=60_000,
            ),
        )


def make_call(operation: str = "invoke", value: Any = None, *, image: str | None = None, **spec: Any) -> Call:
    """A call on an element of its own; `spec` beside the source."""
    checked = RUBY.check_spec({"source": {"code": CODE}, **spec})
    element = Element(
        id=UUID(int=2),
        circle_id=UUID(int=1),
        circle_name="acme",
        parent_id=None,
        slug="greet",
        element_type="ruby",
        name="Greet",
        intention="",
        state=State.ready,
        enabled_state=State.ready,
        version=3,
        spec=checked.spec,
        meta={},
        created_at=NOW,
        updated_at=NOW,
        runtime_image=image,
    )
    declared = RUBY.operation(operation)
    assert declared is not None
    return Call(
        principal=SimpleNamespace(actor=None),  # type: ignore[arg-type]
        element=element,
        type=RUBY,
        operation=declared,
        input=value or {},
        body=json.dumps(value or {}).encode(),
        received_at=NOW,
    )
