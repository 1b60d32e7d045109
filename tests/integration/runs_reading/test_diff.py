"""Two runs of one element, side by side."""

from typing import Any

import msgspec
import pytest

from triform.chemistry.schema import compile_schema
from triform.elements.model import Element
from triform.errors import Failure, InvalidInput, NotFound
from triform.runs.diff import RunUnfinished
from triform.runs.logs import Line
from triform.runs.model import Run, Status, Usage

from .conftest import catalogue

BROKEN = Failure(code="RUBY_TIMEOUT", kind="timeout", message="too slow", facts={"at": 3})


async def compared(world: Any, element: Element, run: Run, **given: Any) -> Any:
    """The answer, which is what the operation says it is."""
    answer = await world.ask("run_diff", element, run_id=str(run.run_id), **given)
    operation = catalogue().type("ruby").operation("run_diff")
    assert operation is not None
    assert compile_schema(operation.output.document).check(answer) == ()
    return answer


async def test_a_replay_is_compared_with_what_it_repeats(world: Any, element: Element) -> None:
    first = await world.add(element, output=b'{"total":10,"lines":[1,2]}', usage=Usage(5.0), cost_micro_au=100)
    again = await world.add(
        element, output=b'{"lines":[1,2,3],"total":12}', usage=Usage(7.5), cost_micro_au=90, element_version=2,
        replay_of=first.run_id, trigger="replay",
    )  # fmt: skip
    answer = await compared(world, element, again)
    assert (answer["before"]["run_id"], answer["after"]["run_id"]) == (str(first.run_id), str(again.run_id))
    assert (answer["before"]["element_version"], answer["after"]["element_version"]) == (1, 2)
    assert (answer["same"], answer["input"]["same"], answer["error"]["same"]) == (False, True, True)
    assert sorted(answer["output"]["patch"], key=lambda step: step["path"]) == [
        {"op": "add", "path": "/lines/2", "value": 3},
        {"op": "replace", "path": "/total", "value": 12, "before": 10},
    ]
    assert answer["usage"]["duration_ms"] == {"before": 5.0, "after": 7.5, "change": 2.5}
    assert answer["cost_micro_au"] == {"before": 100, "after": 90, "change": -10}
    assert "logs" not in answer


async def test_runs_that_came_to_the_same_are_the_same_whatever_they_took(world: Any, element: Element) -> None:
    first = await world.add(element, output=b'{"a":1,"b":2}', usage=Usage(5.0))
    again = await world.add(element, output=b'{"b": 2, "a": 1}', usage=Usage(50.0), input=b"[1]")
    answer = await compared(world, element, again, **{"with": str(first.run_id)})
    assert (answer["same"], answer["output"]["patch"], answer["input"]["same"]) == (True, [], False)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"failure": Failure(code="RUBY_TIMEOUT", kind="timeout", message="too slow", facts={"at": 4})}, True),
        ({"failure": Failure(code="RUBY_TIMEOUT", kind="timeout", message="slower")}, False),
        ({"failure": Failure(code="RUBY_EXECUTION_FAILED", kind="internal", message="too slow")}, False),
        ({"status": Status.cancelled}, False),
        ({"status": Status.completed, "failure": None, "output": b"1"}, False),
    ],
)
async def test_failures_are_the_same_by_code_and_message(
    world: Any, element: Element, changed: Any, same: bool
) -> None:
    failed: Any = {"status": Status.failed, "output": None, "failure": BROKEN}
    first = await world.add(element, **failed)
    again = await world.add(element, **{**failed, **changed}, replay_of=first.run_id)
    answer = await compared(world, element, again)
    assert answer["same"] is same
    assert answer["error"]["before"]["code"] == "RUBY_TIMEOUT"


async def test_printed_lines_are_compared_when_asked_for(world: Any, element: Element) -> None:
    first = await world.add(element, lines=(Line(1, "stdout", 5, "one"), Line(2, "stderr", 6, "two")))
    again = await world.add(
        element, lines=(Line(1, "stdout", 9, "one"), Line(2, "stderr", 9, "2")), replay_of=first.run_id
    )
    logs = (await compared(world, element, again, logs="true"))["logs"]
    assert logs["same"] is False
    assert logs["diff"][3:] == [" stdout: one", "-stderr: two", "+stderr: 2"]


async def test_large_outputs_are_compared_too_and_cut(world: Any, element: Element) -> None:
    before, after = (msgspec.json.encode([[n, factor] for n in range(20_000)]) for factor in (1, 2))
    first = await world.add(element, output=before)
    again = await world.add(element, output=after, replay_of=first.run_id)
    output = (await compared(world, element, again))["output"]
    assert (output["same"], output["complete"], len(output["patch"])) == (False, False, 200)


async def test_an_input_that_was_not_kept_is_compared_by_its_digest(world: Any, element: Element) -> None:
    kept: Any = {"operation": "update", "input": None, "input_size": 70_000}
    runs = [await world.add(element, **kept, input_digest=digest) for digest in (b"x", b"x", b"y")]
    found = [(await compared(world, element, run, **{"with": str(runs[0].run_id)}))["input"] for run in runs[1:]]
    assert [(each["same"], each["complete"]) for each in found] == [(True, True), (False, False)]


async def test_only_what_has_ended_is_compared(world: Any, element: Element) -> None:
    first = await world.add(element, status=Status.running, output=None, finished_at=None)
    again = await world.add(element, replay_of=first.run_id)
    with pytest.raises(RunUnfinished) as caught:
        await world.ask("run_diff", element, run_id=str(again.run_id))
    assert caught.value.failure().facts["unfinished"] == str(first.run_id)


async def test_what_repeats_nothing_has_to_be_compared_with_something_named(world: Any, element: Element) -> None:
    run = await world.add(element)
    with pytest.raises(InvalidInput) as caught:
        await world.ask("run_diff", element, run_id=str(run.run_id))
    assert caught.value.failure().errors[0].pointer == "/with"


async def test_a_run_of_another_element_or_circle_is_as_absent_as_none(world: Any, element: Element) -> None:
    own, sibling = await world.add(element), await world.new_element(await world.new_circle("next"), "other")
    foreign = await world.add(sibling)
    for one, other in ((own, foreign), (foreign, own), (foreign, foreign)):
        with pytest.raises(NotFound):
            await world.ask("run_diff", element, run_id=str(one.run_id), **{"with": str(other.run_id)})
