"""What a request of git's says: to which repository, for which service, in whose name."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from triform.api.body import UnsupportedMediaType
from triform.api.headers import raw_path
from triform.api.problems import status_of
from triform.elements.paths import Address
from triform.errors import NotFound, Suggestion, TriformError, Unauthenticated

PREFIX = "/git"
FETCH, PUSH = "git-upload-pack", "git-receive-pack"
NEEDS: Mapping[str, str] = {FETCH: "source", PUSH: "update"}
"""The operation whose level a service asks for."""

_PATH = re.compile(rf"{PREFIX}/([a-z0-9-]+)(?:/([a-z0-9-]+))?\.git/(info/refs|{FETCH}|{PUSH})")
_PROTOCOL = re.compile(r"version=[012]")
_FIRST = "info/refs"


@dataclass(frozen=True, slots=True)
class GitRequest:
    """What is asked for; nothing of it has been granted. `first`: where the branches are, before anything else.

    `version` is the protocol a fetch may choose; a push has one only.
    """

    address: Address
    service: str
    first: bool
    version: str
    gzip: bool
    headers: Headers
    scope: Scope

    @property
    def bearer(self) -> str:
        """Basic with any user name and a token as the password, or Bearer; a cookie does not count here.

        Raises Unauthenticated when there is neither.
        """
        values = self.headers.getlist("authorization")
        scheme, _, given = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        if scheme.lower() == "bearer":
            return f"Bearer {given}"
        try:
            told = base64.b64decode(given.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            told = ""
        password = told.partition(":")[2]
        if not password:
            raise Unauthenticated(suggestion=_SIGN_IN)
        return f"Bearer {password}"


def read_request(scope: Scope) -> GitRequest:
    """Raises NotFound for what is no address of git's smart protocol, UnsupportedMediaType for a foreign body."""
    headers, path = Headers(scope=scope), _PATH.fullmatch(raw_path(scope))
    if path is None:
        raise NotFound(suggestion=ADDRESS)
    circle, slug, called = path.groups()
    first = called == _FIRST
    service = _service_asked(scope) if first else called
    if scope["method"] != ("GET" if first else "POST"):
        raise NotFound(suggestion=SPEAK_GIT)
    wanted = f"application/x-{service}-request"
    if not first and headers.get("content-type") != wanted:
        raise UnsupportedMediaType(f"The content type is not {wanted}.", suggestion=SPEAK_GIT)
    version = headers.get("git-protocol", "")
    return GitRequest(
        address=Address(circle, slug),
        service=service,
        first=first,
        version=version if service == FETCH and _PROTOCOL.fullmatch(version) else "",
        gzip=headers.get("content-encoding") in ("gzip", "x-gzip"),
        headers=headers,
        scope=scope,
    )


def _service_asked(scope: Scope) -> str:
    """The old protocol, which reads files one by one, asks for none."""
    query: bytes = scope["query_string"]
    asked = parse_qs(query.decode("latin-1"), max_num_fields=10).get("service", [""])[0]
    if asked not in NEEDS:
        raise NotFound(suggestion=SPEAK_GIT)
    return asked


def refusal_of(error: TriformError) -> Response:
    """Plain text, which git shows to whoever uses it."""
    status = status_of(error.failure())
    told = f"{error.message}\n{error.suggestion.fix}\n" if error.suggestion else f"{error.message}\n"
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="triform"'} if status == 401 else {}
    return Response(told, status, headers=headers, media_type="text/plain")


ADDRESS = Suggestion(
    why="No repository has this address, or you may not see it.",
    fix="Use the clone_url that the element's source_status tells.",
    op="source_status",
)
_SIGN_IN = Suggestion(
    why="A token or an API key of the circle is wanted as the password; the user name may be anything.",
    fix="Give a token as the password; an admin makes one with the circle's tokens/create operation.",
)
REPAIR = Suggestion(
    why="The repository is damaged, or larger than is sent in one go.",
    fix="Look at it with source_repair, then let it mend with dry_run=false.",
    op="source_repair",
)
SPEAK_GIT = Suggestion(why="Only git's smart HTTP protocol is spoken here.", fix="Use git 2.0 or newer.")
