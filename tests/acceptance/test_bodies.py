"""What is posted reaches the handler as it was posted, or is refused with the place."""

import json
from typing import Any

import pytest

from tests.acceptance.client import Circle, refused, run_id_of

JSON_TYPE = {"Content-Type": "application/json"}
MIB = 1 << 20


async def test_an_empty_body_is_an_empty_object(circle: Circle) -> None:
    element = await circle.ruby()
    for options in ({}, {"content": b""}, {"content": b"  \n", "headers": JSON_TYPE}):
        assert (await element.post("/ops/invoke", **options)).json() == {}


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "true",
        "0",
        "-1",
        '"text"',
        "[]",
        "[1,[2,{}]]",
        "{}",
        '{"a":null}',
        '{"":1}',
        "1.5",
        "1e-7",
        "123456789012345678901234567890",
        "-9223372036854775809",
        "18446744073709551616",
        '"grüße 你好 🎉 \u2028"',
        r'"a\u0000b"',
        r'{"\u0000":"\u0000"}',
        r'"\ud83c\udf89"',
        '"' + "x" * 100_000 + '"',
    ],
)
async def test_every_json_value_comes_back_from_an_echo(circle: Circle, text: str) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/invoke", content=text.encode(), headers=JSON_TYPE)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == json.loads(text)
    run = await element.run(run_id_of(answer))
    assert run["input"] == run["output"] == json.loads(text)


async def test_big_numbers_nul_and_unicode_survive_the_opening_of_an_envelope(circle: Circle) -> None:
    element = await circle.ruby()
    inside = {"n": 2**70, "nul": "a\0b", "text": "grüße 🎉", "f": 0.1, "negative": -(2**65)}
    body = {"_triform_trace": 1, "payload": inside}
    assert (await element.invoke(body)).json() == inside


async def test_a_call_with_a_key_may_hold_big_numbers(circle: Circle) -> None:
    element = await circle.ruby()
    first = await element.invoke({"n": 2**70}, key="big")
    again = await element.invoke({"n": 2**70}, key="big")
    assert first.json() == again.json() == {"n": 2**70}
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("value", [2**70, "a\0b", "grüße 🎉", 10**400, [None, 1.5]])
async def test_meta_keeps_every_json_value(circle: Circle, value: Any) -> None:
    element = await circle.ruby()
    answer = await element.request("PATCH", "/ops/update_meta", json={"meta": {"value": value}})
    assert answer.status_code == 200, answer.text
    assert (await element.get()).json()["meta"] == {"value": value}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": }', 1, 7),
        ('{\n  "a": 1,\n  b: 2\n}', 3, 3),
        ('{"a": 1', 1, 8),
        ('{"a":\n\n  1 2}', 3, 5),
        ("[1,]", 1, 4),
        ("{'a': 1}", 1, 2),
        ("NaN", 1, 1),
    ],
)
async def test_malformed_json_is_refused_with_line_and_column(
    circle: Circle, text: str, line: int, column: int
) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/invoke", content=text.encode(), headers=JSON_TYPE)
    problem = refused(answer, 400, "MALFORMED_BODY")
    assert f"line {line}, column {column}" in problem["detail"]
    assert (problem["line"], problem["column"]) == (line, column)


async def test_bytes_that_are_not_utf8_are_refused_with_line_and_column(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/invoke", content=b'{"a": "\xff\xfe"}', headers=JSON_TYPE)
    problem = refused(answer, 400, "MALFORMED_BODY")
    assert "line 1" in problem["detail"]


async def test_a_lone_surrogate_is_refused_or_kept_but_breaks_nothing(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/invoke", content=rb'{"a": "\ud800"}', headers=JSON_TYPE)
    refused(answer, 400, "MALFORMED_BODY")


async def test_a_hundred_levels_are_taken_and_one_more_is_refused_with_its_place(circle: Circle) -> None:
    element = await circle.ruby()
    deep = "[" * 100 + "]" * 100
    assert (await element.post("/ops/invoke", content=deep, headers=JSON_TYPE)).text == deep
    too_deep = '{"a":\n' + "[" * 100 + "]" * 100 + "}"
    problem = refused(
        await element.post("/ops/invoke", content=too_deep, headers=JSON_TYPE), 400, "MALFORMED_BODY"
    )
    assert "line 2, column 100" in problem["detail"]


async def test_brackets_in_strings_are_no_depth(circle: Circle) -> None:
    element = await circle.ruby()
    body = {"text": '[{"' * 200, "escaped": '\\"[[[' * 100}
    assert (await element.invoke(body)).json() == body


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
async def test_other_content_types_are_refused(circle: Circle, kind: str) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/invoke", content=b'{"a": 1}', headers={"Content-Type": kind})
    refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.acme+json"]
)
async def test_every_kind_of_json_is_taken(circle: Circle, kind: str) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/invoke", content=b'{"a": 1}', headers={"Content-Type": kind})
    assert answer.json() == {"a": 1}


async def test_a_body_may_have_6_mib_and_not_a_byte_more(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  input.bytesize\nend\n")
    most = b'"' + b"x" * (6 * MIB - 2) + b'"'
    assert (await element.post("/ops/invoke", content=most, headers=JSON_TYPE)).json() == 6 * MIB - 2
    refused(await element.post("/ops/invoke", content=most + b" ", headers=JSON_TYPE), 413, "BODY_TOO_LARGE")


async def test_a_body_of_unknown_length_is_bounded_too(circle: Circle) -> None:
    element = await circle.ruby()

    async def endless() -> Any:
        yield b'"'
        for _ in range(7):
            yield b"x" * MIB
        yield b'"'

    refused(await element.post("/ops/invoke", content=endless(), headers=JSON_TYPE), 413, "BODY_TOO_LARGE")


async def test_operations_that_take_arguments_want_an_object(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.post("/ops/disable", [1]), 422, "INVALID_INPUT")


async def test_unknown_arguments_are_refused_by_name(circle: Circle) -> None:
    element = await circle.ruby()
    problem = refused(await element.post("/ops/disable", {"resaon": "typo"}), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"] == "/resaon"
    problem = refused(await element.get("/ops/runs", params={"state": "completed"}), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"] == "/state"


@pytest.mark.parametrize("key", ["payload", "data", "input"])
async def test_a_lone_envelope_with_an_object_is_opened_once(circle: Circle, key: str) -> None:
    element = await circle.ruby()
    assert (await element.invoke({key: {"name": "Ada"}})).json() == {"name": "Ada"}
    assert (await element.invoke({key: {key: {"name": "Ada"}}})).json() == {key: {"name": "Ada"}}
    assert (await element.invoke({key: {}})).json() == {}


@pytest.mark.parametrize(
    "body",
    [
        {"payload": 1},
        {"payload": [{"a": 1}]},
        {"data": "text"},
        {"input": None},
        {"payload": {"a": 1}, "more": 2},
        {"payload": {"a": 1}, "data": {"b": 2}},
        {"body": {"a": 1}},
        [{"payload": {"a": 1}}],
        {"Payload": {"a": 1}},
        {"a": {"_triform": 1}},
    ],
)
async def test_everything_else_reaches_the_handler_as_posted(circle: Circle, body: Any) -> None:
    element = await circle.ruby()
    assert (await element.invoke(body)).json() == body


async def test_internal_keys_are_stripped_before_and_after_the_envelope_is_opened(circle: Circle) -> None:
    element = await circle.ruby()
    body = {"_triform": 1, "_triform_x": 2, "payload": {"_triform_y": 3, "a": {"_triform_z": 4}}}
    assert (await element.invoke(body)).json() == {"a": {"_triform_z": 4}}
    assert (await element.invoke({"_triform": 1, "a": 1, "b": 2})).json() == {"a": 1, "b": 2}


async def test_raw_switches_the_envelope_off(circle: Circle) -> None:
    element = await circle.ruby()
    body = {"_triform": 1, "payload": {"a": 1}}
    assert (await element.post("/ops/invoke?raw=1", body)).json() == body
    assert (await element.post("/ops/invoke?raw=0", body)).json() == {"a": 1}


@pytest.mark.parametrize("query", ["rwa=1", "name=Ada", "raw=1&raw2=1", "env=nowhere", "raw=maybe", "="])
async def test_a_query_that_is_not_understood_is_refused_and_makes_no_run(circle: Circle, query: str) -> None:
    element = await circle.ruby()
    problem = refused(await element.post(f"/ops/invoke?{query}", {}), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"].startswith("/")
    assert "raw, env" in problem["_suggestion"]["why"]
    assert (await element.get("/ops/runs")).json()["runs"] == []


async def test_the_run_keeps_the_input_as_the_handler_saw_it(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"_triform": 1, "payload": {"a": 1}})
    assert (await element.run(run_id_of(answer)))["input"] == {"a": 1}


async def test_members_keep_their_order_and_numbers_their_form(circle: Circle) -> None:
    element = await circle.ruby()
    text = '{"z":1,"a":1.0,"m":{"b":2,"a":1}}'
    assert (await element.post("/ops/invoke", content=text, headers=JSON_TYPE)).text == text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ops/wallet/top_up", {"amount_micro_au": 1, "reference": "a\0b"}),
        ("/ops/create", {"element_type": "ruby", "slug": "b", "name": "a\0b", "spec": {"source": {"code": "1"}}}),
        ("/ops/create", {"element_type": "ruby", "slug": "b", "spec": {"source": {"code": "#\0"}}}),
        ("/ops/create", {"element_type": "a\0b", "slug": "b"}),
        ("/ops/update", {"intention": "a\0b"}),
        ("/ops/update_meta", {"meta": {"a\0b": "a\0b"}}),
        ("/ops/children", {"q": "a\0b"}),
        ("/ops/children", {"types": ["a\0b"]}),
        ("/ops/runs", {"q": "a\0b"}),
        ("/ops/runs", {"operation": "a\0b"}),
        ("/ops/members/set", {"identity": "a\0b", "role": "viewer"}),
        ("/ops/tokens/create", {"name": "a\0b", "role": "viewer"}),
        ("/ops/tokens/create", {"name": "a", "role": "viewer", "scopes": ["a\0b"]}),
        ("/echo/ops/disable", {"reason": "a\0b"}),
        ("/echo/ops/validate_source", {"source": {"code": "a\0b"}, "handler": "a\0b"}),
        ("/echo/ops/invoke", {"a\0b": "a\0b"}),
    ],
)
async def test_a_nul_is_kept_or_refused_and_never_a_fault(circle: Circle, path: str, body: Any) -> None:
    await circle.ruby(slug="echo")
    answer = await circle.post(path, body)
    assert answer.status_code < 500, answer.text
    assert "a\0b" not in answer.json().get("detail", "")
