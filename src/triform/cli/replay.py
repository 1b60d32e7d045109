"""`triform runs replay` and `replay-many`: recorded runs once more."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.client import Client, client_of
from triform.cli.completion import slugs
from triform.cli.figures import au, pairs
from triform.cli.invoke import pair, prefer, read_json, show_accepted
from triform.cli.local_code import code_of
from triform.cli.one_run import drawn, find
from triform.cli.outcome import Exit, WrongUsage
from triform.cli.terminal import AsJson, Terminal, terminal_of

if TYPE_CHECKING:
    from rich.console import RenderableType

Slug = Annotated[str, typer.Argument(help="The element.", autocompletion=slugs)]
Version = Annotated[int | None, typer.Option(min=1, help="Run this version; by default the one a call runs now.")]


def add_to(group: typer.Typer) -> None:
    group.command("replay")(replay)
    group.command("replay-many")(replay_many)


def replay(
    ctx: typer.Context,
    slug: Slug,
    run_id: Annotated[str, typer.Argument(help="The run's id, or its beginning.")],
    version: Version = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change the input: name=text or name:=json; deeper is a/b/0=…", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", "-i", help="Another input: a JSON file; - is stdin.")
    ] = None,
    respond_async: Annotated[bool, typer.Option("--async", help="Do not wait; print the run id.")] = False,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key runs the work once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a recorded run once more, and show the new one. Ends with 1 when that failed.

    triform diff SLUG RUN tells what is different.
    """
    if source and changes:
        raise WrongUsage("--set changes the recorded input, --input is another one", "use one of them")
    client, terminal = client_of(ctx), terminal_of(ctx)
    found = str(find(client, run_id, slug)["run_id"])
    given = {"input": read_json(source)} if source else _patch(client, slug, found, changes or [])
    body = given if version is None else {**given, "version": version}
    with terminal.working(f"running {slug} again"):
        headers = prefer(respond_async, None, idempotency_key)
        answer = client.send(
            "POST", client.op(f"runs/{found}/replay", slug), body=body, headers=headers, patient=True
        )
    if answer.status == 202:
        show_accepted(terminal, slug, answer.document)
    else:
        _show(terminal, slug, answer.document)


def _show(terminal: Terminal, slug: str, run: Mapping[str, Any]) -> None:
    terminal.answer(run, lambda: drawn(run))
    if run["error"] and not terminal.json:
        terminal.draw_problem(run["error"], code_of(slug))
    terminal.remark(f"triform diff {slug} {run['run_id']}")
    if run["status"] != "completed":
        raise typer.Exit(int(Exit.refused))


def _patch(client: Client, slug: str, run_id: str, changes: list[str]) -> dict[str, Any]:
    if not changes:
        return {}
    recorded = client.get(client.op(f"runs/{run_id}", slug))["input"]
    return {"input_patch": [_step(change, recorded) for change in changes]}


def _step(change: str, recorded: Any) -> Mapping[str, Any]:
    """What sets one place of the recorded input; in a list it replaces what is there."""
    path, value = pair(change)
    names = path.strip("/").split("/")
    for name in names[:-1]:
        recorded = _inner(recorded, name)
    pointer = "/" + "/".join(name.replace("~", "~0") for name in names)
    return {"op": "replace" if isinstance(recorded, list) else "add", "path": pointer, "value": value}


def _inner(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return value[int(name)] if name.isdecimal() and int(name) < len(value) else None
    return value.get(name) if isinstance(value, dict) else None


def replay_many(
    ctx: typer.Context,
    slug: Slug,
    start: Annotated[
        bool, typer.Option("--start", help="Start them; without it only say what would be done.")
    ] = False,
    canary: Annotated[
        int, typer.Option(min=0, max=100, help="Run so many first; go on if they end as before.")
    ] = 0,
    version: Version = None,
    status: Annotated[str | None, typer.Option(help="completed, failed, cancelled.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this time (RFC 3339).")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Run id prefix, error code, message.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many, the newest.")] = 50,
    per_second: Annotated[int, typer.Option(min=1, max=100, help="How many begin in a second at most.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Run many recorded runs once more; without --start only say which, and for how much.

    Ends with 5 when the canary ended otherwise than before: then nothing more was started.
    """
    client, terminal = client_of(ctx), terminal_of(ctx)
    chosen = {"status": status, "since": since, "until": until, "q": query, "limit": limit}
    body: dict[str, Any] = {
        "filter": {name: value for name, value in chosen.items() if value is not None},
        "dry_run": not start, "canary": canary, "per_second": per_second,
        **({} if version is None else {"version": version}),
    }  # fmt: skip
    with terminal.working(f"running {slug} again"):
        answer = client.send("POST", client.op("runs/replay", slug), body=body, patient=True).document
    terminal.answer(answer, lambda: _told(answer))
    for each in answer["refused"]:
        terminal.remark(f"left out: {each['run_id']} {each['code']}: {each['message']}")
    if answer["stopped"]:
        for each in (*answer["canary"]["differing"], *answer["canary"]["unfinished"]):
            terminal.remark(f"triform diff {slug} {each['run_id']}")
        raise typer.Exit(int(Exit.differs))


def _told(answer: Mapping[str, Any]) -> "RenderableType":
    cost, canary = answer["cost"], answer["canary"]
    started = sum(each["run_id"] is not None for each in answer["runs"])
    return pairs(
        {
            "runs": f"{answer['count']}" + (" (more match; raise --limit)" if answer["more"] else ""),
            "left out": len(answer["refused"]) or None,
            "version": f"{answer['version']} ({answer['env']})",
            "cost": f"at most {au(cost['most_micro_au'])}, of {au(cost['free_micro_au'])}",
            "canary": canary and f"{canary['runs']} runs, " + ("as before" if canary["same"] else "not as before"),
            "started": "nothing; --start does it" if answer["dry_run"] else started,
            "batch": answer["batch"],
        }
    )
