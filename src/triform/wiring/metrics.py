"""What /metrics shows, gathered from everything that has something to show."""

import platform
from collections.abc import Iterator

from prometheus_client import Metric

from triform import __version__
from triform.api.metrics import HttpFigures, MetricsDoor, of_process
from triform.executor import figures
from triform.executor.node import Node
from triform.observability import platform_metrics as shown
from triform.settings import Settings
from triform.wiring.parts import Machinery


def metrics_door(settings: Settings, machinery: Machinery, node: Node, answered: HttpFigures) -> MetricsDoor:
    """Open in dev mode, else behind the token of the settings."""
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    return MetricsDoor(
        sources=(
            lambda: _of_node(node),
            lambda: figures.of_house(node.house),
            lambda: figures.of_loops((*node.heartbeats, *machinery.heartbeats)),
            machinery.metrics,
            answered.shown,
            of_process,
        ),
        probes=(lambda: figures.of_database(node.house),),
        open=settings.dev_mode and settings.on_loopback,
        token=token,
    )


def _of_node(node: Node) -> Iterator[Metric]:
    yield shown.BUILD_INFO.by({(__version__, platform.python_version()): 1})
    yield shown.DRAINING.of(node.draining.is_set())
