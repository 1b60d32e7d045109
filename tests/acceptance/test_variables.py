"""Variables: what is attached to an element, to its project or to the circle is in its code's environment."""

import pytest

from tests.acceptance.client import Circle, Element

READS = "def handler(input)\n  ENV.fetch(input['name'], nil)\nend\n"


async def read(element: Element, name: str) -> object:
    answer = await element.invoke({"name": name})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_attached_variable_is_in_the_environment(circle: Circle) -> None:
    code = await circle.ruby(READS)
    variable = await circle.variable("service-url", "https://service.example")
    assert await read(code, "SERVICE_URL") is None
    await variable.attach(code)
    assert await read(code, "SERVICE_URL") == "https://service.example"
    await variable.post("/ops/detach", {"target_id": await code.id()})
    assert await read(code, "SERVICE_URL") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("Ünï\n", "Ünï\n"),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'),
        ([], "[]"),
    ],
)
async def test_a_value_is_a_text_there(circle: Circle, value: object, text: str) -> None:
    code = await circle.ruby(READS)
    await (await circle.variable("v", value, name="MINE")).attach(code)
    assert await read(code, "MINE") == text


async def test_it_is_there_before_the_code_loads(circle: Circle) -> None:
    code = await circle.ruby("SEEN = ENV['EARLY']\ndef handler(input) = SEEN\n")
    await (await circle.variable("early", "bird")).attach(code)
    assert (await code.invoke({})).json() == "bird"
    assert (await code.post("/ops/deploy")).status_code == 200
    assert (await code.invoke({})).json() == "bird"


async def test_a_changed_value_holds_from_the_next_call_on(circle: Circle) -> None:
    code, variable = await circle.ruby(READS), await circle.variable("limit", 1)
    await variable.attach(code)
    for value in (2, 3, 4):
        await variable.patch({"spec": {"value": value}})
        assert await read(code, "LIMIT") == str(value)


async def test_a_pinned_one_keeps_the_value_of_its_version(circle: Circle) -> None:
    code, variable = await circle.ruby(READS), await circle.variable("limit", 1)
    await variable.attach(code, version_pin=1)
    await variable.patch({"spec": {"value": 2}})
    assert await read(code, "LIMIT") == "1"


async def test_a_disabled_one_gives_nothing(circle: Circle) -> None:
    code, variable = await circle.ruby(READS), await circle.variable("limit", 1)
    await variable.attach(code)
    await variable.post("/ops/disable")
    assert await read(code, "LIMIT") is None
    await variable.post("/ops/enable")
    assert await read(code, "LIMIT") == "1"


async def test_the_nearest_wins(circle: Circle) -> None:
    """The circle's, the outer project's, the inner project's, its own in the order of priority, its spec's."""
    code = await circle.ruby(READS, "code")
    await circle.project("inner", "code")
    await circle.project("outer", "inner")
    places: list[Element | Circle] = [circle, Element(circle, "outer"), Element(circle, "inner"), code, code]
    for index, place in enumerate(places):
        await (await circle.variable(f"v{index}", f"value {index}", name="WHICH")).attach(place, priority=index)
        assert await read(code, "WHICH") == f"value {index}"
    await code.patch({"spec": {"environment": {"WHICH": "its own"}}})
    assert await read(code, "WHICH") == "its own"


async def test_the_order_at_one_place_is_that_of_priorities(circle: Circle) -> None:
    code = await circle.ruby(READS)
    late, early = (
        await circle.variable("late", "late", name="X"),
        await circle.variable("early", "early", name="X"),
    )
    await late.attach(code, priority=200)
    await early.attach(code, priority=100)
    assert await read(code, "X") == "late"
    await early.attach(code, priority=300)
    assert await read(code, "X") == "early"


async def test_without_cascade_members_have_nothing_of_it(circle: Circle) -> None:
    code = await circle.ruby(READS, "code")
    project, variable = await circle.project("shop", "code"), await circle.variable("limit", 1)
    await variable.attach(project, cascade_policy="none")
    assert await read(code, "LIMIT") is None
    await variable.attach(project, cascade_policy="members")
    assert await read(code, "LIMIT") == "1"
    await project.patch({"spec": {"members": []}})
    assert await read(code, "LIMIT") is None


async def test_an_asynchronous_run_has_it_too(circle: Circle) -> None:
    code = await circle.ruby(READS)
    await (await circle.variable("limit", 7)).attach(code)
    run = await code.ended(await code.start({"name": "LIMIT"}))
    assert (run["status"], run["output"]) == ("completed", "7")


async def test_variables_of_other_circles_are_not_there(circle: Circle, sign_in_again: object) -> None:
    other = await sign_in_again(circle)  # type: ignore[operator]
    code = await circle.ruby(READS)
    foreign = await other.variable("limit", 1)
    answer = await foreign.post("/ops/attach", {"target_id": await code.id()})
    assert answer.status_code == 404, answer.text
    assert await read(code, "LIMIT") is None
