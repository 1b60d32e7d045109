"""Whatever a form says: applied, exported and applied again it changes nothing; elsewhere it makes the same."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.forms import ECHO, Bench
from tests.hunting import examples

SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(
    lambda s: s not in ("ops", "mcp", "events", "circle")
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
WORDS = st.sampled_from(
    ["", "true", "null", "1e3", "- a", "a: b", "# c", " x ", "a\nb\n", "\ta\r\n", "|", "\u2028", "é😀"]
)
LINE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=9)
VALUE = st.recursive(
    TEXT | WORDS | st.integers(-(2**60), 2**60) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
VARIABLE = st.fixed_dictionaries({"value": VALUE}, optional={"name": st.just("NAME")})
CODE = st.fixed_dictionaries(
    {"source": st.fixed_dictionaries({"code": st.sampled_from([ECHO, "# \t \n" + ECHO, ECHO + "# ü\n\n  "])})},
    optional={
        "memory_mb": st.sampled_from([64, 128, 256]),
        "environment": st.dictionaries(st.sampled_from(["A", "B_1"]), TEXT | WORDS, max_size=2),
        "retry": st.just({"max_attempts": 3}) | st.just({"backoff_ms": 5}),
    },
)


def said(element_type: str, slug: str, spec: Any) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {"element_type": st.just(element_type), "slug": st.just(slug), "spec": spec}
    return st.fixed_dictionaries(fixed, optional={"name": LINE, "intention": TEXT | WORDS, "readme": TEXT | WORDS})


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    slugs = draw(st.lists(SLUGS, min_size=1, max_size=6, unique=True))
    kinds = [draw(st.sampled_from(["variable", "variable", "project", "ruby"])) for _ in slugs]
    elements, targets = [], []
    for place, (kind, slug) in enumerate(zip(kinds, slugs, strict=True)):
        members = st.lists(st.sampled_from(slugs[:place]), unique=True) if place else st.just([])
        spec = {"variable": VARIABLE, "ruby": CODE, "project": st.fixed_dictionaries({"members": members})}[kind]
        elements.append(draw(said(kind, slug, spec)))
        targets += [] if kind == "variable" else [slug]
    sources = [slug for kind, slug in zip(kinds, slugs, strict=True) if kind == "variable"]
    form: dict[str, Any] = {"elements": draw(st.permutations(elements))}
    if draw(st.booleans()):
        form["project"] = {"slug": "a-project-of-its-own", "intention": draw(TEXT)}
        targets.append("a-project-of-its-own")
    if sources:
        pairs = st.tuples(st.sampled_from(sources), st.sampled_from([*targets, "circle"]))
        form["attachments"] = [
            {"source": source, "target": target, **draw(TERMS)}
            for source, target in draw(st.lists(pairs, max_size=4, unique=True))
        ]
    return form


TERMS = st.fixed_dictionaries(
    {},
    optional={
        "priority": st.sampled_from([0, 100, 1000]),
        "cascade_policy": st.sampled_from(["none", "members"]),
        "version_pin": st.just(1),
    },
)


@given(form=forms())
@examples(15)
def test_what_is_exported_says_what_was_applied(bench: Bench, form: dict[str, Any]) -> None:
    here = bench.another()
    here.applied(form)
    assert here.applied(form)["outcome"] == []
    written = here.exported()
    assert here.applied(written)["outcome"] == []
    assert here.applied(json.loads(here.run("export", "--all", "--json").out))["outcome"] == []
    there = bench.another()
    there.applied(written)
    assert there.exported() == written
    if "project" in form:
        of_project = here.exported(form["project"]["slug"])
        assert here.applied(of_project, "--prune")["outcome"] == []
        assert here.exported() == written
