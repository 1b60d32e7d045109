"""Requirements as people write them: what is taken, what is refused, and what is proposed instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.substrates.isolation.gems.requirements import BadRequirement, Requirement, read, read_one

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(\.(pre|rc|beta)[0-9]?)?", fullmatch=True)
OPERATORS = st.sampled_from(["~>", ">=", "<=", "!=", "=", ">", "<"])
CONSTRAINTS = st.lists(st.builds("{} {}".format, OPERATORS, VERSIONS), max_size=4)
ROOM = st.sampled_from(["", " ", "  "])


@pytest.mark.parametrize(
    ("entry", "name", "constraints"),
    [
        ("httparty ~> 0.21", "httparty", ("~> 0.21",)),
        ("sinatra~>3.0", "sinatra", ("~> 3.0",)),
        ("json>=2.6,<3.0", "json", (">= 2.6", "< 3.0")),
        ("rails >= 7, < 8", "rails", (">= 7", "< 8")),
        (" nokogiri ", "nokogiri", ()),
        ("net-http_x.y = 1.0.0.pre1", "net-http_x.y", ("= 1.0.0.pre1",)),
    ],
)
def test_what_bundler_takes_is_taken(entry: str, name: str, constraints: tuple[str, ...]) -> None:
    assert read_one(entry) == Requirement(name, constraints)


@pytest.mark.parametrize(
    ("entry", "instead"),
    [
        ('gem "rails", "~> 7.0", ">= 7.0.1"', "rails ~> 7.0, >= 7.0.1"),
        ("gem 'json'", "json"),
        ("rails==7.0", "rails = 7.0"),
        ("rails 7.0", "rails = 7.0"),
        ("rails@7.0.1", "rails = 7.0.1"),
        ("httparty:0.21", "httparty = 0.21"),
        ("rails ^7.0", "rails ~> 7.0"),
        ("json >", None),
        ("not a gem !", None),
        ("", None),
        ("123", None),
        ("-x", None),
        ("json ~> 1.0,", None),
        ("json git: https://example.com/x", None),
        ("json\n>= 1; system('id')", None),
        ('x#{system("id")}', None),
        ("a" * 201, None),
    ],
)
def test_what_is_no_requirement_is_refused_with_what_was_meant(entry: str, instead: str | None) -> None:
    with pytest.raises(BadRequirement) as refused:
        read_one(entry)
    assert refused.value.instead == instead


@given(NAMES, CONSTRAINTS, ROOM)
def test_every_way_to_set_spaces_says_the_same(name: str, constraints: list[str], room: str) -> None:
    spaced = f",{room}".join(each.replace(" ", room) for each in constraints)
    assert read_one(f"{name} {spaced}") == Requirement(name, tuple(constraints))


@given(NAMES, CONSTRAINTS)
def test_what_was_read_reads_as_itself(name: str, constraints: list[str]) -> None:
    requirement = Requirement(name, tuple(constraints))
    assert read_one(str(requirement)) == requirement


@examples(300)
@given(st.text(max_size=60) | st.text("ab1.~><=!, \"'\n#{}()^@-", max_size=40))
def test_whatever_is_taken_holds_nothing_but_words_operators_and_versions(entry: str) -> None:
    reading = read([entry])
    for proposed in reading.suggestion.patch or () if reading.suggestion else ():
        assert str(read_one(proposed["value"])) == proposed["value"]
    for requirement in reading.requirements:
        assert not set(str(requirement)) & set("\"'`\\#{}()[];$|&\n\r\0")


@given(st.lists(NAMES, min_size=2, max_size=8))
def test_a_gem_is_listed_once(names: list[str]) -> None:
    reading = read(names, "/source")
    assert [each.name for each in reading.requirements] == list(dict.fromkeys(names))
    assert len(reading.complaints) == len(names) - len(set(names))


def test_each_complaint_has_its_place_and_the_patch_mends_all_that_can_be_guessed() -> None:
    reading = read(["json", "rails==7.0", "json ~> 2", "rack 3.0", "json"], "/source")
    assert [each.pointer for each in reading.complaints] == [f"/source/requirements/{at}" for at in (1, 2, 3, 4)]
    assert reading.suggestion
    assert reading.suggestion.patch == (
        {"op": "replace", "path": "/source/requirements/1", "value": "rails = 7.0"},
        {"op": "replace", "path": "/source/requirements/3", "value": "rack = 3.0"},
        {"op": "remove", "path": "/source/requirements/4"},
        {"op": "remove", "path": "/source/requirements/2"},
    )
