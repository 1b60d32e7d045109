"""Operations as tools, by the Model Context Protocol, with its official client."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, EmbeddedResource, TextContent, Tool

from tests.acceptance.client import PRICE, Circle
from tests.acceptance.conftest import Circles

ADD = "def handler(input)\n  { sum: input['a'] + input['b'] }\nend\n"
MODES = ["auto", "legacy"]
"""The protocol's present version, and the one with a handshake."""


@asynccontextmanager
async def agent(circle: Circle, mode: Any = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {circle.token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60, verify=False) as http:
        url = f"{str(circle.http.base_url).rstrip('/')}{circle.path}/mcp"
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            yield client


async def listed(client: Client) -> dict[str, Tool]:
    """All pages."""
    page = await client.list_tools()
    tools = list(page.tools)
    while page.next_cursor:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    assert len({tool.name for tool in tools}) == len(tools)
    return {tool.name: tool for tool in tools}


def text(result: CallToolResult) -> Any:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return json.loads(content.text)


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_finds_an_element_and_calls_it(circle: Circle, mode: str) -> None:
    spec = {"source": {"type": "inline", "code": ADD}}
    await circle.create("add", spec, name="Adder", intention="Adds a and b.")
    async with agent(circle, mode) as client:
        tool = (await listed(client))["add_invoke"]
        assert "Adds a and b." in (tool.description or "")
        result = await client.call_tool("add_invoke", {"a": 1, "b": 2})
    assert (result.is_error, result.structured_content, text(result)) == (False, {"sum": 3}, {"sum": 3})
    assert result.meta is not None
    run = (await circle.get(f"/add/ops/runs/{result.meta['triform/run-id']}")).json()
    assert (run["trigger"], run["status"], run["input"]) == ("mcp", "completed", {"a": 1, "b": 2})
    assert run["cost_micro_au"] == PRICE


async def test_failing_code_is_a_result_that_says_what_failed(circle: Circle) -> None:
    await circle.ruby("def handler(input)\n  raise 'no'\nend\n", "fails")
    async with agent(circle) as client:
        result = await client.call_tool("fails_invoke", {})
    problem = text(result)
    assert result.is_error
    assert (problem["code"], problem["_suggestion"]["fix"] != "") == ("RUBY_EXECUTION_FAILED", True)


async def test_elements_are_made_changed_and_deleted_by_tools(circle: Circle) -> None:
    async with agent(circle) as client:
        spec = {"source": {"type": "inline", "code": ADD}}
        made = await client.call_tool("circle__create", {"element_type": "ruby", "slug": "made", "spec": spec})
        assert not made.is_error, text(made)
        assert (await listed(client))["ruby__update"].input_schema["required"][0] == "element"
        changed = await client.call_tool("ruby__update", {"element": "made", "intention": "Adds."})
        assert text(changed)["version"] == 2
        runs = await client.call_tool("ruby__runs", {"element": "made"})
        assert text(runs)["runs"] == []
        asked_back = await client.call_tool("ruby__delete", {"element": "made"})
        assert text(asked_back)["_suggestion"]["example"] == {"confirm": True}
        assert not (await client.call_tool("ruby__delete", {"element": "made", "confirm": True})).is_error
        assert "made_invoke" not in await listed(client)


async def test_what_is_wrong_with_the_arguments_is_said_by_pointer(circle: Circle) -> None:
    await circle.ruby(ADD, "add")
    async with agent(circle) as client:
        result = await client.call_tool("ruby__update", {"element": "add", "intention": 5})
    problem = text(result)
    assert (result.is_error, problem["errors"][0]["pointer"]) == (True, "/intention")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add", {}),
        ("_", {}),
        ("nothing_invoke", {}),
        ("add_nothing", {}),
        ("add_update", {"intention": "x"}),
        ("ruby__invoke", {"element": "add"}),
        ("ruby__nothing", {"element": "add"}),
        ("nothing__get", {"element": "add"}),
        ("circle__delete", {"element": "add"}),
        ("ruby__get", {}),
        ("ruby__get", {"element": 5}),
        ("ruby__get", {"element": "../other"}),
        ("ruby__get", {"element": "nothing"}),
        ("\u0000" * 500, {}),
    ],
)
async def test_a_tool_that_is_not_there_is_refused(circle: Circle, name: str, arguments: Any) -> None:
    await circle.ruby(ADD, "add")
    async with agent(circle) as client:
        with pytest.raises(MCPError):
            await client.call_tool(name, arguments)
    assert (await circle.get("/add")).json()["version"] == 1


async def test_a_circle_never_sees_another_s_tools(circle: Circle, new_circle: Circles) -> None:
    other = await new_circle()
    await other.ruby(ADD, "hidden")
    async with agent(circle) as client:
        assert not [name for name in await listed(client) if name.startswith("hidden")]
        with pytest.raises(MCPError):
            await client.call_tool("hidden_invoke", {"a": 1, "b": 2})
        with pytest.raises(MCPError):
            await client.call_tool("ruby__get", {"element": "hidden"})
    assert (await other.get("/hidden/ops/runs")).json()["runs"] == []
    foreign = await circle.http.post(
        f"{other.path}/mcp", json={}, headers={"Authorization": f"Bearer {circle.token}"}
    )
    assert foreign.status_code == 404


async def test_each_role_is_shown_and_may_do_what_http_lets_it(circle: Circle) -> None:
    await circle.ruby(ADD, "add")
    shown = {}
    for role in ("viewer", "operator", "member", "admin"):
        made = (await circle.post("/ops/tokens/create", {"name": role, "role": role})).json()
        async with agent(Circle(circle.http, circle.name, made["token"])) as client:
            shown[role] = await listed(client)
            result = await client.call_tool("add_invoke", {"a": 1, "b": 1})
            assert result.is_error == (role == "viewer"), role
            denied = await client.call_tool("circle__token_create", {})
            assert text(denied)["code"] == ("INVALID_INPUT" if role == "admin" else "FORBIDDEN"), role
    assert "add_invoke" not in shown["viewer"]
    assert set(shown["viewer"]) < set(shown["operator"]) < set(shown["member"]) < set(shown["admin"])


async def test_a_scoped_key_has_the_tools_of_its_scopes(circle: Circle) -> None:
    await circle.ruby(ADD, "add")
    key = {"name": "narrow", "role": "admin", "scopes": ["invoke"]}
    made = (await circle.post("/ops/tokens/create", key)).json()
    async with agent(Circle(circle.http, circle.name, made["token"])) as client:
        assert set(await listed(client)) == {"add_invoke"}
        assert text(await client.call_tool("ruby__get", {"element": "add"}))["code"] == "FORBIDDEN"


async def test_reading_and_destroying_tools_say_so(circle: Circle) -> None:
    await circle.ruby(ADD, "add")
    async with agent(circle) as client:
        hints = {name: tool.annotations for name, tool in (await listed(client)).items()}
    reading = {name for name, hint in hints.items() if hint and hint.read_only_hint}
    assert {"ruby__get", "ruby__runs", "circle__wallet"} <= reading
    assert reading.isdisjoint({"ruby__update", "ruby__delete", "add_invoke", "ruby__deploy"})
    assert hints["ruby__delete"] is not None
    assert hints["ruby__delete"].destructive_hint


async def test_bytes_come_as_a_resource(circle: Circle) -> None:
    await circle.ruby(ADD, "add")
    async with agent(circle) as client:
        (content,) = (await client.call_tool("ruby__export_bundle", {"element": "add"})).content
    assert isinstance(content, EmbeddedResource)
    assert base64.b64decode(content.resource.model_dump()["blob"]).startswith(b"# v")


async def test_elements_come_in_pages(circle: Circle) -> None:
    slugs = [f"page-{n:03}" for n in range(120)]
    spec = {"source": {"type": "inline", "code": ADD}}
    for slug in slugs:
        assert (await circle.create(slug, spec)).status_code == 201
    async with agent(circle) as client:
        first = await client.list_tools()
        assert first.next_cursor
        tools = await listed(client)
        with pytest.raises(MCPError):
            await client.list_tools(cursor="No Slug")
    assert [name for name in tools if name.startswith("page-")] == [f"{slug}_invoke" for slug in slugs]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"headers": {}}, 401),
        ({"headers": {"Authorization": "Bearer nonsense"}}, 401),
        ({"method": "GET"}, 405),
        ({"method": "DELETE"}, 405),
        ({"headers": {"Host": "evil.example"}}, 403),
        ({"content": b"{" * 100}, 400),
    ],
)
async def test_the_door_itself_is_guarded(circle: Circle, options: dict[str, Any], status: int) -> None:
    given = {"Authorization": f"Bearer {circle.token}"} if options.get("headers") is None else {}
    headers = {"Content-Type": "application/json", "Accept": "application/json", **given}
    answer = await circle.http.request(
        options.get("method", "POST"),
        f"{circle.path}/mcp",
        headers=headers | (options.get("headers") or {}),
        content=options.get("content", b"{}"),
    )
    assert answer.status_code == status, answer.text


async def test_a_cookie_counts_from_our_own_pages_only(circle: Circle) -> None:
    cookie = {"Cookie": f"triform_token={circle.token}", "Content-Type": "application/json"}
    foreign = await circle.http.post(f"{circle.path}/mcp", content=b"{}", headers=cookie)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "ORIGIN_REFUSED")
