"""Reading user code without running it, in the sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harnesses.conftest import LANGUAGES, REPOSITORY
from tests.shipped import CATALOGUE
from triform.clock import SystemClock
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.interfaces import Driver
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.shelf import Policy
from triform.substrates.isolation.source_check import Code, Findings, SourceChecker

RUBY = LANGUAGES["ruby"]


@pytest.fixture(scope="module")
async def checker(driver: Driver, place: Path) -> AsyncIterator[SourceChecker]:
    images, clock = Images(REPOSITORY / ".triform" / "images"), SystemClock()
    await images.build(RUBY)
    pool = Pool(driver, clock, Policy(memory_mb=200))
    yield SourceChecker(LANGUAGES, images, CodeStore(place / "code"), pool, clock)
    await pool.stop()


async def look(checker: SourceChecker, source: str, handler: str = "handler") -> Findings:
    return await checker.look(Code(CATALOGUE.type("ruby"), RUBY, source), handler)


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("def handler(input)\n  {\nend\n", 3, 0, "end"),
        ("def handler(input", 1, 17, "end-of-input"),
        ("x = 1\nbreak\n", 2, 0, "break"),
        ("def handler(a, a); end", 1, 16, "duplicated argument name"),
        ("def handler(input)\n  Foo = 1\nend", 2, None, "dynamic constant"),
        ("# encoding: utf-16\n1", 1, 0, "UTF-16"),
        ("[" * 20_000, 1, None, "nesting too deep"),
    ],
)
async def test_what_does_not_parse_is_told_with_its_place(
    source: str, line: int, column: int | None, message: str, checker: SourceChecker
) -> None:
    first = (await look(checker, source)).errors[0]
    assert first.line == line
    assert column is None or first.column == column
    assert message in first.message


@pytest.mark.parametrize(
    ("source", "handler"),
    [
        ("def handler(input) = 1", "handler"),
        ("private def handler(input)\nend", "handler"),
        ("if true\n  def handler(input)\n  end\nend", "handler"),
        ("alias handler puts", "handler"),
        ("module A\n  def self.b(i) = 1\nend", "A.b"),
        ("module A\n  module_function\n\n  def b(i) = 1\nend", "A.b"),
        ("module A\n  extend self\n\n  def b(i) = 1\nend", "A.b"),
        ("class A\n  class << self\n    def b(i) = 1\n  end\nend", "A.b"),
        ("module A\n  module B\n    def self.c(i) = 1\n  end\nend", "A::B.c"),
        ("module A::B\n  def self.c(i) = 1\nend", "A::B.c"),
        ("def A.b(i) = 1", "A.b"),
    ],
)
async def test_a_handler_in_plain_sight_is_found(source: str, handler: str, checker: SourceChecker) -> None:
    assert await look(checker, source, handler) == Findings()


@pytest.mark.parametrize(
    ("source", "handler"),
    [
        ("define_method(:handler) { |i| 1 }", "handler"),
        ("def self.method_missing(name, *) = 1", "handler"),
        ("include SomeModule", "handler"),
        ("eval 'def handler(i) = 1'", "handler"),
        ("A = Module.new { def self.b(i) = 1 }", "A.b"),
    ],
)
async def test_a_handler_that_may_be_made_later_is_a_warning(
    source: str, handler: str, checker: SourceChecker
) -> None:
    findings = await look(checker, source, handler)
    assert findings.handler_found
    assert "plain sight" in findings.warnings[0]


@pytest.mark.parametrize(
    ("source", "handler"),
    [
        ("", "handler"),
        ("def handle(input) = 1", "handler"),
        ("handler = ->(input) { 1 }", "handler"),
        ("class A\n  def handler(i) = 1\nend", "handler"),
        ("class A\n  include Comparable\n  def b(i) = 1\nend", "A.b"),
    ],
)
async def test_a_missing_handler_is_told(source: str, handler: str, checker: SourceChecker) -> None:
    findings = await look(checker, source, handler)
    assert not findings.handler_found
    assert f"no method {handler} is defined" in findings.warnings[0]


async def test_nothing_of_the_source_is_executed(checker: SourceChecker) -> None:
    source = "BEGIN { exit!(1) }\nexit!(1)\nEND { exit!(1) }\nraise 'ran'\ndef handler(input) = 1\n"
    assert (await look(checker, source)).handler_found


async def test_equal_code_is_looked_at_once(checker: SourceChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await look(checker, "def handler(input) = 42")

    async def never(*arguments: Any) -> Findings:
        raise AssertionError("looked again")

    monkeypatch.setattr(checker, "_run", never)
    assert await look(checker, "def handler(input) = 42") is first
