"""`triform login`: get a session and keep it. Secrets come from a prompt or stdin, never from the command line."""

import sys
from typing import Annotated, Any

import typer

from triform.cli.client import DEFAULT_URL, Client
from triform.cli.outcome import Refused, Stop, WrongUsage
from triform.cli.sessions import Session, expiry, stored_sessions
from triform.cli.terminal import AsJson, Terminal, terminal_of


def add_to(app: typer.Typer) -> None:
    app.command("login")(login)


def login(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option(help="The server.")] = None,
    circle: Annotated[str | None, typer.Option(help="The circle; in dev mode also your name.")] = None,
    user: Annotated[str | None, typer.Option(help="Sign in with a password as this identity.")] = None,
    key: Annotated[bool, typer.Option("--key", help="Read an API key from stdin and keep it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign in and keep the session for the next commands.

    Without --user and --key this is the dev sign-in of an instance on this machine. Passwords and keys are
    asked for, or read from stdin when it is not a terminal.
    """
    url = (url or ctx.meta.get("triform.url") or DEFAULT_URL).rstrip("/")
    circle = circle or ctx.meta.get("triform.circle")
    terminal = terminal_of(ctx)
    if not url.startswith("https://") and not _on_this_machine(url):
        terminal.remark(f"{url} is not encrypted: whoever is on the way can read the session", "yellow")
    if key:
        session = Session(url, _wanted(circle), read_secret("API key: "))
    else:
        session = with_password(url, user, circle) if user else dev_sign_in(url, _wanted(circle))
    stored = stored_sessions()
    stored.save(session)
    _tell(terminal, session, str(stored.path))


def dev_sign_in(url: str, circle: str) -> Session:
    """The dev sign-in: circle and identity of that name, made when they are new."""
    try:
        with Client(url) as client:
            answer = client.post("/api/auth/dev", {"circle_name": circle})
    except Refused as refused:
        if refused.problem.get("status") in (403, 404):
            raise Stop(
                f"{url} has no dev sign-in", "triform login --user NAME, or --key for an API key"
            ) from refused
        raise
    return _session(url, answer)


def with_password(url: str, user: str, circle: str | None) -> Session:
    body = {"identity": user, "password": read_secret(f"Password of {user}: ")}
    with Client(url) as client:
        return _session(url, client.post("/api/auth/login", body | ({"circle": circle} if circle else {})))


def _session(url: str, answer: dict[str, Any]) -> Session:
    return Session(
        url=url,
        circle=answer["circle"]["slug"],
        token=answer["token"],
        refresh_token=answer["refresh_token"],
        expires_at=expiry(answer["expires_in"]),
    )


def _wanted(circle: str | None) -> str:
    if not circle:
        raise WrongUsage("which circle?", "triform login --circle NAME")
    return circle


def read_secret(prompt: str, *, twice: bool = False) -> str:
    """From a terminal without showing it, else the first line of stdin. `twice`: so that no slip is kept."""
    if not sys.stdin.isatty():
        secret = sys.stdin.readline().rstrip("\r\n")
    else:
        from getpass import getpass

        secret = getpass(prompt)
        if twice and secret and getpass("Once more: ") != secret:
            raise WrongUsage("the two are not the same", "type it again")
    if not secret:
        raise WrongUsage("nothing was entered", "type it at the prompt, or pipe it in on stdin")
    return secret


def _on_this_machine(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))


def _tell(terminal: Terminal, session: Session, path: str) -> None:
    facts = {"url": session.url, "circle": session.circle, "expires_at": session.expires_at, "stored_in": path}
    terminal.answer(facts, lambda: f"signed in at {session.url}, circle {session.circle}")
    terminal.remark(f"session kept in {path}")
