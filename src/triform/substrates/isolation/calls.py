"""What a guest may ask of the host while it runs."""

from typing import Any, Protocol


class CallRefused(Exception):
    """The host does not do what the guest asked for; `code` is for the guest's program."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class HostCalls(Protocol):
    """Authority lives here: it knows which run asks."""

    async def answer(self, method: str, params: Any) -> Any:
        """A JSON-serialisable answer. Raises `CallRefused`."""


class NoCalls:
    """Nothing to ask for."""

    async def answer(self, method: str, params: Any) -> Any:
        raise CallRefused("UNKNOWN_METHOD", f"there is no host call {method[:100]!r}")
