"""An HTTP answer of an operation as the result of a tool: the same value, the same problem, the same facts."""

import base64
from typing import Any

import msgspec
from mcp_types import BlobResourceContents, CallToolResult, EmbeddedResource, TextContent
from starlette.responses import Response

_JSON = ("application/json", "application/problem+json")
_FACTS = ("triform-run-id", "triform-cost-micro-au", "triform-version", "triform-env", "location", "traceparent")
_FAILED = 400


def result_of(answer: Response) -> CallToolResult:
    """A problem is a result too (`isError`): the model reads what is wrong and how to mend it."""
    body, facts = bytes(answer.body), _facts(answer)
    if answer.media_type not in _JSON:
        return CallToolResult(content=[_bytes(body, str(answer.media_type), facts)], _meta=facts)
    value = msgspec.json.decode(body)
    return CallToolResult(
        content=[TextContent(type="text", text=body.decode())],
        structured_content=value if isinstance(value, dict) else None,
        is_error=answer.status_code >= _FAILED,
        _meta=facts,
    )


def _facts(answer: Response) -> dict[str, Any]:
    """What HTTP says in headers."""
    told = {f"triform/{name.removeprefix('triform-')}": answer.headers.get(name) for name in _FACTS}
    return {"triform/status": answer.status_code, **{name: value for name, value in told.items() if value}}


def _bytes(body: bytes, media_type: str, facts: dict[str, Any]) -> EmbeddedResource:
    address = str(facts.get("triform/location", "triform:answer"))
    blob = base64.b64encode(body).decode()
    return EmbeddedResource(
        type="resource", resource=BlobResourceContents(uri=address, blob=blob, mime_type=media_type)
    )
