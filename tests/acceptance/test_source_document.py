"""The source document's page on Ruby, followed from top to bottom by somebody who has only read it.

One test per section. The gems are the real ones, as Debian ships them: httparty 0.21, activesupport 7.2.
"""

import asyncio
from datetime import datetime

import pytest

from tests.acceptance import debian, document, gems
from tests.acceptance.client import Circle, Element, Json, refused, run_id_of
from tests.acceptance.conftest import client_of, sign_in
from tests.acceptance.document import applied, send
from tests.acceptance.gems import deployed, pure, require, requiring
from tests.acceptance.server import Server
from triform.testing.gems import GemServer

PROJECT = "shop"
HTTPARTY, ACTIVESUPPORT = "httparty~>0.21", "activesupport~>7.1"


@pytest.fixture
async def circle(circle: Circle) -> Circle:
    """One with a project."""
    await circle.project(PROJECT)
    return circle


@pytest.fixture(scope="session")
def real_gems(server: Server, gem_source: GemServer) -> GemServer:
    """The document's gems and `tariff 1.0.0`, where the server takes them from; `tariff 2.0.0` is in `later`."""
    later = gem_source.folder / "later"
    later.mkdir()

    async def fill() -> None:
        async with client_of(server) as http:
            made = [*debian.gems(), pure("tariff", "1.0.0"), pure("tariff", "2.0.0")]
            await gems.build(await sign_in(http), made, later)

    asyncio.run(fill())
    for file in set(later.iterdir()) - {later / "tariff-2.0.0.gem"}:
        file.rename(gem_source.folder / file.name)
    return gem_source


async def value(element: Element, body: Json) -> Json:
    answer = await element.invoke(body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fails(element: Element, body: Json) -> Json:
    """The problem that a call ends with when its code raises."""
    return refused(await element.invoke(body), 500, "RUBY_EXECUTION_FAILED")


async def test_input_contract(circle: Circle) -> None:
    """Direct invoke, envelope invoke: the handler sees the same."""
    await circle.ruby(document.DIRECT_HANDLER, "my-fn")
    assert await send(circle, document.DIRECT_INVOKE) == {"message": "Hello, Alice!"}
    assert await send(circle, document.ENVELOPE_INVOKE) == {"message": "Hello, Alice!"}
    direct, envelope = reversed(await Element(circle, "my-fn").runs())
    assert (direct["input"], envelope["input"]) == ({"name": "Alice", "count": 3}, {"name": "Alice"})


async def test_quick_start(circle: Circle) -> None:
    made = await send(circle, document.QUICK_START_CREATE, PROJECT)
    assert (made["slug"], made["name"], made["state"], made["warnings"]) == ("greet", "Greeter", "ready", [])
    assert await send(circle, document.QUICK_START_INVOKE, PROJECT) == document.QUICK_START_RESPONSE
    assert await value(Element(circle, "greet"), {}) == {"message": "Hello, World!"}


async def test_deploying_with_gems(circle: Circle, real_gems: GemServer) -> None:
    """The gem is installed and makes the call; what is out there cannot be reached, which is told at once."""
    await send(circle, document.GEMS_CREATE, PROJECT)
    told = await send(circle, document.GEMS_DEPLOY, PROJECT)
    assert told["status"] == "deployed"
    assert told["bundle"]["gems"] == ["httparty 0.21.0", "mini_mime 1.1.5", "multi_xml 0.6.0"]
    fetcher = Element(circle, f"{PROJECT}/http-fetcher")
    await fetcher.patch({"spec": {"timeout_ms": 3000}})
    for url in ("https://api.example.com/", "http://93.184.215.14/", "http://127.0.0.1:80/"):
        problem = await fails(fetcher, {"url": url})
        assert problem["_suggestion"]["code"] == "EGRESS_BLOCKED"
        assert any("/gems/httparty-0.21.0/" in line for line in problem["exception"]["full_backtrace"])


async def test_writing_handlers(circle: Circle) -> None:
    element = await circle.ruby(document.WRITING_HANDLERS)
    assert await value(element, {"user_id": "u-1"}) == {"user_id": "u-1", "score": 42, "passed": False}
    assert (await value(element, {"user_id": "u-1", "threshold": 42}))["passed"] is True
    problem = await fails(element, {"user_id": "u-1", "threshold": "42"})
    assert problem["detail"] == "ArgumentError: comparison of Integer with String failed (main.rb:16)"


async def test_accessing_environment_variables(circle: Circle) -> None:
    """One from spec.environment, one of an attached variable."""
    code = document.ENVIRONMENT_HANDLER.replace("# ...", "[api_key, base_url]")
    element = await circle.ruby(code, environment={"MY_API_KEY": "abc"})
    assert await value(element, {}) == ["abc", None]
    await (await circle.variable("service-url", "https://service.example")).attach(element)
    assert await value(element, {}) == ["abc", "https://service.example"]
    secret = {"MY_API_KEY": {"secret": True, "value": "kept-to-itself"}}
    await element.patch({"spec": {"environment": secret}})
    assert "kept-to-itself" not in (await element.get()).text
    sees = code.replace("[api_key, base_url]", "api_key.size")
    await element.patch({"spec": {"source": {"code": sees}}})
    assert await value(element, {}) == len("kept-to-itself")


async def test_using_gems(circle: Circle, real_gems: GemServer) -> None:
    """Each form of a requirement is taken; without network HTTParty still reads what it is given."""
    await requiring(circle, "gem_name~>1.2", "other>=1.2,<3.4", "third")
    element = await requiring(circle, HTTPARTY, code=document.USING_GEMS)
    await deployed(element)
    problem = await fails(element, {"a": 1})
    assert problem["_suggestion"]["code"] == "EGRESS_BLOCKED"
    assert problem["exception"]["backtrace"] == ["main.rb:6:in handler"]
    reads = "require 'httparty'\ndef handler(input) = HTTParty::Parser.call(input['text'], :json)\n"
    await element.patch({"spec": {"source": {"code": reads}}})
    assert await value(element, {"text": '{"a": [1, "é"]}'}) == {"a": [1, "é"]}


async def test_example_project_spec(circle: Circle, real_gems: GemServer) -> None:
    transform = (await applied(circle, PROJECT, document.PROJECT_SPEC))["transform-order"]
    told = await deployed(transform)
    assert told["bundle"]["gems"][0].startswith("activesupport 7.")
    answer = await transform.invoke({"id": "A-17", "amount": "19.99", "currency": "eur"})
    output, run = answer.json(), await transform.run(run_id_of(answer))
    started, processed, finished = map(
        datetime.fromisoformat, (run["started_at"], output.pop("processed_at"), run["finished_at"])
    )
    assert started.replace(microsecond=0) <= processed <= finished
    assert output == {"order_id": "A-17", "total_cents": 1999, "currency": "EUR"}
    without = await value(transform, {"id": 18, "amount": 4.35})
    assert (without["order_id"], without["total_cents"], without["currency"]) == (18, 435, "USD")


async def test_common_mistakes_using_symbol_keys_for_input_access(circle: Circle, real_gems: GemServer) -> None:
    element = await circle.ruby("def handler(input) = { name: input[:name] }\n")
    assert await value(element, {"name": "Ada"}) == {"name": None}
    strict = await circle.ruby("def handler(input) = { name: input.fetch(:name) }\n")
    problem = await fails(strict, {"name": "Ada"})
    assert problem["detail"] == "KeyError: key not found: :name (main.rb:1)"
    assert problem["_suggestion"]["op"] == "run_get"
    code = "require 'active_support/all'\ndef handler(input) = input.with_indifferent_access[:name]\n"
    converted = await requiring(circle, ACTIVESUPPORT, code=code)
    await deployed(converted)
    assert await value(converted, {"name": "Ada"}) == "Ada"


async def test_common_mistakes_defining_the_handler_inside_a_class(circle: Circle) -> None:
    hidden = "class Greeter\n  def handler(input) = input['name']\nend\n"
    answer = await circle.create("greeter", {"source": {"type": "inline", "code": hidden}})
    assert answer.json()["warnings"] == [
        {"pointer": "/spec/source/code", "message": "no method handler is defined"}
    ]
    element = Element(circle, "greeter")
    for answer in (await element.invoke({"name": "Ada"}), await element.post("/ops/deploy")):
        problem = refused(answer, 422, "RUBY_HANDLER_NOT_FOUND")
        assert problem["detail"] == "main.rb defines no method handler"
        assert problem["_suggestion"]["op"] == "update"
    exposed = f"{hidden}def handler(input) = Greeter.new.handler(input)\n"
    await element.patch({"spec": {"source": {"code": exposed}}})
    assert await value(element, {"name": "Ada"}) == "Ada"
    module = "module Greeter\n  def self.greet(input) = input['name']\nend\n"
    await element.patch({"spec": {"handler": "Greeter.greet", "source": {"code": module}}})
    assert await value(element, {"name": "Ada"}) == "Ada"


async def test_common_mistakes_putting_gem_names_without_constraints(circle: Circle, real_gems: GemServer) -> None:
    """The first deploy takes the newest there is and keeps it; what is resolved later gets what is newest then."""
    element = await requiring(circle, "tariff")
    assert (await deployed(element))["bundle"]["gems"] == ["tariff 1.0.0"]
    (real_gems.folder / "later" / "tariff-2.0.0.gem").rename(real_gems.folder / "tariff-2.0.0.gem")
    assert (await deployed(element))["bundle"]["gems"] == ["tariff 1.0.0"]
    await require(element, "tariff", "mini_mime")
    assert (await deployed(element))["bundle"]["gems"] == ["mini_mime 1.1.5", "tariff 2.0.0"]


async def test_common_mistakes_forgetting_to_call_deploy_after_changing_requirements(
    circle: Circle, real_gems: GemServer
) -> None:
    code = "def handler(input) = require(input['library'])\n"
    element = await requiring(circle, HTTPARTY, code=code)
    await deployed(element)
    assert await value(element, {"library": "httparty"}) is True
    await require(element, ACTIVESUPPORT)
    problem = refused(await element.invoke({"library": "active_support"}), 409, "DEPLOY_REQUIRED")
    assert problem["detail"] == "The gems that version 2 requires have not been deployed."
    await element.post(f"/ops/{problem['_suggestion']['op']}")
    assert await value(element, {"library": "active_support"}) is True


async def test_common_mistakes_returning_non_serializable_ruby_objects(circle: Circle) -> None:
    """Symbols and times have a form in JSON all the same; an object without one is named, with its place."""
    money = "class Money\n  attr_accessor :cents\nend\n"
    code = f"{money}def handler(input) = eval(input['ruby'])\n"
    element = await circle.ruby(code)
    assert await value(element, {"ruby": "{ status: :paid }"}) == {"status": "paid"}
    assert await value(element, {"ruby": "Time.at(0).utc"}) == "1970-01-01T00:00:00Z"
    problem = await fails(element, {"ruby": "{ order: { lines: [1, Money.new] } }"})
    assert "$.order.lines[1] is an instance of Money" in problem["detail"]
    assert (problem["cause"], problem["exception"]["path"]) == ("unserialisable", "$.order.lines[1]")
    assert "no form in JSON" in problem["_suggestion"]["why"]
    speaking = money.replace("end", "  def to_json(*) = '{\"cents\":5}'\nend")
    await element.patch({"spec": {"source": {"code": code.replace(money, speaking)}}})
    assert await value(element, {"ruby": "{ order: Money.new }"}) == {"order": {"cents": 5}}
