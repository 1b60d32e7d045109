"""A type nobody has thought of is one folder: no code is touched."""

from collections.abc import Callable
from pathlib import Path

import pytest

from triform.chemistry.catalogue import ElementType, load
from triform.chemistry.docs import pages
from triform.chemistry.model import END_CAUSES
from triform.chemistry.openapi import document
from triform.chemistry.tools import tools


@pytest.fixture
def top(toys: Callable[..., Path]) -> ElementType:
    return load([toys()]).type("top")


def test_it_has_what_every_element_has_and_what_its_category_adds(top: ElementType) -> None:
    assert {"get", "update", "delete", "runs", "play"} <= set(top.operations)
    assert "invoke" not in top.operations


def test_its_operations_go_to_the_substrate_its_category_names(top: ElementType) -> None:
    play = top.operation("play")
    assert play is not None
    assert (play.substrate, play.execution, play.recorded, play.provenance) == (
        "isolation",
        True,
        True,
        "category",
    )


def test_one_operation_may_cost_by_several_dimensions(top: ElementType) -> None:
    assert [(p.dimension, p.amount_micro_au) for p in top.prices("play")] == [
        ("per_invocation", 5),
        ("per_second", 2),
    ]


def test_its_input_is_checked_by_its_own_schema(top: ElementType) -> None:
    play = top.operation("play")
    assert play is not None
    assert [c.pointer for c in play.check_input({"times": 0})] == ["/times"]
    assert play.complete_input({}) == {"times": 1}


def test_it_asks_nothing_of_a_run_unless_it_says_so(top: ElementType) -> None:
    limits = top.limits_of({})
    assert (limits.timeout_ms, limits.memory_mb, limits.retry.max_attempts) == (None, None, 1)


def test_it_is_described_documented_and_offered_as_tools(toys: Callable[..., Path]) -> None:
    catalogue = load([toys()])
    assert "/api/{circle}/{slug}/ops/play" in document(catalogue, "1")["paths"]
    assert "spec_top" in document(catalogue, "1")["components"]["schemas"]
    assert "# Top" in pages(catalogue)["types/top.md"]
    assert "play" in {tool["name"] for tool in tools(catalogue.type("top"), lambda each: True)}


def test_a_type_may_join_a_shipped_category(tmp_path: Path, toys: Callable[..., Path]) -> None:
    folder = tmp_path / "more" / "actions" / "spinner"
    folder.mkdir(parents=True)
    who = "symbol: Sp\ncolour: '#00AA00'\ntitle: Spinner\none_line: Spins.\n"
    (folder / "definition.yaml").write_text(who)
    (folder / "docs.yaml").write_text("guide: Spin.\n")
    causes = "".join(f"  {cause}: PLATFORM_FAULT\n" for cause in sorted(END_CAUSES - {"output_limit"}))
    (folder / "runtime.yaml").write_text(f"language: spin\nend_causes:\n{causes}")
    spinner = load([tmp_path / "more"]).type("spinner")
    assert spinner.prices("invoke")[0].amount_micro_au == 10_000
    assert spinner.error_for("output_limit").code == "OUTPUT_TOO_LARGE"
    assert spinner.language == "spin"


OTHER_VERBS = """\
ops:
  invoke:
    verb: PUT
    path: invoke
    level: read
    summary: S.
    description: D.
    output: {}
  play:
    verb: GET
    path: play
    level: read
    summary: S.
    description: D.
    output: {}
    input: {properties: {times: {type: integer, description: T.}}}
"""


def test_types_with_different_verbs_on_one_path_stand_side_by_side(toys: Callable[..., Path]) -> None:
    item = document(load([toys({"toys/ops.yaml": OTHER_VERBS})]), "1")["paths"]["/api/{circle}/{slug}/ops/invoke"]
    assert set(item) == {"parameters", "put", "post"}
    assert item["put"]["x-types"] == ["top"]
    assert item["post"]["x-types"] == ["ruby", "top"]
