"""A secret goes into an element's environment and never comes out again, in no form, anywhere."""

import json

import pytest

from tests.acceptance.client import Circle, Element, Json, lines_of, refused, run_id_of
from tests.acceptance.disclosure import LINES, OTHER, PRINT, SECRET, assert_nothing_of, secret

TELL = """
LOADED = ENV['TOKEN'] == ENV['TOKEN'].dup && ENV.key?('TOKEN')
def handler(input)
  { 'bytes' => ENV['TOKEN'].bytesize, 'first' => ENV['TOKEN'].bytes.first, 'loaded' => LOADED }
end
"""
"""Says enough about the value to know that it is there."""


async def telling(circle: Circle, value: str = SECRET, code: str = TELL, **more: Json) -> Element:
    return await circle.ruby(code, environment={"TOKEN": secret(value), **more})


async def seen(element: Element) -> tuple[int, int]:
    """Length and first byte of the value a run finds."""
    answer = await element.invoke()
    assert answer.status_code == 200, answer.text
    assert answer.json()["loaded"]
    return answer.json()["bytes"], answer.json()["first"]


def about(value: str) -> tuple[int, int]:
    return len(value.encode()), value.encode()[0]


async def shown(element: Element) -> Json:
    return (await element.get()).json()["spec"]["environment"]


async def test_a_handler_has_the_value_and_a_reader_has_its_digest(circle: Circle) -> None:
    element = await telling(circle, PLAIN="seen by all")
    assert await seen(element) == about(SECRET)
    environment = await shown(element)
    assert environment["PLAIN"] == "seen by all"
    assert set(environment["TOKEN"]) == {"secret", "digest"}
    assert environment["TOKEN"]["digest"].startswith("hmac-sha256:")


@pytest.mark.parametrize("value", [SECRET, LINES], ids=["awkward", "several lines"])
@pytest.mark.parametrize("end", ["return", "raise", "cause", "cut"])
async def test_a_printed_returned_or_raised_secret_is_shown_nowhere(circle: Circle, value: str, end: str) -> None:
    element = await telling(circle, value, PRINT)
    answer = await element.invoke({"end": end})
    run = await element.run(run_id_of(answer))
    assert_nothing_of(value, answer.text)
    assert_nothing_of(value, json.dumps(run, ensure_ascii=False))
    assert_nothing_of(value, json.dumps(run))
    assert "loading with [secret]" in lines_of(run)
    assert "warned: [secret]" in lines_of(run)
    assert "[secret]" in lines_of(run)
    if end == "return":
        assert answer.json()["token"].strip() == "[secret]"
        assert answer.json()["nested"] == [{"deep": f"x[secret]{value.removeprefix(value.strip())}y"}]
    elif end == "raise":
        assert answer.json()["exception"]["message"].startswith("cannot use [secret]")
    assert_nothing_of(value, (await element.get("/ops/logs")).text)


async def test_a_secret_in_an_error_while_loading_is_masked(circle: Circle) -> None:
    element = await telling(circle, code='raise "no #{ENV["TOKEN"]}"\ndef handler(input) = 1\n')
    problem = refused(await element.invoke(), 500, "RUBY_EXECUTION_FAILED")
    assert "no [secret]" in problem["detail"]
    assert_nothing_of(SECRET, json.dumps(problem, ensure_ascii=False))
    assert_nothing_of(SECRET, (await element.post("/ops/deploy")).text)


async def test_what_is_cut_short_was_masked_before(circle: Circle) -> None:
    """A detail has 500 characters of a message: the cut would lie within the value."""
    element = await telling(circle, code='def handler(input)\n  raise "." * 480 + ENV["TOKEN"] + "!"\nend\n')
    answer = await element.invoke()
    assert SECRET[:6] not in refused(answer, 500, "RUBY_EXECUTION_FAILED")["detail"]
    assert_nothing_of(SECRET, json.dumps(answer.json(), ensure_ascii=False))


async def test_a_secret_in_an_input_reaches_the_handler_and_is_not_kept(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input)\n  input['t'] == ENV['TOKEN']\nend\n", environment={"TOKEN": secret(SECRET)}
    )
    answer = await element.invoke({"t": SECRET})
    assert answer.json() is True
    assert (await element.run(run_id_of(answer)))["input"] == {"t": "[secret]"}
    run = await element.ended(await element.start({"t": SECRET}))
    assert run["output"] is True, run
    assert run["input"] == {"t": "[secret]"}


async def test_an_update_without_the_value_keeps_it(circle: Circle) -> None:
    element = await telling(circle)
    before = await shown(element)
    for change in (
        {"memory_mb": 256},
        {"environment": {"TOKEN": {"secret": True}}},
        {"environment": {"TOKEN": before["TOKEN"]}},
        {"environment": {"MORE": "x"}},
    ):
        assert (await element.patch({"spec": change})).status_code == 200
        assert (await shown(element))["TOKEN"] == before["TOKEN"]
    spec = (await element.get()).json()["spec"] | {"environment": {"TOKEN": {"secret": True}}}
    assert (await element.patch({"spec": spec, "deep": False})).status_code == 200
    assert await shown(element) == before
    assert await seen(element) == about(SECRET)


async def test_the_run_after_an_update_sees_the_new_value(circle: Circle) -> None:
    element = await telling(circle)
    assert await seen(element) == about(SECRET)
    before = await shown(element)
    answer = await element.patch({"spec": {"environment": {"TOKEN": secret(OTHER)}}})
    assert_nothing_of(OTHER, answer.text)
    assert (await shown(element))["TOKEN"] != before["TOKEN"]
    assert await seen(element) == about(OTHER)
    # The digest of an earlier version names its value still.
    assert (await element.patch({"spec": {"environment": before}})).status_code == 200
    assert await seen(element) == about(SECRET)


async def test_a_secret_can_be_taken_away_and_made_readable_only_with_its_value(circle: Circle) -> None:
    element = await telling(circle)
    assert (await element.patch({"spec": {"environment": {"TOKEN": "readable now"}}})).status_code == 200
    assert await shown(element) == {"TOKEN": "readable now"}
    refused(await element.patch({"spec": {"environment": {"TOKEN": {"secret": True}}}}), 422, "INVALID_SPEC")
    assert (await element.patch({"spec": {"environment": {"TOKEN": None}}})).status_code == 200
    assert await shown(element) == {}


@pytest.mark.parametrize(
    "value",
    [
        {"secret": True, "value": "1234567"},
        {"secret": True, "value": "ööö"},
        {"secret": True, "value": "with\0nul-character"},
        {"secret": True, "value": 1234567890},
        {"secret": True, "value": "x" * 65537},
        {"secret": True},
        {"secret": True, "digest": "hmac-sha256:" + "0" * 64},
        {"secret": True, "digest": "anything"},
        {"secret": False, "value": "long-enough-value"},
        {"secret": "yes", "value": "long-enough-value"},
        {"value": "long-enough-value"},
    ],
)
async def test_what_is_no_secret_is_refused_without_repeating_it(circle: Circle, value: Json) -> None:
    answer = await circle.create("keeper", {"source": {"code": TELL}, "environment": {"TOKEN": value}})
    problem = refused(answer, 422, "INVALID_SPEC")
    assert problem["errors"][0]["pointer"].startswith("/spec/environment/TOKEN")
    assert "long-enough" not in answer.text
    assert "1234567" not in answer.text


async def test_eight_bytes_are_enough(circle: Circle) -> None:
    element = await telling(circle, "öööö")
    assert await seen(element) == about("öööö")


async def test_a_digest_names_nothing_in_another_element_or_under_another_name(circle: Circle) -> None:
    element, other = await telling(circle), await circle.ruby(TELL)
    digest = (await shown(element))["TOKEN"]
    refused(await other.patch({"spec": {"environment": {"TOKEN": digest}}}), 422, "INVALID_SPEC")
    refused(await element.patch({"spec": {"environment": {"RENAMED": digest}}}), 422, "INVALID_SPEC")


async def test_the_same_request_again_with_the_same_key_is_the_same_and_with_another_value_is_not(
    circle: Circle,
) -> None:
    element = await telling(circle)
    body = {"spec": {"environment": {"TOKEN": secret(OTHER)}}}
    first = await element.patch(body, headers={"Idempotency-Key": "rotate"})
    again = await element.patch(body, headers={"Idempotency-Key": "rotate"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    body = {"spec": {"environment": {"TOKEN": secret(OTHER + "!")}}}
    refused(await element.patch(body, headers={"Idempotency-Key": "rotate"}), 422, "IDEMPOTENCY_KEY_REUSED")
