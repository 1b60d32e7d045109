"""Ports have sound schemas; metrics, events and pointers into the spec speak of things that exist."""

from collections.abc import Iterator, Sequence

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved
from triform.chemistry.model import EVENT_MOMENTS, MEASURES
from triform.chemistry.schema import BadSchema, compile_schema


def check_contract(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    yield from _check_ports(resolved)
    yield from _check_metrics(resolved)
    yield from _check_events(resolved)
    yield from _check_pointers(resolved)


def _check_ports(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, port in resolved.section("ports").items():
        try:
            compile_schema(port.get("schema", {}), resolved.section("schemas"))
        except BadSchema as error:
            yield resolved.complaint(
                ("ports", name, "schema"), f"port {name!r}: schema is not a JSON Schema: {error}"
            )


def _check_pointers(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for relation, pointer in resolved.section("references").items():
        if pointer.split("/")[1] not in resolved.section("properties"):
            yield resolved.complaint(
                ("references", relation), f"reference {relation!r} points to {pointer}, which is not declared"
            )
    if (pointer := resolved.value.get("promoted", "")) and pointer.split("/")[1] not in resolved.section(
        "properties"
    ):
        yield resolved.complaint(("promoted",), f"promoted points to {pointer}, which is not declared")
    for kind, places in resolved.section("provides").items():
        for name, pointer in places.items():
            if pointer.split("/")[1] not in resolved.section("properties"):
                yield resolved.complaint(
                    ("provides", kind, name), f"{kind} {name} points to {pointer}, which is not declared"
                )


def _check_metrics(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, metric in resolved.section("metrics").items():
        if metric["measures"] not in MEASURES:
            yield resolved.complaint(
                ("metrics", name, "measures"),
                f"metric {name!r} measures {metric['measures']!r}; known are {', '.join(sorted(MEASURES))}",
            )
        yield from _check_operations(resolved, "metrics", name, metric.get("operations", ()))


def _check_events(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, event in resolved.section("events").items():
        if event["moment"] not in EVENT_MOMENTS:
            yield resolved.complaint(
                ("events", name, "moment"),
                f"event {name!r}: moment {event['moment']!r}; known are {', '.join(sorted(EVENT_MOMENTS))}",
            )
        yield from _check_operations(resolved, "events", name, event["operations"])


def _check_operations(
    resolved: Resolved, section: str, name: str, operations: Sequence[str]
) -> Iterator[DefinitionComplaint]:
    for index, operation in enumerate(operations):
        if operation not in resolved.section("ops"):
            yield resolved.complaint(
                (section, name, "operations", index), f"{section[:-1]} {name!r}: unknown op {operation!r}"
            )
