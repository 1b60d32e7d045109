"""`triform invoke`: call an element; its output goes to stdout, cost, time and run id to stderr."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from triform.cli.client import Answer, client_of
from triform.cli.completion import slugs
from triform.cli.figures import au, milliseconds
from triform.cli.local_code import code_of, pointing_into
from triform.cli.outcome import WrongUsage
from triform.cli.terminal import AsJson, Terminal, harmless, terminal_of


def add_to(app: typer.Typer) -> None:
    app.command("invoke")(invoke)


def invoke(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(help="The element.", autocompletion=slugs)],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="name=text, name:=json; or - for JSON on stdin.", show_default=False)
    ] = None,
    source: Annotated[str | None, typer.Option("--input", "-i", help="A JSON file; - is stdin.")] = None,
    env: Annotated[str | None, typer.Option(help="draft, demo or live.")] = None,
    respond_async: Annotated[bool, typer.Option("--async", help="Do not wait; print the run id.")] = False,
    wait: Annotated[int | None, typer.Option(min=0, help="Wait so many seconds, then print the run id.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key runs the work once.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Pass the input exactly as it is (no unwrapping).")] = False,
    as_json: AsJson = False,
) -> None:
    """Invoke an element and print what it returns."""
    body = read_input(arguments or [], source)
    client, terminal = client_of(ctx), terminal_of(ctx)
    with terminal.working(f"running {slug}"), pointing_into(lambda: code_of(slug)):
        answer = client.send(
            "POST",
            client.op("invoke", slug),
            body=body,
            query={"env": env, "raw": 1 if raw else None},
            headers=prefer(respond_async, wait, idempotency_key),
            patient=True,
        )
    _show(terminal, slug, answer)


def read_input(arguments: list[str], source: str | None) -> Any:
    """The body to send: the JSON of `source`, with `name=text` and `name:=json` laid over it."""
    if arguments == ["-"]:
        arguments, source = [], "-"
    base = read_json(source) if source else {}
    if not arguments:
        return base
    if not isinstance(base, dict):
        raise WrongUsage("name=value needs an object as --input", "leave out the values, or send an object")
    return base | dict(map(pair, arguments))


def pair(argument: str) -> tuple[str, Any]:
    """`name=text` or `name:=json`."""
    name, equals, value = argument.partition("=")
    if not equals or name in ("", ":"):
        raise WrongUsage(f"{argument!r} is not name=text or name:=json", "for example: name=Ada count:=3")
    if not name.endswith(":"):
        return name, value
    return name[:-1], _decoded(value, argument)


def read_json(source: str) -> Any:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"cannot read {source}: {error}", "name a readable JSON file, or - for stdin") from error
    return _decoded(text, "stdin" if source == "-" else source)


def _decoded(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongUsage(
            f"{what} is not JSON: {error}", "strings need double quotes; name=text needs none"
        ) from error


def prefer(respond_async: bool, wait: int | None, idempotency_key: str | None) -> dict[str, str]:
    prefer = "respond-async" if respond_async else f"wait={wait}" if wait is not None else None
    named = {"Prefer": prefer, "Idempotency-Key": idempotency_key}
    return {name: value for name, value in named.items() if value is not None}


# --- showing -------------------------------------------------------------------------------------------------


def _show(terminal: Terminal, slug: str, answer: Answer) -> None:
    if answer.status == 202:
        show_accepted(terminal, slug, answer.document)
    elif terminal.json:
        terminal.document({**facts(answer.headers), "output": answer.document})
    else:
        terminal.line(_pretty(answer))
        terminal.remark(summary(answer.headers))


def show_accepted(terminal: Terminal, slug: str, run: Mapping[str, Any]) -> None:
    """The id of a run that goes on, and how to look at it."""
    if terminal.json:
        terminal.document(run)
        return
    terminal.line(str(run["run_id"]))
    terminal.remark(f"{run['status']}; triform runs show {run['run_id']}, triform logs {slug}")


def _pretty(answer: Answer) -> str:
    """The output exactly as it came; indented on a terminal, where people read it."""
    if not sys.stdout.isatty():
        return answer.text
    return harmless(json.dumps(answer.document, ensure_ascii=False, indent=2))


def facts(headers: Mapping[str, str]) -> dict[str, Any]:
    """What travelled in headers: run id, cost, time, version, environment."""
    cost = headers.get("Triform-Cost-Micro-Au")
    return {
        "run_id": headers.get("Triform-Run-Id"),
        "cost_micro_au": int(cost) if cost else 0,
        "duration_ms": timing(headers.get("Server-Timing", "")).get("total"),
        "version": headers.get("Triform-Version"),
        "env": headers.get("Triform-Env"),
        "replayed": headers.get("Idempotent-Replayed") == "true",
    }


def summary(headers: Mapping[str, str]) -> str:
    """One line: what it cost, how long it took, which run it was."""
    known = facts(headers)
    times = timing(headers.get("Server-Timing", ""))
    parts = [au(known["cost_micro_au"]), milliseconds(times.get("total"))]
    parts += [f"cold start {milliseconds(times['cold'])}"] if times.get("cold") else []
    parts += ["the recorded outcome of an earlier call"] if known["replayed"] else []
    return "  ".join([*parts, f"run {known['run_id']}"])


def timing(header: str) -> dict[str, float]:
    """`Server-Timing: queue;dur=0.1, exec;dur=1.9` → milliseconds by name."""
    found = {}
    for entry in header.split(","):
        name, _, duration = entry.partition(";dur=")
        if duration:
            found[name.strip()] = float(duration.split(";")[0])
    return found
