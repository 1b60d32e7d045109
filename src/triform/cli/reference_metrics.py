"""The reference page of everything on /metrics, from the tables the code itself fills."""

from triform.chemistry.catalogue import Catalogue, load
from triform.executor.hooks import HOOKS
from triform.observability.platform_metrics import PLATFORM

_HEAD = """
# Metrics

What `/metrics` shows, in the Prometheus text format. [How to read it](../how-to/observe.md). Labels take their
values from small closed sets; nothing of a tenant is ever among them.

## The platform

| metric | kind | labels | meaning |
|---|---|---|---|"""

_OF_TYPES = """
## Element types

Named by the definitions of the types; runs of all circles together.

| metric | kind | unit | type | meaning |
|---|---|---|---|---|"""

_PROCESS = """
## The process

Under the names that Prometheus clients share: `process_cpu_seconds_total`, `process_resident_memory_bytes`,
`process_virtual_memory_bytes`, `process_start_time_seconds`, `process_open_fds`, `process_max_fds`. They are
those of the server alone, without its sandboxes and its Postgres.
"""


def metrics_page() -> str:
    """One row per metric."""
    catalogue = load(known_hooks=HOOKS.keys())
    return "\n".join([_HEAD, *_of_platform(), _OF_TYPES, *_of_types(catalogue), _PROCESS])


def _of_platform() -> list[str]:
    return [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.description} |"
        for one in PLATFORM
    ]


def _of_types(catalogue: Catalogue) -> list[str]:
    return [
        f"| `{metric.name}` | {metric.kind} | {metric.unit} | {kind.title} | {metric.description} |"
        for kind in catalogue.types.values()
        for metric in kind.metrics
    ]
