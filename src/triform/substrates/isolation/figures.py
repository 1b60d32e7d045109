"""What the sandboxes of a node show of themselves on /metrics."""

from collections.abc import Iterator
from dataclasses import asdict

from prometheus_client import Metric

from triform.observability import platform_metrics as shown
from triform.substrates.isolation.guard import Counts
from triform.substrates.isolation.pool import Pool


def of_sandboxes(pool: Pool, counts: Counts) -> Iterator[Metric]:
    """What is held ready and at work, and what was made and became of it since the start."""
    held = pool.facts()
    yield shown.POOL_TEMPLATES.of(held["templates"])
    yield shown.POOL_SPARES.of(held["spares"])
    yield shown.POOL_LEASES.of(held["leases"])
    yield shown.POOL_MEMORY.of(held["memory_mb"])
    yield shown.POOL_MEMORY_LIMIT.of(pool.memory_limit_mb)
    yield shown.SANDBOXES.by({(event,): count for event, count in asdict(counts).items()})
