"""The page of one element type."""

from collections.abc import Iterator

from triform.chemistry.catalogue import ElementType, Operation
from triform.chemistry.docs.markdown import Row, as_json, block, bullets, code, deepened, section, table
from triform.chemistry.docs.properties import HEADER, property_rows
from triform.chemistry.model import Example, ExampleCall, Provenance


def type_page(element_type: ElementType) -> str:
    """Everything a user of the type may want to know."""
    docs = element_type.docs
    parts = (
        f"# {element_type.title}\n\n{element_type.one_line}\n\n{_facts(element_type)}",
        section("When to use it", bullets(docs.when_to_use)),
        section("When not to", bullets(docs.when_not_to_use)),
        section("Guide", deepened(docs.guide, 1)),
        section("Properties", table(HEADER, property_rows(element_type.properties.document))),
        section("Rules", _rules(element_type)),
        section("Ports", _ports(element_type)),
        section("Connections", _connections(element_type)),
        section("Examples", "".join(_example(example) for example in element_type.examples)),
        section("Common mistakes", "".join(section(title, text, 3) for title, text in docs.mistakes)),
        section("Capabilities", table(("capability", "meaning"), [(code(k), v) for k, v in docs.capabilities])),
        section("Operations", _operations(element_type)),
        section("Prices", _prices(element_type)),
        section("Lifecycle", _lifecycle(element_type)),
        section("Metrics", _metrics(element_type)),
        section("Events", _events(element_type)),
        section("Errors of its own", _errors(element_type)),
    )
    return "".join(parts)


def source_of(element_type: ElementType, provenance: Provenance) -> str:
    """Where something was declared, in words."""
    inherited = {"root": "every type has it", "category": f"inherited from {element_type.category}"}
    return inherited.get(provenance, "defined for this type")


def _facts(element_type: ElementType) -> str:
    facts = [
        ("type", code(element_type.name)),
        ("category", code(element_type.category)),
        ("form", element_type.form),
        ("symbol", f"{element_type.symbol} {code(element_type.colour)}"),
        ("runs on", element_type.substrate),
    ]
    return table(("", ""), facts)


def _rules(element_type: ElementType) -> str:
    rows: list[Row] = []
    for rule in element_type.rules.rules:
        when = code(rule.when.text) if rule.when else "always"
        rows.append((rule.severity, code(rule.pointer), rule.message, when, code(rule.fails_unless.text)))
    return table(("severity", "where", "says", "when", "fails unless"), rows)


def _ports(element_type: ElementType) -> str:
    rows = [
        (port.direction, code(port.name), port.kind, "yes" if port.required else "no", port.description)
        for port in element_type.ports
    ]
    return table(("direction", "port", "kind", "required", "description"), rows)


def _connections(element_type: ElementType) -> str:
    names = {"takes modifiers": element_type.attaches, "uses resources": element_type.uses}
    rows = [(what, ", ".join(map(code, sorted(listed)))) for what, listed in names.items() if listed]
    rows += [(f"refers to {relation}s in", code(place)) for relation, place in element_type.references.items()]
    if element_type.provides.environment:
        rows.append(("gives to what it is attached to", "an environment variable"))
    return table(("", ""), rows)


def _example(example: Example) -> str:
    spec = block("json", as_json(example.spec))
    calls = "".join(_call(call) for call in example.calls)
    return section(example.title, f"{example.description}\n\n{_sources(example)}{spec}{calls}", 3)


def _sources(example: Example) -> str:
    """Code inside the spec, shown with its line breaks."""
    texts = _long_texts(example.spec)
    return "".join(block("", text) for text in texts)


def _long_texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _long_texts(inner)


def _call(call: ExampleCall) -> str:
    asked = f"{code(call.operation)} with\n\n" + block("json", as_json(call.input))
    if call.error:
        return f"{asked}fails with {code(call.error)}.\n\n"
    return f"{asked}answers\n\n" + block("json", as_json(call.output))


def _operations(element_type: ElementType) -> str:
    rows = [_operation(element_type, operation) for operation in element_type.operations.values()]
    return table(("operation", "verb and path", "level", "what it does", "where from"), rows) + (
        "Arguments and answers are on the page of [operations](../operations.md).\n"
    )


def _operation(element_type: ElementType, operation: Operation) -> Row:
    address = code(f"{operation.verb} /ops/{operation.path}")
    source = source_of(element_type, operation.provenance)
    return code(operation.name), address, operation.level, operation.summary, source


def _prices(element_type: ElementType) -> str:
    rows = [
        (
            code(operation.name),
            price.dimension,
            f"{price.amount_micro_au:,} micro-AU",
            source_of(element_type, element_type.provenance.get(f"/pricing/{operation.name}", "element")),
        )
        for operation in element_type.operations.values()
        for price in operation.prices
    ]
    free = "Operations not named here are free.\n" if rows else "All operations are free.\n"
    return table(("operation", "dimension", "price", "where from"), rows) + free


def _lifecycle(element_type: ElementType) -> str:
    hooks = element_type.hooks
    moments = (("before", hooks.before), ("after", hooks.after), ("on error", hooks.on_error))
    rows = [(moment, ", ".join(code(name) for name in names)) for moment, names in moments if names]
    return table(("moment", "steps"), rows)


def _metrics(element_type: ElementType) -> str:
    rows = [(code(m.name), m.kind, m.unit, m.description) for m in element_type.metrics]
    return table(("metric", "kind", "unit", "description"), rows)


def _events(element_type: ElementType) -> str:
    rows = [(code(event.name), event.moment, event.description) for event in element_type.events]
    return table(("event", "when a run is", "description"), rows)


def _errors(element_type: ElementType) -> str:
    own = [error for error in element_type.errors.values() if error.provenance != "root"]
    rows = [(code(e.code), e.kind, "yes" if e.retryable else "no", e.description, e.suggestion.fix) for e in own]
    return table(("code", "class", "retryable", "description", "what to do"), rows)
