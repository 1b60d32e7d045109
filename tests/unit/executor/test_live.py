"""Which runs this process carries."""

from datetime import UTC, datetime
from uuid import UUID

from triform.circles.model import Actor
from triform.executor.live import LiveRun, LiveRuns
from triform.runs.logs import LogBook
from triform.runs.model import Run, Status
from triform.testing.clock import FakeClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = UUID(int=1)
RUN = Run(
    run_id=ID, circle_id=ID, circle="acme", element_id=ID, element="greet", element_version=1, env="draft",
    operation="invoke", execution=True, status=Status.running, trigger="async", actor=Actor("user", "ada"),
    input=b"{}", input_size=2, input_digest=b"", trace_id="", created_at=NOW, idempotency_key=None,
)  # fmt: skip


def carried(attempt: int) -> LiveRun:
    return LiveRun(RUN, LogBook(FakeClock(NOW), 1000), attempt)


async def test_an_attempt_that_was_lost_does_not_take_the_next_one_with_it() -> None:
    """This node lost a run, got it back, and only then the lost attempt came to its end here."""
    runs = LiveRuns()
    lost, again = carried(1), carried(2)
    runs.add(lost)
    runs.add(again)
    runs.remove(lost, None)
    assert runs.get(ID) is again
    runs.remove(again, RUN)
    assert runs.get(ID) is None
    assert (lost.settled.cancelled(), again.settled.result()) == (True, RUN)
