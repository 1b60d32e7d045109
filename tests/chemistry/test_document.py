"""Definition files are a strict YAML: what is written is what is meant, and every complaint has a line."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.chemistry.document import MAX_BYTES, read_document

KEYS = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(string.printable + "äé…", max_size=20)
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


def read(folder: Path, text: str | bytes) -> tuple[object, list[str]]:
    file = folder / "ops.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    document, complaints = read_document(file)
    return document, [str(complaint).replace(f"{folder}/", "") for complaint in complaints]


@examples(60)
@given(tree=st.dictionaries(KEYS, TREES, max_size=5))
def test_json_is_read_as_the_value_it_is(tmp_path: Path, tree: dict[str, object]) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(json.dumps(tree, ensure_ascii=False))
    document, complaints = read_document(file)
    assert complaints == []
    assert document is not None
    assert document.value == tree


@examples(150)
@given(text=st.text(max_size=200))
def test_no_text_at_all_makes_the_reader_raise(tmp_path: Path, text: str) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(text.encode())
    document, complaints = read_document(file)
    assert document is not None or complaints
    assert all(complaint.place.line >= 1 for complaint in complaints)


def test_words_stay_words(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "a: on\nb: 12:30\nc: 2024-01-01\nd: 0x1F\ne: yes\nf: .5\ng: 1_000\nh: '1'\n")
    assert document is not None
    values = document.value.values()  # type: ignore[attr-defined]
    assert list(values) == ["on", "12:30", "2024-01-01", "0x1F", "yes", ".5", "1_000", "1"]


def test_json_scalars_are_what_they_look_like(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "a: true\nb: -7\nc: 2.50\nd: null\ne:\nf: ~\n")
    assert list(document.value.values()) == [True, -7, 2.5, None, None, None]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", "ops.yaml:3: duplicate key 'a'"),
        ("a: &x [1]\nb: *x\n", "ops.yaml:1: anchors and aliases are not allowed"),
        ("a: 1\n---\nb: 2\n", "ops.yaml:2: one document per file"),
        ("a:\n  - 1\n  b: 2\n", "ops.yaml:3: did not find expected '-' indicator"),
        ("- a\n", "ops.yaml:1: a definition file is a mapping"),
        ("a: 1\n[b]: 2\n", "ops.yaml:2: a key must be a plain word"),
        ("a: !!python/object:os.system x\n", "ops.yaml:1: tags are not allowed"),
        ("a: !shell x\n", "ops.yaml:1: tags are not allowed"),
        ("\n\na: " + "[" * 50 + "]" * 50, "ops.yaml:3: nested more than 40 deep"),
        (b"a: \xff\n", "ops.yaml:1: is not UTF-8"),
        ("a: " + "x" * MAX_BYTES, "ops.yaml:1: is larger than 256 KiB"),
    ],
)
def test_what_is_refused_is_refused_with_its_line(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    _, complaints = read(tmp_path, text)
    assert complaints[0].startswith(complaint)


def test_a_billion_laughs_is_refused_before_anything_expands(tmp_path: Path) -> None:
    bomb = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 10}]\n" for n in range(1, 30))
    document, complaints = read(tmp_path, bomb)
    assert document is None
    assert "anchors" in complaints[0]
