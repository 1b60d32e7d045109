"""The HTTP client every verb uses: address, credential, refresh, and problems as exceptions."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import quote, urlsplit

import typer

from triform.cli.outcome import NotSignedIn, Refused, Unreachable, WrongUsage
from triform.cli.sessions import Session, Sessions, expiry, stored_sessions

if TYPE_CHECKING:
    import ssl

    import httpx2


def _act_in(ctx: typer.Context, value: str | None) -> str | None:
    ctx.meta["triform.circle"] = value or ctx.meta.get("triform.circle")
    return value


InCircle = Annotated[
    str | None, typer.Option("--circle", help="The circle to act in; also before the verb.", callback=_act_in)
]
"""Of verbs that one may want to point at one circle, then at another."""

DEFAULT_URL = "http://127.0.0.1:8743"
_CONNECT_S = 5.0
_ANSWER_S = 30.0
_REFRESH_BEFORE = timedelta(seconds=60)
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful response. `text` is the body as it came (numbers exact)."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text) if self.text else None


class Client:
    """Requests to one server, with the credential of one circle."""

    def __init__(
        self,
        url: str,
        session: Session | None = None,
        sessions: Sessions | None = None,
        answer_s: float = _ANSWER_S,
    ) -> None:
        self.url = url.rstrip("/")
        self._answer_s = answer_s
        self._session = session
        self._sessions = sessions
        self._http = _connection(self.url)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def circle(self) -> str:
        if self._session is None:
            raise NotSignedIn("not signed in", f"triform login --url {self.url} --circle NAME")
        return self._session.circle

    def op(self, operation: str, slug: str | None = None) -> str:
        """The path of an operation on an element, or on the circle itself."""
        return f"{self.element(slug)}/ops/{operation}"

    def element(self, slug: str | None = None) -> str:
        base = f"/api/{quote(self.circle, safe='')}"
        return f"{base}/{quote(slug, safe='')}" if slug else base

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer of a GET; None in `query` is left out."""
        return self.send("GET", path, query=query).document

    def post(self, path: str, body: Any = None) -> Any:
        return self.send("POST", path, body={} if body is None else body).document

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> Answer:
        """One request. `patient`: the answer may take as long as it takes (user code runs).

        Raises `Refused` for a problem document, `NotSignedIn` for a session that cannot be refreshed and
        `Unreachable` when nothing answers.
        """
        self._refresh_if_due()
        request = self._request(
            method, path, body, query or {}, {**(headers or {}), **self._credential()}, patient
        )
        return self._checked(self._exchange(request))

    def _request(
        self,
        method: str,
        path: str,
        body: Any,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        patient: bool,
    ) -> "httpx2.Request":
        import httpx2

        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self._http.build_request(
            method,
            self.url + path,
            content=content,
            params={key: value for key, value in query.items() if value is not None},
            headers={"Accept": "application/json", **kind, **headers},
            timeout=httpx2.Timeout(None if patient else self._answer_s, connect=min(_CONNECT_S, self._answer_s)),
        )

    def _exchange(self, request: "httpx2.Request") -> "httpx2.Response":
        import httpx2

        try:
            return self._http.send(request)
        except httpx2.TimeoutException as error:
            raise Unreachable(
                f"{self.url} did not answer in time", "look at the server's log; triform doctor"
            ) from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            fix = f"start one (triform up), or name the right address (--url, TRIFORM_URL); tried {self.url}"
            raise Unreachable(f"nothing answers at {self.url}: {error}", fix) from error

    def _checked(self, response: "httpx2.Response") -> Answer:
        if response.status_code < 400:
            return Answer(response.status_code, response.headers, response.text)
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            raise Unreachable(
                f"{self.url} answered {response.status_code} and does not sound like Triform", "check --url"
            )
        raise Refused({"status": response.status_code, **problem})

    def _credential(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._session.token}"} if self._session else {}

    # --- refreshing ------------------------------------------------------------------------------------------

    def _refresh_if_due(self) -> None:
        session, sessions = self._session, self._sessions
        if session is None or sessions is None or not _due(session):
            return
        with sessions.locked():
            newest = sessions.find(session.url, session.circle) or session
            self._session = self._refreshed(newest, sessions) if _due(newest) else newest

    def _refreshed(self, session: Session, sessions: Sessions) -> Session:
        body = {"refresh_token": session.refresh_token}
        request = self._request("POST", "/api/auth/refresh", body, {}, {}, False)
        try:
            document = self._checked(self._exchange(request)).document
        except Refused as refused:
            fix = f"triform login --url {session.url} --circle {session.circle}"
            raise NotSignedIn("the stored session has ended", fix) from refused
        session = replace(
            session,
            token=document["token"],
            refresh_token=document["refresh_token"],
            expires_at=expiry(document["expires_in"]),
        )
        sessions.save(session, current=False)
        return session


def client_of(ctx: typer.Context, answer_s: float = _ANSWER_S) -> Client:
    """The client for the address, circle and credential of this command: options, then TRIFORM_*, then stored.

    It is closed when the command ends.
    """
    client = _client(ctx, answer_s)
    ctx.call_on_close(client.close)
    return client


def _client(ctx: typer.Context, answer_s: float) -> Client:
    url, circle = ctx.meta.get("triform.url"), ctx.meta.get("triform.circle")
    sessions = stored_sessions()
    token = os.environ.get("TRIFORM_TOKEN")
    stored = sessions.find(url, circle)
    if not token:
        if stored is None:
            where = (f" to circle {circle}" if circle else "") + (f" at {url}" if url else "")
            raise NotSignedIn(f"not signed in{where}", _login_hint(url, circle))
        return Client(stored.url, stored, sessions, answer_s)
    current = stored or sessions.find(url)
    circle = circle or (current.circle if current else None)
    if circle is None:
        raise WrongUsage("TRIFORM_TOKEN is set, but not the circle it belongs to", "set TRIFORM_CIRCLE")
    url = url or (current.url if current else DEFAULT_URL)
    return Client(url, Session(url, circle, token), answer_s=answer_s)


def _login_hint(url: str | None, circle: str | None) -> str:
    return "triform login" + (f" --url {url}" if url else "") + f" --circle {circle or 'NAME'}"


def _due(session: Session) -> bool:
    if not session.refresh_token or not session.expires_at:
        return False
    return datetime.fromisoformat(session.expires_at) - datetime.now(UTC) < _REFRESH_BEFORE


def _connection(url: str) -> "httpx2.Client":
    import httpx2

    place = urlsplit(url)
    if place.hostname not in _THIS_MACHINE:
        return httpx2.Client(follow_redirects=False)
    # A proxy from the environment must never see what is meant for this machine.
    verify = True if place.scheme == "https" else nobody_trusted()
    return httpx2.Client(trust_env=False, follow_redirects=False, verify=verify)


def nobody_trusted() -> "ssl.SSLContext":
    """For plain HTTP, which needs no certificates: reading the machine's takes longer than a short verb."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
