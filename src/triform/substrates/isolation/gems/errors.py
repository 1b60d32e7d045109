"""Why requirements did not become a bundle. Values for `explain`, which tells people."""

from collections.abc import Sequence
from dataclasses import dataclass


class SourceTrouble(Exception):
    """The gem source does not do its part. `passing`: the network failed, another try may work.

    The text names the source without its credentials.
    """

    def __init__(self, message: str, fix: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.fix = fix
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Alternative:
    """A requirement that, with another constraint, makes the others possible: `~> version`."""

    name: str
    version: str


class Unresolved(Exception):
    """There is no choice of versions. `status` is Bundler's exit status, the text its explanation."""

    def __init__(self, status: int, text: str, alternatives: Sequence[Alternative] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.alternatives = tuple(alternatives)


REFUSED = "refused"
"""The cause when a build came to its end, but what it left cannot be taken."""


class NotBuilt(Exception):
    """Installing failed; the text is the end of what Bundler and the build said. `cause`: how the sandbox ended,
    if not by itself, or REFUSED."""

    def __init__(self, text: str, cause: str = "") -> None:
        super().__init__(text)
        self.cause = cause
