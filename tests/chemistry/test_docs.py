"""The reference is what the definitions say, and says all of it."""

from pathlib import Path

import pytest

import triform
from triform.chemistry.catalogue import Catalogue
from triform.chemistry.docs import pages
from triform.chemistry.docs.__main__ import main, stale_pages

REFERENCE = Path(triform.__file__).parents[2] / "docs" / "reference"


def test_the_committed_pages_are_those_the_definitions_give(catalogue: Catalogue) -> None:
    stale = [str(path) for path in stale_pages(REFERENCE, pages(catalogue))]
    assert stale == [], "run: python -m triform.chemistry.docs"


def test_no_page_is_left_over_from_a_type_that_is_gone(catalogue: Catalogue) -> None:
    assert {path.stem for path in (REFERENCE / "types").glob("*.md")} == set(catalogue.types)


def test_everything_declared_is_in_the_reference(catalogue: Catalogue) -> None:
    text = pages(catalogue)
    assert [code for code in catalogue.errors if f"## {code}\n" not in text["errors.md"]] == []
    for element_type in catalogue.types.values():
        page = text[f"types/{element_type.name}.md"]
        names = [*element_type.operations, *(m.name for m in element_type.metrics)]
        names += [*(e.name for e in element_type.events), *(p.name for p in element_type.ports)]
        names += [*element_type.properties.document["properties"]]
        assert [name for name in names if f"`{name}`" not in page] == []
        assert [name for name in element_type.operations if f"## {name}\n" not in text["operations.md"]] == []


def test_links_between_pages_lead_to_pages(catalogue: Catalogue) -> None:
    text = pages(catalogue)
    assert all(f"types/{name}.md" in text for name in catalogue.types)
    assert "](types/ruby.md)" in text["operations.md"]


def test_writing_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert "written" in capsys.readouterr().out
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_page_is_told_and_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path)])
    (tmp_path / "errors.md").write_text("old")
    assert main([str(tmp_path), "--check"]) == 1
    assert "stale" in capsys.readouterr().out
    assert (tmp_path / "errors.md").read_text() == "old"
