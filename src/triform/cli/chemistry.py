"""`triform chemistry`: look at the declared element types, check definitions, write the reference."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.completion import types
from triform.cli.figures import au, pairs, table
from triform.cli.outcome import Exit, Stop, WrongUsage
from triform.cli.terminal import AsJson, terminal_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from triform.chemistry.catalogue import Catalogue, ElementType

Folders = Annotated[
    list[Path] | None, typer.Argument(help="More definition folders (category/type/*.yaml).", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Element types: list, show, check, write their reference.", no_args_is_help=True)
    group.command("check")(check)
    group.command("list")(list_types)
    group.command("show")(show)
    group.command("docs")(docs)
    app.add_typer(group, name="chemistry")


def catalogue(extra: tuple[Path, ...] = ()) -> "Catalogue":
    """The compiled catalogue, with the folders of TRIFORM_DEFINITIONS."""
    from triform.cli.up import settings

    return _load((*settings().definitions, *extra))


@functools.cache
def _load(extra: tuple[Path, ...]) -> "Catalogue":
    from triform.chemistry.catalogue import load
    from triform.chemistry.complaints import DefinitionsRefused

    try:
        return load(extra)
    except DefinitionsRefused as refused:
        raise Stop(str(refused), "mend the lines named above; docs/how-to/add-an-element-type.md") from refused


def check(ctx: typer.Context, folders: Folders = None, as_json: AsJson = False) -> None:
    """Load and check every definition.

    Complaints come with file and line.
    """
    found = catalogue(tuple(folders or ()))
    facts = {"types": len(found.types), "operations": sum(len(kind.operations) for kind in found.types.values())}
    terminal_of(ctx).answer(facts, lambda: f"ok: {facts['types']} types, {facts['operations']} operations")


def list_types(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the element types."""
    types = sorted(catalogue().types.values(), key=lambda kind: (kind.category, kind.name))
    document = {"types": [_brief(kind) for kind in types]}
    rows = [(kind.name, kind.category, kind.form, kind.one_line) for kind in types]
    terminal_of(ctx).answer(document, lambda: table(("type", "category", "form", "what it does"), rows))


def show(
    ctx: typer.Context,
    element_type: Annotated[str, typer.Argument(metavar="TYPE", help="An element type.", autocompletion=types)],
    as_json: AsJson = False,
) -> None:
    """Show a type: its properties, operations, prices and errors."""
    known = catalogue()
    kind = known.find(element_type)
    if kind is None:
        raise WrongUsage(f"there is no element type {element_type!r}", f"one of: {', '.join(sorted(known.types))}")
    terminal_of(ctx).answer(_described(kind), lambda: _drawn(kind))


def docs(
    ctx: typer.Context,
    into: Annotated[Path, typer.Option(help="The folder of the reference.")] = Path("docs/reference"),
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a page is stale.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the reference pages from the definitions."""
    from triform.chemistry.docs import pages, stale_pages

    stale = stale_pages(into, pages(catalogue()))
    if not check_only:
        _write(stale)
    document = {"stale" if check_only else "written": [str(path) for path in stale]}
    verb = "stale" if check_only else "written"
    terminal_of(ctx).answer(document, lambda: "\n".join(f"{verb}: {path}" for path in stale) or "up to date")
    if check_only and stale:
        terminal_of(ctx).complain("FIX: bin/triform chemistry docs", "green")
        raise typer.Exit(int(Exit.refused))


def _write(pages: dict[Path, str]) -> None:
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# --- drawing -------------------------------------------------------------------------------------------------


def _brief(kind: "ElementType") -> dict[str, Any]:
    return {"name": kind.name, "category": kind.category, "form": kind.form, "one_line": kind.one_line}


def _described(kind: "ElementType") -> dict[str, Any]:
    return {
        **_brief(kind),
        "properties": kind.properties.document,
        "operations": [
            {"name": op.name, "verb": op.verb, "path": op.path, "level": op.level, "summary": op.summary}
            for op in kind.operations.values()
        ],
        "errors": [
            {"code": error.code, "class": error.kind, "retryable": error.retryable, "title": error.title}
            for error in kind.errors.values()
        ],
    }


def _drawn(kind: "ElementType") -> "RenderableType":
    from rich.console import Group

    properties = kind.properties.document.get("properties", {})
    spec = [(name, str(rule.get("type", "any")), rule.get("description", "")) for name, rule in properties.items()]
    operations = [
        (op.name, f"{op.verb} ops/{op.path}", op.level, op.summary + _price(op)) for op in kind.operations.values()
    ]
    return Group(
        pairs({"type": kind.name, "category": kind.category, "form": kind.form, "does": kind.one_line}),
        "\nspec",
        table(("property", "type", "meaning"), spec),
        "\noperations",
        table(("operation", "address", "level", "does"), operations),
        "\nerrors",
        table(("code", "class", "means"), [(e.code, e.kind, e.title) for e in kind.errors.values()]),
    )


def _price(operation: Any) -> str:
    prices = ", ".join(f"{au(price.amount_micro_au)} {price.dimension}" for price in operation.prices)
    return f" Costs {prices}." if prices else ""
