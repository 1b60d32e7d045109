"""A form is read strictly: every mistake is told at once, with its line and what to do; nothing is sent before."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from triform.chemistry.catalogue import load
from triform.cli.form.model import Form
from triform.cli.form.order import in_order
from triform.cli.form.reading import MOST_BYTES, read

CATALOGUE = load()
CODE = "{source: {code: 'def handler(input) = input'}}"


def form(folder: Path, text: str, name: str = "form.yaml", **environ: str) -> Form:
    (folder / name).write_text(text, encoding="utf-8")
    return read(folder / name, CATALOGUE, environ)


MISTAKES = {
    "no elements": ("project: shop\n", "1: elements: must be a list"),
    "a list": ("- a\n", "1: "),
    "unknown key": ("elements: []\ncolour: red\n", "2: unknown key 'colour'; the keys are project, elem"),
    "no mapping": ("elements:\n- 7\n", "2: must be a mapping with the keys element_type, slug"),
    "no slug": ("elements:\n- element_type: variable\n  spec: {value: 1}\n", "2: /slug is required"),
    "bad slug": ("elements:\n- element_type: variable\n  slug: A B\n", "3: /slug must be 1 to 63 of a-z"),
    "reserved slug": ("elements:\n- {element_type: variable, slug: ops, spec: {value: 1}}\n", "2: /slug must be"),
    "unknown type": ("elements:\n- element_type: rubi\n  slug: a\n", "2: there is no element type 'rubi'; use r"),
    "a tenant": ("elements:\n- element_type: circle\n  slug: a\n", "2: there is no element type 'circle'"),
    "unknown property": (
        "elements:\n- element_type: ruby\n  slug: a\n  spec:\n    handler: h\n    colour: red\n",
        "6: /spec/colour",
    ),
    "old place of code": ("elements:\n- element_type: ruby\n  slug: a\n  spec:\n    code: x\n", "5: /spec/code"),
    "a rule of the type": (
        "elements:\n- element_type: variable\n  slug: a\n  spec:\n    type: number\n    value: x\n",
        "6: /spec/value must be of the type that the spec names",
    ),
    "read-only": (
        "elements:\n- element_type: project\n  slug: a\n  spec:\n    environments: {}\n",
        "5: /spec/environments is written by the platform alone; leave it out",
    ),
    "twice": (
        "elements:\n- {element_type: variable, slug: a, spec: {value: 1}}\n"
        "- {element_type: variable, slug: a, spec: {value: 2}}\n",
        "3: a is declared on line 2 too; keep one of the two",
    ),
    "a written secret": (
        f"elements:\n- element_type: ruby\n  slug: a\n  spec:\n    source: {CODE[9:-1]}\n    environment:\n"
        "      KEY: {secret: true, value: hush-hush-hush}\n",
        "7: a secret's value does not stand in a form; write {secret: true}",
    ),
    "absent file": (
        "elements:\n- element_type: ruby\n  slug: a\n  files: {/source/code: nowhere.rb}\n",
        "4: /files: cannot read nowhere.rb",
    ),
    "outside file": (
        "elements:\n- element_type: ruby\n  slug: a\n  files: {/source/code: ../x.rb}\n",
        "4: /files: ../x.rb lies outside the folder; keep the file next to the declaration",
    ),
    "no pointer": ("elements:\n- {element_type: ruby, slug: a, files: {code: a.rb}}\n", "2: /files: "),
    "unset variable": (
        "elements:\n- element_type: variable\n  slug: a\n  from_env: {/value: NOT_SET}\n",
        "4: /from_env: the environment variable NOT_SET is not set; export NOT_SET=… before",
    ),
    "no target": ("elements: []\nattachments:\n- source: a\n", "3: /target is missing; name an element"),
    "no source": ("elements: []\nattachments:\n- target: a\n", "3: /source is missing; name the element"),
    "priority": ("elements: []\nattachments:\n- {source: a, target: b, priority: 1001}\n", "3: /priority"),
    "cascade": ("elements: []\nattachments:\n- {source: a, target: b, cascade_policy: all}\n", "3: /cascade"),
    "pin": ("elements: []\nattachments:\n- {source: a, target: b, version_pin: 0}\n", "3: /version_pin"),
    "attached twice": (
        "elements: []\nattachments:\n- {source: a, target: b}\n- {source: a, target: b}\n",
        "4: a is attached there twice; keep one of the two",
    ),
    "unfit": (
        "elements:\n- {element_type: variable, slug: a, spec: {value: 1}}\n"
        "- {element_type: variable, slug: b, spec: {value: 1}}\nattachments:\n- {source: a, target: b}\n",
        "5: variable elements take no variable; they take nothing",
    ),
    "unfit for the circle": (
        f"elements:\n- {{element_type: ruby, slug: a, spec: {CODE}}}\nattachments:\n"
        "- {source: a, target: circle}\n",
        "4: circle elements take no ruby; they take variable",
    ),
    "duplicate key": ("elements: []\nelements: []\n", "2: duplicate key 'elements'"),
    "anchor": ("elements: &a []\n", "1: anchors and aliases are not allowed"),
    "no YAML": ("elements: [\n\n", "3: "),
    "a list of lists": ("elements: {}\n", "1: elements: must be a list"),
    "attachments that are none": ("elements: []\nattachments: 7\n", "2: attachments: must be a list"),
    "a project that is none": ("elements: []\nproject: [a]\n", "2: must be a mapping with the keys slug, name"),
    "a project without slug": ("elements: []\nproject: {name: A}\n", "2: /slug is required"),
    "name of two lines": (
        "elements:\n- element_type: variable\n  slug: a\n  name: \"a\\nb\"\n  spec: {value: 1}\n",
        "4: /name must be",
    ),
    "readme": ("elements:\n- {element_type: variable, slug: a, spec: {value: 1}, readme: 7}\n", "2: /readme"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_to_do(triform: Triform, tmp_path: Path, what: str) -> None:
    text, expected = MISTAKES[what]
    (tmp_path / "form.yaml").write_text(text)
    ended = triform("apply", str(tmp_path / "form.yaml"), "--yes")
    assert ended.code == 2, ended
    assert f"{tmp_path}/form.yaml:{expected}" in ended.err
    assert "FIX: mend what is named; nothing was changed" in ended.err
    assert "hush-hush-hush" not in ended.err + ended.out


def test_all_mistakes_come_at_once_by_line_and_as_json(triform: Triform, tmp_path: Path) -> None:
    (tmp_path / "form.yaml").write_text(
        "colour: red\nelements:\n- {element_type: x, slug: a}\n- 7\n"
        "- {element_type: variable, slug: b, spec: {}}\n"
        "attachments:\n- {}\n"
    )
    ended = triform("apply", str(tmp_path / "form.yaml"), "--json")
    assert ended.code == 2
    told = json.loads(ended.out)["errors"]
    assert [each["line"] for each in told] == [1, 3, 4, 5, 7, 7]
    assert {each["file"] for each in told} == {str(tmp_path / "form.yaml")}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"elements: []\n" + b"#" * MOST_BYTES])
def test_what_is_no_text_or_far_too_much_is_refused(triform: Triform, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "form.yaml").write_bytes(content)
    assert triform("apply", str(tmp_path / "form.yaml")).code == 2


def test_a_file_that_is_not_there_is_wrong_usage(triform: Triform, tmp_path: Path) -> None:
    ended = triform("apply", str(tmp_path / "none.yaml"))
    assert (ended.code, "cannot be read: No such file" in ended.err) == (2, True)


def test_json_is_taken_as_well_and_its_escapes_too(tmp_path: Path) -> None:
    text = '{"elements": [{"element_type": "variable",\n'
    text += '\t"slug": "a", "spec": {"value": "\\ud83d\\ude00 \\/ \\\\ud83d"}}]}'
    (element,) = form(tmp_path, text, "form.json").elements
    assert element.spec == json.loads(text)["elements"][0]["spec"] == {"value": "😀 / \\ud83d"}


def test_files_and_variables_of_the_caller_are_put_where_they_belong(tmp_path: Path) -> None:
    (tmp_path / "a.rb").write_bytes(b"def handler(input)\r\n  'caf\xc3\xa9'\nend")
    text = (
        "elements:\n- element_type: ruby\n  slug: a\n  spec: {environment: {KEY: {secret: true}}}\n"
        "  files: {/source/code: a.rb}\n  from_env: {/environment/KEY/value: MINE, /environment/PLAIN: MINE}\n"
    )
    (element,) = form(tmp_path, text, MINE="hush-hush").elements
    assert element.spec == {
        "environment": {"KEY": {"secret": True, "value": "hush-hush"}, "PLAIN": "hush-hush"},
        "source": {"code": "def handler(input)\r\n  'café'\nend"},
    }
    assert "hush" not in repr(element)


def test_a_secret_may_lack_its_value_until_it_is_needed(tmp_path: Path) -> None:
    text = (
        f"elements:\n- element_type: ruby\n  slug: a\n  spec: {{environment: {{KEY: {{secret: true}}}}, "
        f"{CODE[1:]}\n"
        "  from_env: {/environment/KEY/value: NOT_SET}\n"
    )
    (element,) = form(tmp_path, text).elements
    assert element.lacking.keys() == {"/environment/KEY/value"}


def test_what_a_spec_refers_to_is_made_first_and_the_project_last(tmp_path: Path) -> None:
    text = (
        "project: {slug: whole}\nelements:\n"
        "- {element_type: project, slug: outer, spec: {members: [inner]}}\n"
        "- {element_type: project, slug: inner, spec: {members: [code, elsewhere]}}\n"
        f"- {{element_type: ruby, slug: code, spec: {CODE}}}\n"
        "- {element_type: variable, slug: rate, spec: {value: 1}}\n"
    )
    found = form(tmp_path, text)
    assert [each.slug for each in in_order(found)] == ["rate", "code", "inner", "outer", "whole"]
    assert found.members == ("outer", "inner", "code", "rate")
