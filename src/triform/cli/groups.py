"""Groups of verbs: one with a verb of its own, and the root, which keeps the order of its table."""

from typing import Any, ClassVar

from typer.core import TyperGroup


class DefaultVerb(TyperGroup):
    """`triform runs greet` means `triform runs list greet`: arguments that begin with no verb go to `default`.

    Completion of the first word proposes the verbs.
    """

    default: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ("--help", "-h"))
        if not named and not (ctx.resilient_parsing and not args):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


class InOrder(TyperGroup):
    """Shows its verbs in the order of `order`, groups among them."""

    order: ClassVar[tuple[str, ...]] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        named = [name for name in self.order if name in self.commands]
        return named + [name for name in self.commands if name not in named]
