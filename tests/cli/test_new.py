"""`triform new` and `triform chemistry`: starters come from the definitions, for every type there is."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from tests.shipped import CATALOGUE
from triform.cli.declaration import read

CREATABLE = sorted(kind.name for kind in CATALOGUE.types.values() if not kind.tenant)


@pytest.mark.parametrize("name", CREATABLE)
def test_a_new_folder_declares_what_the_types_first_example_shows(
    triform: Triform, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "fresh"
    assert triform("new", name, "fresh", "--in", str(folder)).code == 0
    declared = read(folder)
    kind = CATALOGUE.type(name)
    example = kind.examples[0]
    assert (declared.element_type, declared.slug, declared.spec) == (name, "fresh", example.spec)
    assert kind.check_spec(declared.spec).valid
    assert json.loads((folder / "test.json").read_text()) == example.calls[0].input


@pytest.mark.parametrize("name", [name for name in CREATABLE if CATALOGUE.type(name).language])
def test_inline_code_lies_in_a_file_of_its_own(triform: Triform, tmp_path: Path, name: str) -> None:
    document = json.loads(triform("new", name, "fresh", "--in", str(tmp_path / "fresh"), "--json").out)
    source = next(file for file in document["files"] if file not in ("triform.yaml", "test.json"))
    assert CATALOGUE.type(name).examples[0].spec["source"]["code"] == (tmp_path / "fresh" / source).read_text()


def test_an_unknown_type_is_answered_with_the_known_ones(triform: Triform) -> None:
    ended = triform("new", "fortran", "fast")
    assert ended.code == 2
    assert f"FIX: one of: {', '.join(CREATABLE)}" in ended.err


def test_a_tenant_is_nothing_one_starts_from(triform: Triform) -> None:
    assert triform("new", CATALOGUE.tenant_type.name, "mine").code == 2


@pytest.mark.parametrize("slug", ["Greet", "1st", "a_b", "", "x" * 64])
def test_a_slug_that_is_none_is_wrong_usage(triform: Triform, tmp_path: Path, slug: str) -> None:
    assert triform("new", CREATABLE[0], slug, "--in", str(tmp_path / "x")).code == 2
    assert not (tmp_path / "x").exists()


def test_a_folder_in_use_is_left_alone(triform: Triform, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert triform("new", CREATABLE[0], "fresh", "--in", str(tmp_path)).code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_definitions_check_out(triform: Triform) -> None:
    assert json.loads(triform("chemistry", "check", "--json").out)["types"] == len(CATALOGUE.types)


def test_a_broken_definition_is_named_with_file_and_line(triform: Triform, tmp_path: Path) -> None:
    broken = tmp_path / "shapes" / "blob" / "definition.yaml"
    broken.parent.mkdir(parents=True)
    broken.write_text("title: Blob\nform: gas\n")
    ended = triform("chemistry", "check", str(tmp_path))
    assert ended.code == 1
    assert "blob/definition.yaml:" in ended.err
    assert "Traceback" not in ended.err


def test_every_type_can_be_listed_and_shown(triform: Triform) -> None:
    listed = json.loads(triform("chemistry", "list", "--json").out)["types"]
    assert {kind["name"] for kind in listed} == set(CATALOGUE.types)
    for name in CATALOGUE.types:
        shown = triform("chemistry", "show", name).out
        assert all(operation in shown for operation in CATALOGUE.type(name).operations)


def test_stale_reference_pages_are_found_and_written(triform: Triform, tmp_path: Path) -> None:
    assert triform("chemistry", "docs", "--into", str(tmp_path), "--check").code == 1
    assert triform("chemistry", "docs", "--into", str(tmp_path)).code == 0
    assert triform("chemistry", "docs", "--into", str(tmp_path), "--check").code == 0
