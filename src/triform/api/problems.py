"""From failures to `application/problem+json` (RFC 9457). The only place that knows status numbers."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from starlette.responses import Response

from triform.chemistry.catalogue import Catalogue
from triform.errors import Failure, Kind, Suggestion, TriformError
from triform.runs.failures import failure_json

_log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

STATUS_OF_CLASS: Mapping[Kind, int] = {
    "validation": 422,
    "auth": 403,
    "not_found": 404,
    "conflict": 409,
    "billing": 402,
    "rate_limit": 429,
    "timeout": 504,
    "internal": 500,
    "unavailable": 503,
}

STATUS_OF_CODE: Mapping[str, int] = {
    "MALFORMED_REQUEST": 400,
    "MALFORMED_BODY": 400,
    "INVALID_HEADER": 400,
    "METHOD_NOT_ALLOWED": 405,
    "BODY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "UNAUTHENTICATED": 401,
    "VERSION_MISMATCH": 412,
    "CONFIRMATION_REQUIRED": 428,
}

_RETRY_AFTER_S = 1
_SERVER_FAULT = 500


def status_of(failure: Failure) -> int:
    return STATUS_OF_CODE.get(failure.code) or STATUS_OF_CLASS[failure.kind]


class Problems:
    """Renders failures with the titles chemistry gives them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def of_error(self, error: TriformError, instance: str, trace_id: str = "") -> Response:
        """A refusal. `error.detail` goes to the log, never to the caller."""
        failure = error.failure()
        status = status_of(failure)
        if status >= _SERVER_FAULT:
            _log.warning("refused_by_fault", code=failure.code, detail=error.detail, trace_id=trace_id)
        return self.of_failure(failure, instance, trace_id)

    def of_failure(
        self,
        failure: Failure,
        instance: str,
        trace_id: str = "",
        run_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        failure = self._with_suggestion(failure)
        status = status_of(failure)
        problem = self._document(failure, status, instance)
        problem |= {"trace_id": trace_id} if trace_id else {}
        problem |= {"run_id": run_id} if run_id else {}
        return Response(
            msgspec.json.encode(problem, enc_hook=str),
            status,
            headers={**_headers_of(failure, status), **(headers or {})},
            media_type=MEDIA_TYPE,
        )

    def _document(self, failure: Failure, status: int, instance: str) -> dict[str, Any]:
        declared = self._catalogue.errors.get(failure.code)
        told = failure_json(failure)
        return {
            "type": f"urn:triform:error:{failure.code}",
            "title": declared.title if declared else failure.code,
            "status": status,
            "detail": told.pop("message"),
            "instance": instance,
            **told,
        }

    def _with_suggestion(self, failure: Failure) -> Failure:
        """What the raiser left unsaid, chemistry says for the code."""
        declared = self._catalogue.errors.get(failure.code)
        if failure.suggestion is not None or declared is None:
            return failure
        return Failure(
            code=failure.code, kind=failure.kind, message=failure.message, retryable=failure.retryable,
            suggestion=declared.suggestion, errors=failure.errors, facts=failure.facts,
        )  # fmt: skip

    def unforeseen(self, error: Exception, instance: str, trace_id: str = "") -> Response:
        """A mistake of ours: logged whole, told as no more than that."""
        _log.error("unforeseen_error", instance=instance, trace_id=trace_id, exc_info=error)
        unforeseen = TriformError(
            suggestion=Suggestion(
                why="This is a fault of the platform, not of your request.",
                fix="Report it with the trace_id; the server's log has the rest under that id.",
            )
        )
        return self.of_failure(unforeseen.failure(), instance, trace_id)


def _headers_of(failure: Failure, status: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status in (429, 503):
        headers["Retry-After"] = str(max(1, int(failure.facts.get("retry_after_s", _RETRY_AFTER_S))))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if "allow" in failure.facts:
        headers["Allow"] = ", ".join(failure.facts["allow"])
    return headers
