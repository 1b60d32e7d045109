"""Everything an element itself can be asked, by the names chemistry implements operations under."""

from collections.abc import Iterable, Mapping
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.clock import Clock
from triform.elements.cache import ElementCache
from triform.elements.checking import SpecCheck
from triform.elements.create import Create
from triform.elements.looking import Looking
from triform.elements.secrets import Secrets
from triform.elements.source_check import SourceCheck
from triform.elements.store import ElementStore
from triform.elements.update import Update
from triform.elements.upkeep import Bonds, Upkeep
from triform.ids import Ids


class ElementOperations:
    """`table()` names the functions; `create` and `update` want to `prepare` outside the transaction."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: ElementStore,
        source_check: SourceCheck,
        bonds: Iterable[Bonds],
        cache: ElementCache,
        secrets: Secrets,
        ids: Ids,
        clock: Clock,
    ) -> None:
        spec_check = SpecCheck(source_check)
        self._create = Create(catalogue, store, spec_check, secrets, ids, clock)
        self._update = Update(store, spec_check, secrets, cache, clock)
        self._upkeep = Upkeep(store, bonds, cache.forget, clock)
        self._looking = Looking(catalogue, store)

    def table(self) -> Mapping[str, Any]:
        return {
            "create": self._create,
            "get": self._looking.get,
            "update": self._update,
            "update_meta": self._upkeep.update_meta,
            "delete": self._upkeep.delete,
            "enable": self._upkeep.enable,
            "disable": self._upkeep.disable,
            "version": self._looking.version,
            "schema": self._looking.schema,
            "children": self._looking.children,
        }
