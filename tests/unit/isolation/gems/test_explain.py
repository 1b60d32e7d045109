"""Bundler's explanations, told in a sentence, with what to change."""

import pytest

from tests.shipped import CATALOGUE
from triform.errors import Failure
from triform.substrates.isolation.gems import explain
from triform.substrates.isolation.gems.errors import Alternative, NotBuilt, SourceTrouble, Unresolved

RUBY = CATALOGUE.type("ruby")
CONFLICT = """Could not find compatible versions

Because every version of c depends on b < 1.2
  and b > 1, < 1.2 could not be found in rubygems repository https://rubygems.org/ or installed locally,
  every version of c requires b <= 1.
So, because Gemfile depends on b > 1
  and Gemfile depends on c = 1.0,
  version solving has failed."""


def told(error: Unresolved | SourceTrouble | NotBuilt, *entries: str) -> Failure:
    return explain.failure(explain.Asked(RUBY, entries), error)


def test_a_conflict_is_one_sentence() -> None:
    failure = told(Unresolved(6, CONFLICT), "b > 1", "c = 1.0")
    assert failure.message == (
        "Because every version of c depends on b < 1.2 and b > 1, < 1.2 is not in the gem source, "
        "every version of c requires b <= 1; and because the requirements ask for b > 1 and the requirements "
        "ask for c = 1.0, no choice of versions satisfies them all."
    )
    assert failure.code == "RUBY_GEM_INSTALL_FAILED"
    assert failure.retryable is False
    assert failure.facts["bundler"]["status"] == 6
    assert failure.suggestion
    assert failure.suggestion.patch is None


@pytest.mark.parametrize(
    ("version", "entry"), [("7.1.3", "b ~> 7.1"), ("1.0", "b ~> 1.0"), ("2.0.pre", "b ~> 2.0.pre")]
)
def test_the_way_out_replaces_the_entry_that_stands_in_the_way(version: str, entry: str) -> None:
    failure = told(Unresolved(6, CONFLICT, [Alternative("b", version)]), "c = 1.0", "b > 1")
    assert failure.suggestion
    assert failure.suggestion.patch == ({"op": "replace", "path": "/source/requirements/1", "value": entry},)


def test_a_gem_or_version_that_is_not_there_is_named() -> None:
    absent = "Could not find gem 'a' in rubygems repository https://rubygems.org/ or installed locally.\n"
    assert told(Unresolved(7, absent), "a").message == "There is no gem a in the gem source."
    versions = (
        "Could not find gem 'a (>= 5)' in x.\n\nThe source contains the following gems matching 'a':\n  * a-1.0"
    )
    assert told(Unresolved(7, versions), "a >= 5").message == "No version of a is >= 5; the gem source has 1.0."


@pytest.mark.parametrize("passing", [True, False])
def test_only_a_network_that_failed_is_worth_another_try(passing: bool) -> None:
    assert told(SourceTrouble("away", "wait", passing=passing), "a").retryable is passing


@pytest.mark.parametrize(
    ("text", "header", "package"),
    [
        ("checking for libpq-fe.h... no\n", "libpq-fe.h", "libpq-dev"),
        ("x.c:1:10: fatal error: sqlite3.h: No such file or directory\n", "sqlite3.h", "libsqlite3-dev"),
        ("checking for zlib.h... yes\nchecking for own/strange.h... no\n", "own/strange.h", None),
    ],
)
def test_a_missing_header_is_named_with_its_package(text: str, header: str, package: str | None) -> None:
    end = "An error occurred while installing pg (1.5.6), and Bundler cannot continue.\n"
    message = told(NotBuilt(text + end), "pg").message
    assert message.startswith(f"pg 1.5.6 could not be compiled: the C header {header} is missing")
    assert ("which Debian has in" in message) is (package is not None)
    assert package is None or package in message


def test_what_ended_a_build_from_outside_is_said() -> None:
    assert "memory" in told(NotBuilt("", "oom"), "a").message
    assert "longer" in told(NotBuilt("", "timeout"), "a").message
