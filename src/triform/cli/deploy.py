"""`triform deploy`: make the element in the circle what the folder declares, then deploy it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from triform.cli.client import Client, client_of
from triform.cli.declaration import Declaration, read
from triform.cli.figures import milliseconds
from triform.cli.invoke import timing
from triform.cli.local_code import code_in, pointing_into
from triform.cli.outcome import Refused, Stop
from triform.cli.terminal import AsJson, Terminal, terminal_of


@dataclass(frozen=True, slots=True)
class Deployed:
    """`change` is "created", "updated" or "unchanged"; `deploy` is the operation's answer."""

    change: str
    element: Mapping[str, Any]
    deploy: Mapping[str, Any]
    took_ms: float | None = None


def add_to(app: typer.Typer) -> None:
    app.command("deploy")(deploy)


def deploy(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder with triform.yaml.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Create or update the element a folder declares, and deploy it."""
    declared = read(folder)
    client, terminal = client_of(ctx), terminal_of(ctx)
    with terminal.working(f"deploying {declared.slug}") as tell, pointing_into(lambda: code_in(folder)):
        done = bring_up(client, declared, tell)
    document = {"change": done.change, "element": done.element, "deploy": done.deploy}
    terminal.answer(document, lambda: _line(client, done))
    tell_warnings(terminal, done.element.get("warnings") or [])


def bring_up(client: Client, declared: Declaration, tell: Any = lambda _: None) -> Deployed:
    """Create or update, then deploy. `tell` hears what is going on."""
    change, element = _saved(client, declared)
    tell(f"{declared.slug} version {element['version']}: preparing it to run")
    answer = client.send("POST", client.op("deploy", declared.slug), body={}, patient=True)
    return Deployed(change, element, answer.document, timing(answer.headers.get("Server-Timing", "")).get("total"))


def _saved(client: Client, declared: Declaration) -> tuple[str, Mapping[str, Any]]:
    present = _present(client, declared.slug)
    if present is None:
        body = {"element_type": declared.element_type, "slug": declared.slug, **declared.described()}
        return "created", client.post(client.element() + "/", body)
    if present["element_type"] != declared.element_type:
        raise Stop(
            f"{declared.slug} exists and is of type {present['element_type']}, not {declared.element_type}",
            "choose another slug in triform.yaml, or delete the element first",
        )
    if _same(declared, present):
        return "unchanged", present
    return "updated", _updated(client, declared, present)


def _present(client: Client, slug: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = client.get(client.element(slug))
    except Refused as refused:
        if refused.problem.get("status") == 404:
            return None
        raise
    return found


def _updated(client: Client, declared: Declaration, present: Mapping[str, Any]) -> Mapping[str, Any]:
    """Only if nobody else changed the element since we looked."""
    answer = client.send(
        "PATCH",
        client.element(declared.slug),
        body={**declared.described(), "deep": False},
        headers={"If-Match": f'"{present["version"]}"'},
    )
    found: Mapping[str, Any] = answer.document
    return found


def _same(declared: Declaration, present: Mapping[str, Any]) -> bool:
    """Whether an update would change nothing. In doubt it would: a needless version does no harm."""
    from triform.cli.chemistry import catalogue
    from triform.elements.secret_places import adopted

    known = catalogue().find(declared.element_type)
    if known is None or known.check_spec(adopted(known, declared.spec, present["spec"])).spec != present["spec"]:
        return False
    described = declared.described()
    return all(described[key] == present.get(key) for key in ("name", "intention") if key in described)


def _line(client: Client, done: Deployed) -> str:
    element, took = done.element, milliseconds(done.took_ms)
    address = client.url + client.op("invoke", element["slug"])
    source = done.deploy.get("source") or {}
    commit = f" at {source['commit'][:12]} of {source['repository']}" if source.get("repository") else ""
    return f"{element['slug']} version {element['version']} ({done.change}) is deployed{commit}, {took}\n{address}"


def tell_warnings(terminal: Terminal, warnings: Sequence[Any]) -> None:
    for warning in warnings:
        text = warning.get("message") if isinstance(warning, Mapping) else warning
        terminal.remark(f"warning: {text}", "yellow")
