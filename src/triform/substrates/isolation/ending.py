"""A bad end of user code, wherever it was noticed."""

from dataclasses import dataclass, replace

from msgspec import structs

from triform.runs.mask import Mask
from triform.substrates.isolation.messages import GuestError, Place, SyntaxProblem


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

    def masked(self, mask: Mask | None) -> "Ending":
        """The same in words that hold no secret values."""
        if mask is None:
            return self
        error = _masked(self.error, mask) if self.error else None
        return replace(self, error=error, detail=mask.text(self.detail))


def _masked(error: GuestError, mask: Mask) -> GuestError:
    return structs.replace(
        error,
        class_name=mask.text(error.class_name),
        message=mask.text(error.message),
        backtrace=tuple(Place(mask.text(at.file), at.line, mask.text(at.label)) for at in error.backtrace),
        path=mask.text(error.path) if error.path else error.path,
        missing=mask.text(error.missing) if error.missing else error.missing,
        errors=tuple(SyntaxProblem(each.line, each.column, mask.text(each.message)) for each in error.errors),
        cause=_masked(error.cause, mask) if error.cause else None,
    )
