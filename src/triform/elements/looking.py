"""Operations that only look: get, version, intention, schema, children."""

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.tools import tools
from triform.circles.policy import may
from triform.elements.checking import below_spec
from triform.elements.model import Element
from triform.elements.request import Request, flag, whole_number, word, words
from triform.elements.show import child_json, element_json, etag, provenance_json, version_json
from triform.elements.store import ElementStore, Wanted
from triform.errors import NotFound
from triform.reply import Reply
from triform.storage.database import Transaction

HISTORY = 50
CHILDREN_PAGE = 50
LONGEST_PAGE = 500
FARTHEST = 1_000_000


class Looking:
    def __init__(self, catalogue: Catalogue, store: ElementStore) -> None:
        self._catalogue = catalogue
        self._store = store

    async def get(self, call: Request, tx: Transaction) -> Reply:
        """The element as it is now, and `provenance` {JSON pointer into its type: who declared it}."""
        element = await self._fresh(call, tx)
        warnings = below_spec(call.type.check_spec(element.spec).warnings)
        shown = element_json(element, call.type, warnings)
        return Reply({**shown, "provenance": provenance_json(call.type)}, etag(element))

    async def version(self, call: Request, tx: Transaction) -> Reply:
        """`{version}`; with `history` also `versions`, newest first, at most `limit` (50)."""
        element = await self._fresh(call, tx)
        if not flag(call, "history", False):
            return Reply({"version": element.version}, etag(element))
        limit = whole_number(call, "limit", HISTORY, 1, LONGEST_PAGE)
        versions = await self._store.versions(tx, element.id, limit)
        shown = {"version": element.version, "versions": [version_json(each) for each in versions]}
        return Reply(shown, etag(element))

    async def intention(self, call: Request, tx: Transaction) -> Reply:
        """`{direct, inherited, resolved}`: the element's own, then what its type, category and the root say."""
        element = await self._fresh(call, tx)
        names = {"type": call.type.name, "category": call.type.category, "root": "root"}
        inherited = [
            {"from": height, "name": name, "intention": call.type.intentions[height]}
            for height, name in names.items()
            if height in call.type.intentions
        ]
        texts = [element.intention, *(each["intention"] for each in inherited)]
        resolved = next((text for text in texts if text), None)
        return Reply({"direct": element.intention or None, "inherited": inherited, "resolved": resolved})

    async def schema(self, call: Request, tx: Transaction) -> Reply:
        """`{tools}`: what the element can do, in the form of MCP's `tools/list`."""
        return Reply({"tools": tools(call.type, lambda each: may(call.principal, each.level, each.name))})

    async def children(self, call: Request, tx: Transaction) -> Reply:
        """`{children, total}` by slug. Filters: `types`, `state`, `q` (part of slug or name)."""
        wanted = Wanted(words(call, "types"), words(call, "state"), word(call, "q"))
        limit = whole_number(call, "limit", CHILDREN_PAGE, 1, LONGEST_PAGE)
        offset = whole_number(call, "offset", 0, 0, FARTHEST)
        found, total = await self._store.children(tx, call.element.id, wanted, limit=limit, offset=offset)
        shown = [child_json(each, self._catalogue.find(each.element_type)) for each in found]
        return Reply({"children": shown, "total": total, "limit": limit, "offset": offset})

    async def _fresh(self, call: Request, tx: Transaction) -> Element:
        element = await self._store.find_by_id(tx, call.element.circle_id, call.element.id)
        if element is None:
            raise NotFound()
        return element
