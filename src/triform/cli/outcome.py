"""How a command ends: exit codes, and the exceptions that carry them to `main`."""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from triform.cli.local_code import LocalCode


class Exit(IntEnum):
    """Stable: scripts rely on them."""

    ok = 0
    refused = 1
    """The platform refused, or the run failed."""
    usage = 2
    """The command line itself makes no sense."""
    not_signed_in = 3
    """No stored session, or the server does not accept it."""
    unreachable = 4
    """Nothing answers at that address."""
    differs = 5
    """What was compared is not the same."""
    interrupted = 130
    """Ctrl-C."""


class Stop(Exception):
    """A command cannot go on; `message` says why, `fix` what to do about it."""

    exit = Exit.refused

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    @property
    def problem(self) -> Mapping[str, Any]:
        """What programs read in its place; a refusal has the server's own."""
        return {"title": self.message, **({"_suggestion": {"fix": self.fix}} if self.fix else {})}


class WrongUsage(Stop):
    exit = Exit.usage


class NotSignedIn(Stop):
    exit = Exit.not_signed_in


class Unreachable(Stop):
    exit = Exit.unreachable


class Refused(Stop):
    """The server answered with a problem document (RFC 9457); `code_here` is the code it is about, if known."""

    code_here: "LocalCode | None" = None

    def __init__(self, problem: Mapping[str, Any]) -> None:
        suggestion = problem.get("_suggestion") or {}
        super().__init__(
            str(problem.get("detail") or problem.get("title") or "refused"), str(suggestion.get("fix", ""))
        )
        self._problem = problem
        if problem.get("status") == 401:
            self.exit = Exit.not_signed_in

    @property
    def problem(self) -> Mapping[str, Any]:
        return self._problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))
