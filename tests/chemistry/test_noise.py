"""Definitions and rules that somebody's hand slipped on: complaints with a place, never a crash, never a hang."""

import contextlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.chemistry.catalogue import DEFINITIONS, load
from triform.chemistry.complaints import DefinitionsRefused
from triform.chemistry.rules import BadExpression, compile_expression, for_cel

SHIPPED = DEFINITIONS / "actions" / "ruby"
NAMES_OF_ITS_OWN = {"definition.yaml", "observability.yaml"}
FILES = [path for path in SHIPPED.rglob("*.yaml") if path.name not in NAMES_OF_ITS_OWN]
TEXTS = {path.relative_to(SHIPPED): path.read_text() for path in FILES}
SLIPS = st.sampled_from(
    ["", "\t", ":", "- ", "? ", "&a ", "*a", "!!binary ", "|\n", ">-\n", "{", "]", "'", '"', "#", "%YAML 1.1\n",
     "---\n", "...\n", "<<: ", "\0", "\ufeff", "\u2028", "é", "1e999", "0o17", "~", "$ref: '#'\n", "  ", "\r"]
)  # fmt: skip


@st.composite
def slipped(draw: st.DrawFn) -> tuple[Path, str]:
    """A shipped file with a few pieces of it lost, doubled, moved or replaced."""
    name = draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[name]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        piece = draw(SLIPS | st.just(text[start:end] * 2) | st.text(max_size=4))
        text = text[:start] + piece + text[end:]
    return name, text


@examples(12)
@given(slip=slipped())
def test_a_slip_anywhere_in_a_file_is_loaded_or_complained_about_at_a_line_of_it(
    tmp_path: Path, slip: tuple[Path, str]
) -> None:
    name, text = slip
    folder = tmp_path / "actions" / "twin"
    for path, kept in {**TEXTS, name: text}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(kept.encode("utf-8", "surrogatepass"))
    (folder / "definition.yaml").write_text("symbol: Tw\ncolour: '#00AA00'\ntitle: Twin\none_line: A copy.\n")
    try:
        load([tmp_path])
    except DefinitionsRefused as refused:
        for complaint in refused.complaints:
            assert complaint.place.file.is_relative_to(tmp_path)
            assert complaint.message
            if complaint.place.file.is_file():
                assert 1 <= complaint.place.line <= complaint.place.file.read_bytes().count(b"\n") + 1


PROPERTIES = {name: {} for name in ("a", "b", "name")}
ATOMS = st.sampled_from(
    ["a", "b", "name", "spec", "c", "null", "true", "1", "-1", "1u", "1.5", "9223372036854775807", "''", "b'x'",
     "'(a+)+$'", "[]", "{}", "[1, 'x', null]", "{'k': a}", "duration('1s')", "timestamp('2026-01-01T00:00:00Z')"]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["==", "<", "&&", "||", "+", "*", "/", "%", "in"]), inner
        ),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}{}".format, st.sampled_from(["!", "-"]), inner),
        st.builds(
            "{}.{}".format, inner, st.sampled_from(["a", "size()", "k.k", "exists(x, x == a)", "all(x, x)"])
        ),
        st.builds(
            "{}.{}({})".format, inner, st.sampled_from(["startsWith", "matches", "contains", "filter"]), inner
        ),
        st.builds("{}.map(x, {})".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(["size", "has", "int", "string", "dyn", "type", "no"]), inner),
    ),
    max_leaves=12,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.just("k"), inner, max_size=3)
    ),
    max_leaves=8,
)


@examples(120)
@given(text=EXPRESSIONS, value=VALUES, other=VALUES)
def test_any_expression_is_refused_or_tells_true_false_or_nothing(text: str, value: object, other: object) -> None:
    with contextlib.suppress(BadExpression):
        expression = compile_expression(text, PROPERTIES)
        given_values = for_cel({"a": value, "b": other, "name": None, "spec": {"a": value, "b": other}})
        assert expression.truth(given_values) in (True, False, None)
