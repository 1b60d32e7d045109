"""A mistake in a definition fails the load, with file and line, together with all others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from triform.chemistry.catalogue import load
from triform.chemistry.complaints import DefinitionsRefused

Complain = Callable[..., list[str]]

OPS = """\
ops:
  spin:
    verb: POST
    path: spin
    level: execute
    summary: Spin.
    description: Spins.
    output: {}
"""

WHO = "symbol: To\ncolour: '#00AA00'\ntitle: Top\none_line: Spins.\n"

MISTAKES = {
    "an unknown key": (
        {"toys/top/runtime.yaml": "hoks:\n  before: []\n"},
        "toys/top/runtime.yaml:1: hoks is not a known field; did you mean hooks?",
    ),
    "an unknown level": (
        {"toys/top/ops.yaml": OPS.replace("execute", "root")},
        "toys/top/ops.yaml:5: ops/spin/level must be one of none, read, execute, write, admin",
    ),
    "an unknown verb": (
        {"toys/top/ops.yaml": OPS.replace("POST", "FETCH")},
        "toys/top/ops.yaml:3: ops/spin/verb must be one of GET, POST, PUT, PATCH, DELETE",
    ),
    "a missing field": (
        {"toys/top/ops.yaml": OPS.replace("    level: execute\n", "")},
        "toys/top/ops.yaml:2: ops.spin.level is missing",
    ),
    "missing docs": ({"toys/top/docs.yaml": None}, "toys/top: guide is missing"),
    "an undocumented property": (
        {"toys/top/properties.yaml": "properties:\n  speed: {type: integer}\n"},
        "toys/top/properties.yaml:2: properties.speed.description is missing",
    ),
    "an undocumented nested property": (
        {
            "toys/top/properties.yaml": "properties:\n  speed:\n    type: integer\n    description: Turns.\n  a:\n"
            "    type: object\n    description: A.\n    properties:\n      b: {type: string}\n"
        },
        "toys/top/properties.yaml:9: properties.a.properties.b has no description",
    ),
    "an undocumented argument": (
        {"toys/top/ops.yaml": OPS + "    input:\n      properties:\n        turns: {type: integer}\n"},
        "toys/top/ops.yaml:11: ops.spin.input.properties.turns has no description",
    ),
    "two ops on one path": (
        {"toys/top/ops.yaml": OPS.replace("path: spin", "path: play")},
        "toys/top/ops.yaml:4: ops 'play' and 'spin' share the path 'play'",
    ),
    "two ops whose paths differ only in an argument's name": (
        {
            "toys/top/ops.yaml": OPS.replace("path: spin", "path: runs/{id}")
            + "    input:\n      properties:\n        id: {type: string, description: Which.}\n"
        },
        "toys/top/ops.yaml:4: ops 'run_get' and 'spin' share the path 'runs/{id}'",
    ),
    "a path argument that is no input": (
        {"toys/top/ops.yaml": OPS.replace("path: spin", "path: spin/{turn_id}")},
        "toys/top/ops.yaml:4: op 'spin': path argument 'turn_id' is not in its input",
    ),
    "a metric of an unknown op": (
        {
            "toys/top/observability.yaml": "metrics:\n  spins:\n    kind: counter\n    measures: count\n"
            "    unit: runs\n    operations: [fly]\n    description: Spins.\n"
        },
        "toys/top/observability.yaml:6: metric 'spins': unknown op 'fly'",
    ),
    "a price of an unknown op": (
        {"toys/top/pricing.yaml": "pricing:\n  fly: [{dimension: per_second, amount_micro_au: 1}]\n"},
        "toys/top/pricing.yaml:2: price of unknown op 'fly'",
    ),
    "a fractional price": (
        {"toys/top/pricing.yaml": "pricing:\n  play: [{dimension: per_second, amount_micro_au: 0.5}]\n"},
        "toys/top/pricing.yaml:2: pricing/play/0/amount_micro_au must be an integer",
    ),
    "an unknown error code of an op": (
        {"toys/top/ops.yaml": OPS + "    errors:\n      - NOT_FOUND\n      - TOP_FELL\n"},
        "toys/top/ops.yaml:11: op 'spin': unknown error code TOP_FELL",
    ),
    "an unknown error code of an end cause": (
        {"toys/top/runtime.yaml": "end_causes:\n  timeout: TOP_TIMEOUT\n"},
        "toys/top/runtime.yaml:2: end cause 'timeout': unknown error code TOP_TIMEOUT",
    ),
    "an unknown end cause": (
        {"toys/top/runtime.yaml": "end_causes:\n  boredom: NOT_FOUND\n"},
        "toys/top/runtime.yaml:2: unknown end cause 'boredom'",
    ),
    "an end cause without a code": (
        {"toys/top/runtime.yaml": "language: toy\nend_causes:\n  timeout: NOT_FOUND\n"},
        "toys/top/runtime.yaml:2: end cause 'oom' has no error code",
    ),
    "an unknown limit": (
        {"toys/top/runtime.yaml": "limits:\n  patience: /speed\n"},
        "toys/top/runtime.yaml:2: unknown limit 'patience'",
    ),
    "a limit that points nowhere": (
        {"toys/top/runtime.yaml": "limits:\n  timeout_ms: /speed/limit\n"},
        "toys/top/runtime.yaml:2: limit 'timeout_ms' points to /speed/limit, which no property declares",
    ),
    "a rule that does not parse": (
        {
            "toys/top/validation.yaml": "rules:\n  fast:\n    fails_unless: speed >\n    severity: error\n"
            "    message: too slow\n    pointer: /speed\n"
        },
        "toys/top/validation.yaml:3: rule 'fast': CEL 1:8: Syntax error",
    ),
    "a rule over an unknown property": (
        {
            "toys/top/validation.yaml": "rules:\n  fast:\n    when: colour == 'red'\n    fails_unless: speed > 1\n"
            "    severity: error\n    message: too slow\n    pointer: /speed\n"
        },
        "toys/top/validation.yaml:3: rule 'fast': CEL 1:1: undeclared reference to 'colour'",
    ),
    "a rule that answers no truth value": (
        {
            "toys/top/validation.yaml": "rules:\n  fast:\n    fails_unless: \"'yes'\"\n    severity: error\n"
            "    message: too slow\n    pointer: /speed\n"
        },
        "toys/top/validation.yaml:3: rule 'fast': CEL answers STRING, not a truth value",
    ),
    "a schema with a wrong keyword": (
        {"toys/top/properties.yaml": "properties:\n  speed: {type: integr, description: Turns.}\n"},
        "toys/top/properties.yaml:2: property 'speed' is not a JSON Schema: /type",
    ),
    "a schema that would fetch something": (
        {"toys/top/properties.yaml": "properties:\n  speed: {$ref: 'http://x.y/z', description: T.}\n"},
        "toys/top/properties.yaml:2: property 'speed' is not a JSON Schema: Resource 'http://x.y/z'",
    ),
    "a pattern that could backtrack": (
        {"toys/top/properties.yaml": "properties:\n  speed: {pattern: '(?=a)', description: Turns.}\n"},
        "toys/top/properties.yaml:2: property 'speed' is not a JSON Schema: /pattern",
    ),
    "a default that does not fit": (
        {
            "toys/top/properties.yaml": "properties:\n  speed:\n    type: integer\n    default: fast\n"
            "    description: Turns.\n"
        },
        "toys/top/properties.yaml:4: default of 'speed' must be an integer",
    ),
    "a property no rule could name": (
        {"toys/top/properties.yaml": "properties:\n  speed: {description: A.}\n  for: {description: Whom.}\n"},
        "toys/top/properties.yaml:3: property 'for' cannot be a variable in a rule",
    ),
    "an example the type would refuse": (
        {
            "toys/top/examples/spin.yaml": "title: Spin\ndescription: Spins.\nspec:\n  speed: fast\ncalls:\n"
            "  - operation: play\n"
        },
        "toys/top/examples/spin.yaml:4: example spec: /speed must be an integer",
    ),
    "an example with input the op would refuse": (
        {
            "toys/top/examples/spin.yaml": "title: Spin\ndescription: Spins.\nspec: {}\ncalls:\n"
            "  - operation: play\n    input: {times: 0}\n"
        },
        "toys/top/examples/spin.yaml:5: example input: /times must be at least 1",
    ),
    "an example of an unknown op": (
        {
            "toys/top/examples/spin.yaml": "title: Spin\ndescription: Spins.\nspec: {}\ncalls:\n"
            "  - operation: fly\n"
        },
        "toys/top/examples/spin.yaml:5: example calls unknown op 'fly'",
    ),
    "no example": ({"toys/top/examples/spin.yaml": None}, "toys/top: a type with properties needs at least one"),
    "a folder of another name": (
        {"toys/top/definition.yaml": "type: spinner\n" + WHO},
        "toys/top/definition.yaml:1: type is 'spinner' but its folder is 'top'",
    ),
    "a file of an unknown name": (
        {"toys/top/op.yaml": "ops: {}\n"},
        "toys/top/op.yaml: is not a definition file",
    ),
    "a second tenant": (
        {"toys/top/definition.yaml": "tenant: true\n" + WHO},
        "toys/top/definition.yaml:1: exactly one type is the tenant",
    ),
    "an error of another class than elsewhere": (
        {"toys/top/errors.yaml": "errors:\n  NOT_FOUND: {class: internal}\n"},
        "toys/top/errors.yaml:2: NOT_FOUND has class internal here and not_found elsewhere",
    ),
    "an event at no moment": (
        {
            "toys/top/observability.yaml": "events:\n  top.bored:\n    moment: bored\n    operations: [play]\n"
            "    description: Bored.\n"
        },
        "toys/top/observability.yaml:3: event 'top.bored': moment 'bored'",
    ),
    "a metric of nothing": (
        {
            "toys/top/observability.yaml": "metrics:\n  top_fun:\n    kind: gauge\n    measures: fun"
            "\n    unit: f\n    description: Fun.\n"
        },
        "toys/top/observability.yaml:4: metric 'top_fun' measures 'fun'",
    ),
    "root definitions of its own": ({"errors.yaml": "errors: {}\n"}, "errors.yaml: only the shipped definitions"),
    "a shipped category described again": (
        {"actions/pricing.yaml": "pricing:\n  invoke: []\n", "actions/x/definition.yaml": "symbol: X\n"},
        "actions: category 'actions' is already described in",
    ),
    "a shipped type defined again": (
        {"toys/ruby/definition.yaml": "symbol: X\n"},
        "toys/ruby: type 'ruby' is already defined in",
    ),
    "a reserved name": ({"toys/events/definition.yaml": "symbol: X\n"}, "type 'events' is a reserved name"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_file_and_line(complaints: Complain, name: str) -> None:
    changes, wanted = MISTAKES[name]
    found = complaints(changes)
    assert any(wanted in complaint for complaint in found), found


def test_the_toy_itself_has_no_mistake(complaints: Complain) -> None:
    assert complaints({}) == []


def test_all_mistakes_are_told_at_once(complaints: Complain) -> None:
    found = complaints(
        {
            "toys/top/ops.yaml": OPS.replace("execute", "root") + "    colour: red\n",
            "toys/top/validation.yaml": "rules:\n  fast:\n    fails_unless: speed >\n    severity: grave\n"
            "    message: slow\n    pointer: /speed\n",
            "toys/top/pricing.yaml": "pricing:\n  fly: []\n",
            "toys/pricing.yaml": "pricing: [\n",
            "toys/top/examples/spin.yaml": "title: Spin\n",
        }
    )
    parts = [
        "level must be",
        "colour is not a known",
        "severity must be",
        "unknown op 'fly'",
        "toys/pricing.yaml:",
    ]
    for part in [*parts, "spec is required"]:
        assert any(part in complaint for complaint in found), (part, found)


def test_every_complaint_names_its_file(complaints: Complain) -> None:
    found = complaints({"toys/top/ops.yaml": OPS.replace("execute", "root"), "toys/top/docs.yaml": None})
    assert all(complaint.startswith("toys/") for complaint in found)


REST = {"record_metrics", "emit_traces", "log_error", "record_error_metric"}


def test_hooks_are_held_against_those_the_executor_has(complaints: Complain) -> None:
    changes = {"toys/top/runtime.yaml": "hooks:\n  before:\n    - check_gravity\n"}
    known = REST | {"validate_source", "require_deployed"}
    found = complaints(changes, known_hooks=known)
    assert len(found) == 1
    assert found[0].startswith("toys/top/runtime.yaml:3: unknown hook 'check_gravity' in before; known are")


def test_the_same_mistake_at_the_root_is_told_once_not_per_type(complaints: Complain) -> None:
    found = complaints({}, known_hooks=REST | {"require_deployed"})
    assert len(found) == 1
    assert "validate_source" in found[0]


def test_a_folder_that_is_not_there_is_a_complaint_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(DefinitionsRefused, match="cannot be read"):
        load([tmp_path / "absent"])
