"""What a handler is given, and what it may return."""

from typing import Any

import msgspec
import pytest

from tests.acceptance.client import Circle, refused, run_id_of
from tests.acceptance.snippets import snippets

SERIALISED: dict[str, Any] = {
    "nil": None,
    "[true, false]": [True, False],
    ":name": "name",
    "{ key: :value, 'text' => 1, 2 => 3, nil => 4 }": {"key": "value", "text": 1, "2": 3, "": 4},
    "2**80": 2**80,
    "1.5": 1.5,
    "-0.0": -0.0,
    "'Zażółć gęślą jaźń 🦊'": "Zażółć gęślą jaźń 🦊",
    '"nul \\0 and quote \\""': 'nul \0 and quote "',
    "'é'.encode('ISO-8859-1')": "é",
    "Time.at(0).utc": "1970-01-01T00:00:00Z",
    "Time.at(0, 250_000).utc": "1970-01-01T00:00:00.250000Z",
    "Time.new(2026, 7, 28, 9, 30, 0, '+02:00')": "2026-07-28T09:30:00+02:00",
    "require 'date'; Date.new(2026, 7, 28)": "2026-07-28",
    "require 'date'; DateTime.new(2026, 7, 28, 9)": "2026-07-28T09:00:00+00:00",
    "require 'set'; Set[1, 2]": [1, 2],
    "Struct.new(:a).new(Struct.new(:b).new(:c))": {"a": {"b": "c"}},
    "Data.define(:x, :y).new(x: 1, y: 2)": {"x": 1, "y": 2},
    "require 'ostruct'; OpenStruct.new(a: 1)": {"a": 1},
    "Class.new { def to_h = { own: 1 } }.new": {"own": 1},
    "Class.new { def to_json(*) = '{\"own\": [1]}' }.new": {"own": [1]},
    "[Class.new { def to_json(*) = '7' }.new, Class.new(Hash) { def to_json(*) = '8' }.new]": [7, 8],
    "{ 'deep' => { 'er' => [{ at: Time.at(0).utc }] } }": {"deep": {"er": [{"at": "1970-01-01T00:00:00Z"}]}},
}

UNSERIALISABLE = {
    "Float::NAN": ("$", "Float"),
    "[1, Float::INFINITY]": ("$[1]", "Float"),
    "Object.new": ("$", "Object"),
    "{ items: [1, { at: Object.new }] }": ("$.items[1].at", "Object"),
    "{ 'a key' => binding }": ('$["a key"]', "Binding"),
    "{ io: $stdout }": ("$.io", "IO"),
    '{ bytes: "\\xff".b }': ("$.bytes", "String"),
    "->(x) { x }": ("$", "Proc"),
    "Class.new { def self.name = 'Odd'; def to_json(*) = 'not json' }.new.then { |odd| [odd] }": ("$[0]", None),
}


async def test_the_input_has_string_keys_at_every_depth(circle: Circle) -> None:
    element = await circle.ruby(
        "def keys(value)\n"
        "  return value.flat_map { |item| keys(item) } if value.is_a?(Array)\n"
        "  value.is_a?(Hash) ? value.keys + keys(value.values) : []\n"
        "end\n"
        "def handler(input)\n"
        "  { classes: keys(input).map(&:class).map(&:name).tally, by_symbol: input[:a], by_string: input['a'] }\n"
        "end\n"
    )
    answer = await element.invoke({"a": {"b": 1}, "c": [1, {"d": {"e": 2}}]})
    assert answer.json() == {"classes": {"String": 5}, "by_symbol": None, "by_string": {"b": 1}}


@pytest.mark.parametrize("given", [None, 7, "text", [1, 2], True, 1.5, {}])
async def test_any_json_value_may_be_the_input_and_the_answer(circle: Circle, given: Any) -> None:
    element = await circle.ruby()
    answer = await element.post(
        "/ops/invoke", content=msgspec.json.encode(given), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()) == (200, given)


async def test_no_body_at_all_is_an_empty_object(circle: Circle) -> None:
    assert (await (await circle.ruby()).invoke()).json() == {}


async def test_integers_of_any_size_pass_through_exactly(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  input['n'] + 1\nend\n")
    assert (await element.invoke({"n": 10**30})).json() == 10**30 + 1


async def test_what_json_has_a_place_for_is_answered(circle: Circle) -> None:
    found = await (await snippets(circle)).values(SERIALISED)
    assert found == SERIALISED


async def test_what_json_has_no_place_for_fails_and_says_where_it_stands_and_what_it_is(circle: Circle) -> None:
    found = await (await snippets(circle)).failures(UNSERIALISABLE)
    for ruby, (path, kind) in UNSERIALISABLE.items():
        problem = found[ruby]
        assert (problem["code"], problem["status"]) == ("RUBY_EXECUTION_FAILED", 500), problem
        assert problem["exception"]["path"] == path, problem
        assert path in problem["detail"], problem
        assert kind is None or problem["exception"]["class"] == kind, problem


async def test_a_value_that_contains_itself_fails_instead_of_hanging(circle: Circle) -> None:
    answer = await (await snippets(circle)).run("a = []; a << a; a")
    problem = refused(answer, 500, "RUBY_EXECUTION_FAILED")
    assert "contain itself" in problem["detail"]


async def test_the_run_keeps_the_very_input_and_output(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  { got: input, sym: :x }\nend\n")
    run = await element.run(run_id_of(await element.invoke({"a": [1, None, "ü"]})))
    assert run["input"] == {"a": [1, None, "ü"]}
    assert run["output"] == {"got": {"a": [1, None, "ü"]}, "sym": "x"}


async def test_redefining_serialisation_in_core_classes_changes_nothing(circle: Circle) -> None:
    element = await circle.ruby(
        "class Integer; def to_s(*) = 'broken'; def to_json(*) = 'broken'; end\n"
        "class String; def to_json(*) = 'broken'; end\n"
        "class Hash; def each_pair = raise('no'); def to_json(*) = 'broken'; end\n"
        "class Array; def each = raise('no'); end\n"
        "def handler(input)\n  { n: 1, list: [1, 'a'] }\nend\n"
    )
    assert (await element.invoke({})).text == '{"n":1,"list":[1,"a"]}'
