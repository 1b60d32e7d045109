"""The product's own operations: a table of functions, each one transaction."""

from collections.abc import Iterable, Mapping
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.reply import Reply
from triform.runs.call import Call
from triform.storage.database import Transaction
from triform.substrates.interfaces import PLATFORM


class UnboundOperations(Exception):
    """Chemistry declares platform operations that nothing implements."""


class PlatformSubstrate:
    """Bound once, after the rooms that need what is built around this substrate."""

    def __init__(self) -> None:
        self._table: Mapping[str, Any] = {}

    def bind(self, catalogue: Catalogue, tables: Iterable[Mapping[str, Any]]) -> None:
        """`tables` are the rooms' `XxxOperations(...).table()`. Raises UnboundOperations."""
        self._table = {name: operation for table in tables for name, operation in table.items()}
        missing = _declared(catalogue) - self._table.keys()
        if missing:
            raise UnboundOperations(", ".join(sorted(missing)))

    async def prepare(self, call: Call) -> Any:
        """What the operation does before its transaction; None for most."""
        operation = self._table[call.operation.implementation]
        return await operation.prepare(call) if hasattr(operation, "prepare") else None

    async def transact(self, call: Call, tx: Transaction, prepared: Any) -> Reply:
        operation = self._table[call.operation.implementation]
        reply: Reply
        if hasattr(operation, "prepare"):
            reply = await operation(call, tx, prepared)
        else:
            reply = await operation(call, tx)
        return reply


def _declared(catalogue: Catalogue) -> set[str]:
    return {
        operation.implementation
        for kind in catalogue.types.values()
        for operation in kind.operations.values()
        if operation.substrate == PLATFORM
    }
