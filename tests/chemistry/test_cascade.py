"""Root → category → element: narrowest wins, per key, and every value remembers where it comes from."""

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from triform.chemistry.catalogue import Catalogue, load
from triform.chemistry.document import Document
from triform.chemistry.folders import Layer, TypeSources
from triform.chemistry.inherit import resolve
from triform.chemistry.model import Provenance

KEYS = st.sampled_from("abc")
TREES = st.recursive(
    st.integers(0, 9), lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=2)
)
FILES = st.dictionaries(KEYS, st.dictionaries(KEYS, TREES, max_size=3), max_size=3)


def cascade(*values: dict[str, object]) -> TypeSources:
    heights: tuple[Provenance, ...] = ("root", "category", "element")
    layers = tuple(
        Layer(height, Path(height), {"ops": Document(Path(height) / "ops.yaml", value, {})})
        for height, value in zip(heights, values, strict=True)
    )
    return TypeSources("toy", "toys", layers, ())  # type: ignore[arg-type]


def expected(base: object, over: object) -> object:
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: expected(base.get(key), over[key]) if key in over else base[key] for key in {*base, *over}}
    return over


@given(FILES, FILES, FILES)
def test_mappings_merge_and_everything_else_is_replaced(root: dict, category: dict, element: dict) -> None:  # type: ignore[type-arg]
    resolved = resolve(cascade(root, category, element))
    assert resolved.value == expected(expected(root, category), element)


@given(FILES, FILES, FILES)
def test_every_value_comes_from_the_narrowest_height_that_names_it(  # type: ignore[no-untyped-def]
    root, category, element
) -> None:
    resolved = resolve(cascade(root, category, element))
    for section, entries in resolved.value.items():
        for name in entries:
            naming = [h for h, v in (("root", root), ("category", category), ("element", element))
                      if name in v.get(section, {})]  # fmt: skip
            assert resolved.provenance(section, name) == naming[-1]


@given(FILES, FILES)
def test_merging_changes_none_of_the_layers(root: dict, element: dict) -> None:  # type: ignore[type-arg]
    before = repr((root, element))
    resolved = resolve(cascade(root, {}, element))
    for entries in resolved.value.values():
        entries.clear()
    assert repr((root, element)) == before


def test_a_null_switches_off_what_is_inherited() -> None:
    resolved = resolve(cascade({"ops": {"get": {"x": 1}, "delete": {"x": 1}}}, {}, {"ops": {"delete": None}}))
    assert resolved.value == {"ops": {"get": {"x": 1}}}
    assert resolved.complaints == []


def test_a_deeper_null_is_a_value() -> None:
    resolved = resolve(cascade({"ops": {"get": {"default": 1}}}, {}, {"ops": {"get": {"default": None}}}))
    assert resolved.value == {"ops": {"get": {"default": None}}}


def test_switching_off_what_is_not_there_is_a_mistake(complaints: Callable[..., list[str]]) -> None:
    found = complaints({"toys/top/ops.yaml": "ops:\n  get: {level: read}\n  fly: null\n"})
    assert found == ["toys/top/ops.yaml:3: switches off 'fly', which is not inherited"]


def test_an_inherited_price_says_so(catalogue: Catalogue) -> None:
    ruby = catalogue.type("ruby")
    assert ruby.prices("invoke")[0].amount_micro_au == 10_000
    assert ruby.provenance["/pricing/invoke"] == "category"
    assert ruby.provenance["/ops/get"] == "root"
    assert ruby.provenance["/properties/memory_mb"] == "element"


def test_a_category_may_set_an_op_and_its_type_refine_one_field(toys: Callable[..., Path]) -> None:
    top = load([toys({"toys/top/ops.yaml": "ops:\n  play: {level: admin}\n"})]).type("top")
    play = top.operation("play")
    assert play is not None
    assert (play.level, play.path, play.provenance) == ("admin", "play", "element")
