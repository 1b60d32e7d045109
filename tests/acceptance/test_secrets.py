"""A secret goes into an element's environment and never comes out again, in no form, anywhere."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import asyncpg
import pytest

from tests.acceptance import processes
from tests.acceptance.client import Circle, Element, Json, lines_of, refused, run_id_of
from tests.acceptance.conftest import StartServer, client_of, sign_in

SECRET = 's3cr3t/+tök en&"x"~\'\\y'
LINES = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n"
OTHER = "another-value-of-it"

TELL = """
LOADED = ENV['TOKEN'] == ENV['TOKEN'].dup && ENV.key?('TOKEN')
def handler(input)
  { 'bytes' => ENV['TOKEN'].bytesize, 'first' => ENV['TOKEN'].bytes.first, 'loaded' => LOADED }
end
"""
"""Says enough about the value to know that it is there."""

PRINT = """
require 'json'
require 'erb'
require 'uri'
require 'openssl'

puts "loading with #{ENV['TOKEN']}"

def forms(value)
  [value, value.inspect, JSON.generate(value), JSON.generate(value, script_safe: true),
   ERB::Util.url_encode(value), URI.encode_www_form_component(value), URI.encode_www_form(t: value),
   [value].pack('m0'), [value].pack('m'), ['a' + value].pack('m0'), ['ab' + value + 'c'].pack('m0'),
   ["user:#{value}" * 4].pack('m'), [value].pack('m0').tr('+/', '-_').delete('='),
   URI.encode_www_form_component([value].pack('m0'))]
end

def handler(input)
  value = ENV.fetch(input['name'] || 'TOKEN')
  $stdout.sync = $stderr.sync = true
  forms(value).each { |form| puts form; warn "warned: #{form}" }
  value.each_char { |character| $stdout.write(character) }
  puts
  case input['end']
  when 'raise' then raise ArgumentError, "cannot use #{value} (#{[value].pack('m0')})"
  when 'cause'
    begin
      raise KeyError, value
    rescue KeyError
      raise TypeError, "wrapped #{value.inspect}"
    end
  when 'cut' then $stdout.write(value[0, value.size - 2]); exit!(3)
  else { 'token' => value, value => forms(value), 'nested' => [{ 'deep' => "x#{value}y" }] }
  end
end
"""


def forms_of(value: str) -> Iterator[str]:
    raw = value.encode()
    yield from (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (quote(value, safe=""), quote_plus(value), quote(value, safe="").lower())
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        core = encoded[-(-8 * before // 6) : 8 * (before + len(raw)) // 6].decode()
        yield from (core, core.replace("+", "-").replace("/", "_"))


def assert_nothing_of(value: str, told: str) -> None:
    """No six characters in a row of any form. What stands around the values has nothing in common with them."""
    for form in forms_of(value):
        for at in range(len(form) - 5):
            assert form[at : at + 6] not in told, form[at : at + 6]


def secret(value: str) -> Json:
    return {"secret": True, "value": value}


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


async def test_neither_tables_nor_files_nor_processes_have_the_value(
    start_server: StartServer, empty_database_dsn: str
) -> None:
    server = start_server(database_url=empty_database_dsn, log_level="debug")
    async with client_of(server) as http:
        circle = await sign_in(http)
        element = await telling(circle, code=PRINT, KEY=secret(LINES))
        await element.post("/ops/deploy")
        for end in ("return", "raise", "cut"):
            await element.invoke({"end": end, "t": SECRET}, key=end)
            await element.ended(await element.start({"end": end, "t": SECRET, "name": "KEY"}))
        await element.patch({"spec": {"environment": {"TOKEN": secret(OTHER)}}}, headers={"Idempotency-Key": "k"})
        twice = json.dumps({"spec": {"environment": {"TOKEN": secret(OTHER)}}})[:-1] + ', "spec": {}}'
        await element.request("PATCH", content=twice, headers={"Content-Type": "application/json"})
        holding = await circle.ruby(
            "def handler(input)\n  puts 'there'\n  sleep\nend\n", environment={"T": secret(SECRET)}
        )
        run_id = await holding.start()
        await holding.printed(run_id, "there")
        _look_into_processes(server.pid)
        await holding.cancel(run_id)
        for run in (await circle.get("/ops/runs", params={"operation": "*", "limit": 500})).json()["runs"]:
            for value in (SECRET, LINES, OTHER):
                assert_nothing_of(value, json.dumps(run, ensure_ascii=False))
    for place, content in [*(await _tables(empty_database_dsn)), *_files(server.data_dir)]:
        for value in (SECRET, LINES, OTHER):
            for form in forms_of(value):
                assert form.encode() not in content, (place, form)
                assert form.encode().hex().encode() not in content, (place, form)


def _look_into_processes(pid: int) -> None:
    for alive in processes.below(pid):
        for name in ("environ", "cmdline"):
            content = _read(Path(f"/proc/{alive.pid}/{name}"))
            for value in (SECRET, LINES, OTHER):
                assert value.encode() not in content, (alive.pid, name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def _tables(dsn: str) -> list[tuple[str, bytes]]:
    """Every column of every table of the platform, bytes as they are and the rest as text."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE ALL ('{pg_%,inf%}')"
        )
        assert len(tables) > 10
        found = []
        for schema, table in tables:
            rows = await connection.fetch(f'SELECT * FROM "{schema}"."{table}"')
            cells = [
                cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row.values()
            ]
            found.append((f"{schema}.{table}", b"\n".join(cells)))
        return found
    finally:
        await connection.close()


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Logs, spool, code: all the server has written."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
