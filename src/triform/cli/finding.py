"""What a check of `triform doctor` found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from triform.settings import Settings

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`warn`: it works, but worse. `fail`: an instance will not work. Both say how to mend it.

    `notes` are worth knowing, and nothing to mend.
    """

    name: str
    verdict: Verdict
    message: str
    fix: str = ""
    notes: tuple[str, ...] = ()


Check = Callable[[Settings], Finding]
