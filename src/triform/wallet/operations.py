"""The circle's own wallet operations."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from triform.clock import rfc3339
from triform.errors import Complaint, InvalidInput
from triform.reply import Reply
from triform.runs.call import Call
from triform.storage.database import Transaction
from triform.wallet.ledger import Ledger
from triform.wallet.model import Entry
from triform.wallet.quotes import Quotes


class WalletOperations:
    """And what a call will cost. `table()` names the functions the platform substrate binds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def table(self) -> Mapping[str, Any]:
        return {
            "wallet": self.wallet,
            "wallet_entries": self.entries,
            "wallet_top_up": self.top_up,
            "quote": Quotes(self._ledger).quote,
        }

    async def wallet(self, call: Call, tx: Transaction) -> Reply:
        """`{balance_micro_au, held_micro_au}`."""
        wallet = await self._ledger.wallet(tx, call.element.circle_id)
        return Reply({"balance_micro_au": wallet.balance_micro_au, "held_micro_au": wallet.held_micro_au})

    async def entries(self, call: Call, tx: Transaction) -> Reply:
        """`{entries, next}`, newest first; `next` is the cursor of the following page, null on the last."""
        limit = call.argument("limit", 50)
        found = await self._ledger.entries(
            tx,
            call.element.circle_id,
            before=_uuid("/next", call.argument("next")),
            run_id=_uuid("/run_id", call.argument("run_id")),
            limit=limit + 1,
            offset=call.argument("offset", 0),
        )
        page = found[:limit]
        following = str(page[-1].id) if len(found) > limit else None
        return Reply({"entries": [_entry_json(entry) for entry in page], "next": following})

    async def top_up(self, call: Call, tx: Transaction) -> Reply:
        """Adds `amount_micro_au` with a `reference`; answers the wallet."""
        circle_id = call.element.circle_id
        await self._ledger.top_up(tx, circle_id, call.argument("amount_micro_au"), call.argument("reference"))
        return await self.wallet(call, tx)


def _uuid(pointer: str, value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value is not None else None
    except ValueError:
        raise InvalidInput(errors=(Complaint(pointer, "This is not a UUID."),)) from None


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "run_id": str(entry.run_id) if entry.run_id else None,
        "dimension": entry.dimension,
        "amount_micro_au": entry.amount_micro_au,
        "balance_after_micro_au": entry.balance_after_micro_au,
        "reference": entry.reference,
        "at": rfc3339(entry.at),
    }
