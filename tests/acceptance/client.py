"""What a caller holds: a circle, the elements in it, and answers. Everything goes over HTTP."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import anyio
import httpx2

Json = Any
_SLUGS = count(1)
_PATIENCE_S = 30.0
_LOOK_AGAIN_S = 0.02

ECHO = "def handler(input)\n  input\nend\n"
HOLD = """
def handler(input)
  $stdout.sync = true
  puts 'started'
  sleep
end
"""
"""Goes on until somebody cancels it."""
FAIL = "def handler(input)\n  raise ArgumentError, input.fetch('why', 'no reason')\nend\n"
PRICE = 10_000
"""Micro-AU of one invocation."""
GRANT = 100_000_000
"""Micro-AU a new circle is given."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle and a token for it. Paths are relative to `/api/{circle}`."""

    http: httpx2.AsyncClient
    name: str
    token: str
    refresh_token: str = ""

    @property
    def path(self) -> str:
        return f"/api/{self.name}"

    async def request(self, verb: str, path: str = "", **options: Any) -> httpx2.Response:
        """`headers=` are added to the credential; the rest as in httpx2."""
        headers = {"Authorization": f"Bearer {self.token}", **(options.pop("headers", None) or {})}
        return await self.http.request(verb, self.path + path, headers=headers, **options)

    async def get(self, path: str = "", **options: Any) -> httpx2.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str = "", body: Json = None, **options: Any) -> httpx2.Response:
        if body is not None:
            options["json"] = body
        return await self.request("POST", path, **options)

    async def create(self, slug: str, spec: Json, **members: Json) -> httpx2.Response:
        return await self.post("/", {"element_type": "ruby", "slug": slug, "spec": spec, **members})

    async def ruby(self, code: str = ECHO, slug: str | None = None, **spec: Json) -> "Element":
        """A Ruby element with this code; `spec` are its other properties."""
        slug = slug or f"element-{next(_SLUGS)}"
        answer = await self.create(slug, {"source": {"type": "inline", "code": code}, **spec})
        assert answer.status_code == 201, answer.text
        return Element(self, slug)

    async def element(self, element_type: str, slug: str, spec: Json = None, **members: Json) -> "Element":
        """One of any type."""
        answer = await self.create(slug, spec or {}, element_type=element_type, **members)
        assert answer.status_code == 201, answer.text
        return Element(self, slug)

    async def variable(self, slug: str, value: Json, **spec: Json) -> "Element":
        return await self.element("variable", slug, {"value": value, **spec})

    async def project(self, slug: str, *members: str) -> "Element":
        return await self.element("project", slug, {"members": list(members)})

    async def id(self) -> str:
        return str((await self.get()).json()["id"])

    async def wallet(self) -> Json:
        return (await self.get("/ops/wallet")).json()

    async def top_up(self, amount_micro_au: int) -> Json:
        body = {"amount_micro_au": amount_micro_au, "reference": "a test"}
        answer = await self.post("/ops/wallet/top_up", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def free_all(self) -> None:
        """Cancels whatever of this circle has not ended."""
        for status in ("pending", "running"):
            for run in (await self.get("/ops/runs", params={"status": status, "limit": 500})).json()["runs"]:
                await self.post(f"/{run['element']}/ops/runs/{run['run_id']}/cancel")

    async def entries(self, **query: Any) -> list[Json]:
        """Of the ledger, newest first."""
        entries: list[Json] = (await self.get("/ops/wallet/entries", params=query)).json()["entries"]
        return entries


@dataclass(frozen=True, slots=True)
class Element:
    """An element in a circle. Paths are relative to `/api/{circle}/{slug}`."""

    circle: Circle
    slug: str

    @property
    def path(self) -> str:
        return f"{self.circle.path}/{self.slug}"

    async def request(self, verb: str, path: str = "", **options: Any) -> httpx2.Response:
        return await self.circle.request(verb, f"/{self.slug}{path}", **options)

    async def id(self) -> str:
        return str((await self.get()).json()["id"])

    async def attach(self, target: "Element | Circle", **terms: Any) -> Json:
        """This modifier to another element."""
        answer = await self.post("/ops/attach", {"target_id": await target.id(), **terms})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str = "", **options: Any) -> httpx2.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str = "", body: Json = None, **options: Any) -> httpx2.Response:
        return await self.circle.post(f"/{self.slug}{path}", body, **options)

    async def patch(self, body: Json, **options: Any) -> httpx2.Response:
        return await self.request("PATCH", json=body, **options)

    async def invoke(
        self, body: Json = None, *, key: str = "", prefer: str = "", **options: Any
    ) -> httpx2.Response:
        """`key`: the Idempotency-Key; `prefer`: e.g. `respond-async`."""
        named = {"Idempotency-Key": key, "Prefer": prefer}
        headers = {name: value for name, value in named.items() if value} | (options.pop("headers", None) or {})
        return await self.post("/ops/invoke", body, headers=headers, **options)

    async def start(self, body: Json = None, **options: Any) -> str:
        """Invokes asynchronously; the run's id."""
        answer = await self.invoke(body, prefer="respond-async", **options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])

    async def run(self, run_id: str) -> Json:
        answer = await self.get(f"/ops/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        return told

    async def ended(self, run_id: str) -> Json:
        """The run once it has ended, by long-polling."""
        run = (await self.get(f"/ops/runs/{run_id}", params={"wait": "30"})).json()
        assert run["finished_at"], run
        return run

    async def reached(self, run_id: str, status: str) -> Json:
        """The run once it is in this status."""
        run = None

        async def there() -> bool:
            nonlocal run
            run = await self.run(run_id)
            return bool(run["status"] == status)

        await until(there, f"{run_id} is {status}")
        return run

    async def printed(self, run_id: str, text: str) -> Json:
        """The run once its log holds a line with this text: the handler has come that far."""
        run = None

        async def there() -> bool:
            nonlocal run
            run = await self.run(run_id)
            return any(text in line["text"] for line in run["logs"]["lines"])

        await until(there, f"{run_id} printed {text!r}")
        return run

    async def backing_off(self, run_id: str) -> Json:
        """The run once it waits for its next attempt."""
        run = None

        async def there() -> bool:
            nonlocal run
            run = await self.run(run_id)
            return bool(run["status"] == "pending" and run["attempts"] and run["next_attempt_at"])

        await until(there, f"{run_id} waits for its next attempt")
        return run

    async def cancel(self, run_id: str) -> httpx2.Response:
        return await self.post(f"/ops/runs/{run_id}/cancel")

    async def some(self, number: int, status: str) -> list[Json]:
        """The runs in this status, once there are so many of them."""
        found: list[Json] = []

        async def there() -> bool:
            nonlocal found
            found = await self.runs(status=status)
            return len(found) == number

        await until(there, f"{number} runs are {status}")
        return found

    async def runs(self, **query: Any) -> list[Json]:
        listed: list[Json] = (await self.get("/ops/runs", params=query)).json()["runs"]
        return listed


def run_id_of(answer: httpx2.Response) -> str:
    return str(answer.headers["Triform-Run-Id"])


def timing_of(answer: httpx2.Response) -> dict[str, float]:
    """Milliseconds by name, from Server-Timing."""
    parts = (part.partition(";dur=") for part in answer.headers["Server-Timing"].split(", "))
    return {name: float(duration) for name, _, duration in parts}


def lines_of(run: Json) -> list[str]:
    """What the run printed, in order."""
    return [line["text"] for line in run["logs"]["lines"]]


def refused(answer: httpx2.Response, status: int, code: str) -> Json:
    """Asserts that the answer is a whole problem document with this status and code; the document."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:2000]}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    assert problem["class"] == _class_of(status), problem
    assert isinstance(problem["retryable"], bool)
    _assert_typed(problem["_suggestion"])
    return problem


_CLASSES: Mapping[str, set[int]] = {
    "validation": {400, 405, 413, 415, 422},
    "auth": {401, 403},
    "not_found": {404},
    "conflict": {409, 412, 428},
    "billing": {402},
    "rate_limit": {429},
    "timeout": {504},
    "internal": {500},
    "unavailable": {503},
}
_SUGGESTION = {"code", "why", "fix", "op", "patch", "example", "docs"}


def _class_of(status: int) -> str:
    return next(name for name, statuses in _CLASSES.items() if status in statuses)


def _assert_typed(suggestion: Json) -> None:
    assert suggestion["why"], suggestion
    assert suggestion["fix"], suggestion
    assert set(suggestion) <= _SUGGESTION, suggestion


async def until(condition: Callable[[], Awaitable[bool]], what: str, within_s: float = _PATIENCE_S) -> None:
    """Looks again and again until the condition holds."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await anyio.sleep(_LOOK_AGAIN_S)
