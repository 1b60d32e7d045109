from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.executor.world import World, world
from triform.storage.database import Database

from .collector import Collector, collecting


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """One that answers, named in the environment as an operator would."""
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
async def acme(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, tmp_path) as running:
        yield running
        running.node.house.tracing.shutdown()
