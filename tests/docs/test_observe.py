"""The page about observing, tried against an instance that has a collector."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.docs.pages import DOCS, commands, run
from tests.integration.observability.collector import Collector, attributes, collecting
from tests.integration.observability.reading import Read
from triform.cli.client import DEFAULT_URL
from triform.cli.server import Server, start
from triform.cli.terminal import Terminal
from triform.observability.platform_metrics import PLATFORM

PREPARED = "triform login --circle observers\ntriform new ruby greet\ntriform deploy greet\ntriform invoke greet\n"


@dataclass(frozen=True)
class Observed:
    server: Server
    collector: Collector


@pytest.fixture
def observed(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    data_dir = tmp_path_factory.mktemp("data")
    with collecting() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIFORM_DATA_DIR", str(data_dir))
        patch.setenv("TRIFORM_IMAGE_DIR", str(images))
        patch.setenv("TRIFORM_PORT", "0")
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        server = start(Terminal(json=True))
        try:
            yield Observed(server, collector)
        finally:
            server.stop()


def test_metrics_and_traces_are_what_the_page_says(observed: Observed, tmp_path: Path) -> None:
    script = PREPARED + commands(DOCS / "how-to/observe.md").replace(DEFAULT_URL, observed.server.url)
    done = run(script, tmp_path, TRIFORM_URL=observed.server.url)
    assert done.returncode == 0, done.stderr
    assert 'ruby_invocation_count{status="completed"} 1' in done.stdout
    assert "triform_database_up 1" in done.stdout
    page = Read(httpx2.get(f"{observed.server.url}/metrics", trust_env=False).text)
    assert {family.name for family in PLATFORM} <= page.names
    assert "pool" in page.by("triform_loop_failures_total", "loop")
    assert page.value("triform_pool_templates") >= 1
    assert page.value("triform_sandbox_events_total", event="leaked") == 0
    observed.server.stop()
    invoked = [span for span in observed.collector.named("ops.execute") if _operation(span) == "invoke"]
    waited, accepted, executed = sorted(invoked, key=lambda span: span.start_time_unix_nano)
    stages = {"commit.accept", "queue", "handler", "commit.end"}
    assert stages <= set(observed.collector.children(waited))
    assert attributes(observed.collector.children(waited)["handler"])["triform.isolation"] == "process"
    assert executed.links[0].span_id == accepted.span_id
    assert executed.trace_id.hex() in done.stdout
    assert b"Hello" not in b"".join(observed.collector.bodies)


def _operation(span: object) -> object:
    return attributes(span).get("triform.operation")
