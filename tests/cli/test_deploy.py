"""`triform deploy`: the folder is what the element becomes."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told, problem
from triform.cli.declaration import read
from triform.cli.outcome import WrongUsage

ELEMENT = "/api/acme/greet"
DECLARED = """
element_type: unheard-of
slug: greet
name: Greet
spec:
  handler: handler
  source: {type: inline}
files:
  /source/code: main.txt
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "triform.yaml").write_text(DECLARED)
    (tmp_path / "main.txt").write_text("the code\n")
    return tmp_path


def element(**members: Any) -> dict[str, Any]:
    return {"slug": "greet", "element_type": "unheard-of", "version": 1, "spec": {}, "warnings": [], **members}


@pytest.fixture
def deploying(signed_in: Platform) -> Platform:
    signed_in.tell("POST", ELEMENT + "/ops/deploy", Told({"status": "deployed", "timings": {"total_ms": 12.0}}))
    return signed_in


SPEC = {"handler": "handler", "source": {"type": "inline", "code": "the code\n"}}


def test_a_new_element_is_created_with_its_file_in_the_spec_and_deployed(
    deploying: Platform, triform: Triform, folder: Path
) -> None:
    deploying.tell("POST", "/api/acme/", Told(element(), 201))
    ended = triform("deploy", str(folder))
    assert ended.code == 0
    assert "greet version 1 (created) is deployed" in ended.out
    body = deploying.to("/api/acme/")[0].body
    assert body == {"element_type": "unheard-of", "slug": "greet", "name": "Greet", "spec": SPEC}
    assert len(deploying.to(ELEMENT + "/ops/deploy")) == 1


def test_a_changed_element_is_replaced_unless_somebody_else_changed_it(
    deploying: Platform, triform: Triform, folder: Path
) -> None:
    deploying.tell("GET", ELEMENT, Told(element(version=4)))
    deploying.tell("PATCH", ELEMENT, Told(element(version=5)))
    assert "greet version 5 (updated)" in triform("deploy", str(folder)).out
    asked = next(asked for asked in deploying.asked if asked.method == "PATCH")
    assert asked.headers["If-Match"] == '"4"'
    assert asked.body == {"name": "Greet", "spec": SPEC, "deep": False}


def test_an_element_of_another_type_is_left_alone(deploying: Platform, triform: Triform, folder: Path) -> None:
    deploying.tell("GET", ELEMENT, Told(element(element_type="other")))
    ended = triform("deploy", str(folder))
    assert ended.code == 1
    assert "is of type other" in ended.err
    assert [asked.method for asked in deploying.asked] == ["GET"]


def test_warnings_of_the_element_are_shown(deploying: Platform, triform: Triform, folder: Path) -> None:
    warned = element(warnings=[{"pointer": "/memory_mb", "message": "that is a lot"}])
    deploying.tell("POST", "/api/acme/", Told(warned, 201))
    assert "warning: that is a lot" in triform("deploy", str(folder)).err


def test_a_folder_without_a_declaration_says_how_to_make_one(
    signed_in: Platform, triform: Triform, tmp_path: Path
) -> None:
    ended = triform("deploy", str(tmp_path))
    assert ended.code == 2
    assert "FIX: triform new TYPE SLUG" in ended.err


def test_every_complaint_about_a_declaration_comes_at_once(folder: Path) -> None:
    (folder / "triform.yaml").write_text("slug: 7\nspec: []x\nfiles: [a]\ncolour: red\n".replace("[]x", "[1]"))
    with pytest.raises(WrongUsage) as stopped:
        read(folder)
    for pointer in ("/colour", "/element_type", "/slug", "/spec", "/files"):
        assert f"{pointer}: " in stopped.value.message


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "missing.txt"])
def test_a_file_outside_the_folder_or_absent_is_refused(folder: Path, name: str) -> None:
    (folder / "triform.yaml").write_text(DECLARED.replace("main.txt", name))
    with pytest.raises(WrongUsage):
        read(folder)


@pytest.mark.parametrize("pointer", ["source", "/handler/code", "7"])
def test_a_pointer_that_leads_nowhere_is_refused(folder: Path, pointer: str) -> None:
    (folder / "triform.yaml").write_text(DECLARED.replace("/source/code", pointer))
    with pytest.raises(WrongUsage):
        read(folder)


def test_code_that_does_not_parse_is_shown_where_it_lies(
    deploying: Platform, triform: Triform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"file": "main.rb", "line": 1, "context": [{"line": 1, "text": "the code"}]}
    refusal = problem("RUBY_SYNTAX_ERROR", 422, detail="main.rb line 1: no", source=source)
    deploying.tell("POST", "/api/acme/", Told(refusal, 422))
    monkeypatch.chdir(folder.parent)
    told = triform("deploy", str(folder)).err
    assert f"    {folder.name}/main.txt:1\n    →    1 │ the code\n" in told
