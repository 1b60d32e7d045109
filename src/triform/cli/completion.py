"""What the shell proposes on TAB beside verbs and options. Whatever goes wrong, it proposes nothing."""

import typer

from triform.cli.outcome import Stop
from triform.errors import TriformError

_PATIENCE_S = 1.0
_MOST = 500


def slugs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Elements of the circle the command would act in."""
    from triform.cli.client import client_of

    root = ctx.find_root()
    ctx.meta["triform.url"], ctx.meta["triform.circle"] = root.params.get("url"), root.params.get("circle")
    try:
        with client_of(ctx, answer_s=_PATIENCE_S) as client:
            found = client.get(client.op("children"), limit=_MOST)["children"]
    except Stop:
        return []
    return [each["slug"] for each in found if each["slug"].startswith(incomplete)]


def types(incomplete: str) -> list[str]:
    """Element types that one can make."""
    from triform.cli.chemistry import catalogue

    try:
        known = catalogue().types.values()
    except (Stop, TriformError):
        return []
    return sorted(kind.name for kind in known if not kind.tenant and kind.name.startswith(incomplete))
