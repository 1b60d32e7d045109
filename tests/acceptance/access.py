"""Every operation of every type at an address in a circle, and credentials of every role."""

from collections.abc import Iterator
from typing import Any

import httpx2

from tests.acceptance.client import Circle
from triform.chemistry.catalogue import ElementType, Operation

LEVELS = ("none", "read", "execute", "write", "admin")
ROLES = {"viewer": "read", "operator": "execute", "member": "write", "admin": "admin"}
SOME_RUN = "01980000-0000-7000-8000-000000000000"


def doors(kind: ElementType, slug: str) -> Iterator[tuple[Operation, str, str]]:
    """Each operation with each verb and path (below the circle) that opens it."""
    base = "" if kind.tenant else f"/{slug}"
    for operation in kind.operations.values():
        path = f"{base}/ops/{operation.path}".replace("{run_id}", SOME_RUN)
        for verb in dict.fromkeys((operation.verb, "POST")):
            yield operation, verb, path


def reaches(role: str, operation: Operation) -> bool:
    """Whether this role may call it, going by its declared level."""
    return LEVELS.index(ROLES[role]) >= LEVELS.index(operation.level)


async def home(circle: Circle, kind: ElementType) -> str:
    """The slug of an element of this type; for the tenant, of nothing."""
    if kind.tenant:
        return ""
    made = await circle.create(f"a-{kind.name}", kind.examples[0].spec, element_type=kind.name)
    assert made.status_code == 201, made.text
    return str(made.json()["slug"])


async def knock(circle: Circle, verb: str, path: str, token: str | None) -> httpx2.Response:
    """Calls with arguments that change nothing, should it be let in."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body: dict[str, Any] = {} if verb == "GET" else {"json": {}}
    return await circle.http.request(verb, circle.path + path, headers=headers, **body)


async def key(circle: Circle, role: str, **more: Any) -> str:
    """An API key of this role."""
    answer = await circle.post("/ops/tokens/create", {"name": f"a {role}", "role": role, **more})
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token
