"""A bad end of user code, wherever it was noticed."""

from dataclasses import dataclass

from triform.substrates.isolation.messages import GuestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """In the words of chemistry: `cause` is one of its END_CAUSES. `loading`: before any handler ran."""

    cause: str
    error: GuestError | None = None
    code: int | None = None
    signal: int | None = None
    detail: str = ""
    memory_peak_mb: float = 0.0
    loading: bool = False
