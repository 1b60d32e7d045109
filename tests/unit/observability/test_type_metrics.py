"""What finished runs do to the metrics that chemistry names."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from triform.chemistry.catalogue import Catalogue, load
from triform.circles.model import Actor
from triform.executor.hooks import HOOKS
from triform.executor.metrics import TypeMetrics
from triform.runs.model import Attempt, Run, Status, Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = UUID(int=7)
WARM = Usage(duration_ms=3.0, memory_peak_mb=12.5)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(known_hooks=HOOKS.keys())


@pytest.fixture
def metrics(catalogue: Catalogue) -> TypeMetrics:
    return TypeMetrics(catalogue)


def _run(status: Status = Status.completed, usage: Usage = WARM, operation: str = "invoke") -> Run:
    return Run(
        run_id=NOBODY, circle_id=NOBODY, circle="acme", element_id=NOBODY, element="greet", element_version=1,
        env="draft", operation=operation, execution=True, status=status, trigger="http",
        actor=Actor("user", "ada"), input=b"{}", input_size=2, input_digest=b"", created_at=NOW, usage=usage,
        attempts=(Attempt(number=1, started_at=NOW),),
    )  # fmt: skip


def _take(metrics: TypeMetrics, run: Run) -> None:
    """As the hooks of the type do."""
    if run.status is Status.failed:
        metrics.failed("ruby", run)
    metrics.observe("ruby", run)


def _shown(metrics: TypeMetrics) -> Mapping[str, Any]:
    """Values by sample name, or by status."""
    return {
        each.labels.get("status", each.name): each.value
        for metric in metrics.shown()
        for each in metric.samples
        if "le" not in each.labels
    }


def test_runs_are_counted_by_status(metrics: TypeMetrics) -> None:
    for status in (Status.completed, Status.completed, Status.failed, Status.cancelled):
        _take(metrics, _run(status))
    shown = _shown(metrics)
    assert (shown["completed"], shown["failed"], shown["cancelled"]) == (2, 1, 1)
    assert (shown["ruby_duration_ms_count"], shown["ruby_duration_ms_sum"]) == (4, 12.0)
    assert shown["ruby_memory_used_mb_sum"] == 50.0


def test_a_warm_start_is_no_cold_start_of_no_length(metrics: TypeMetrics) -> None:
    _take(metrics, _run())
    _take(metrics, _run(usage=msgspec.structs.replace(WARM, cold_start_ms=90.0)))
    shown = _shown(metrics)
    assert (shown["ruby_cold_start_ms_count"], shown["ruby_cold_start_ms_sum"]) == (1, 90.0)


def test_the_error_rate_is_that_of_the_last_thousand(metrics: TypeMetrics) -> None:
    assert _shown(metrics)["ruby_error_rate"] == 0
    for _ in range(4):
        _take(metrics, _run(Status.failed))
    assert _shown(metrics)["ruby_error_rate"] == 1
    for _ in range(998):
        _take(metrics, _run())
    assert _shown(metrics)["ruby_error_rate"] == 2 / 1000


def test_a_cancelled_run_is_no_error_and_no_success(metrics: TypeMetrics) -> None:
    _take(metrics, _run(Status.failed))
    _take(metrics, _run(Status.cancelled))
    assert _shown(metrics)["ruby_error_rate"] == 1


def test_a_run_that_never_began_has_no_duration(metrics: TypeMetrics) -> None:
    _take(metrics, _run(Status.failed).evolve(attempts=()))
    shown = _shown(metrics)
    assert (shown["failed"], shown["ruby_duration_ms_count"]) == (1, 0)


def test_a_deploy_is_no_invocation(metrics: TypeMetrics) -> None:
    _take(metrics, _run(Status.failed, operation="deploy"))
    shown = _shown(metrics)
    assert "failed" not in shown
    assert (shown["ruby_duration_ms_count"], shown["ruby_error_rate"]) == (0, 0)


def test_a_metric_that_types_share_is_one(catalogue: Catalogue) -> None:
    twins = {**catalogue.types, "twin": catalogue.types["ruby"]}
    metrics = TypeMetrics(replace(catalogue, types=twins))
    _take(metrics, _run())
    metrics.observe("twin", _run())
    assert _shown(metrics)["completed"] == 2
    assert len({metric.name for metric in metrics.shown()}) == len(list(metrics.shown()))
