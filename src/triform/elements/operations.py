"""Everything an element itself can be asked, by the names chemistry implements operations under."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.clock import Clock
from triform.elements.bonds import Bonds
from triform.elements.cache import ElementCache
from triform.elements.checking import SpecCheck
from triform.elements.create import Create
from triform.elements.graph.connections import Connections
from triform.elements.graph.looking import GraphLooking
from triform.elements.graph.promote import Promote
from triform.elements.graph.store import GraphStore
from triform.elements.looking import Looking
from triform.elements.restore import Restore
from triform.elements.saving import Saving
from triform.elements.secrets import Secrets
from triform.elements.source import Source
from triform.elements.source_check import SourceCheck
from triform.elements.store import ElementStore
from triform.elements.update import Update
from triform.elements.upkeep import Upkeep
from triform.elements.versions import Versions
from triform.ids import Ids


@dataclass(frozen=True, slots=True)
class ElementOperations:
    """`table()` names the functions; `create` and `update` want to `prepare` outside the transaction."""

    catalogue: Catalogue
    store: ElementStore
    source: Source
    source_check: SourceCheck
    bonds: Iterable[Bonds]
    cache: ElementCache
    graphs: GraphStore
    secrets: Secrets
    ids: Ids
    clock: Clock

    def table(self) -> Mapping[str, Any]:
        spec_check, versions = SpecCheck(self.source_check, self.source), Versions(self.store, self.source)
        connections = Connections(self.graphs, self.cache.forget_circle)
        saving = Saving(self.store, versions, connections, self.secrets, self.clock)
        upkeep = Upkeep(self.store, (*self.bonds, self.graphs), connections, self.cache.forget, self.clock)
        looking, graph = Looking(self.catalogue, self.store), GraphLooking(self.catalogue, self.graphs)
        return {
            "create": Create(self.catalogue, self.store, saving, spec_check, self.ids, self.clock),
            "get": looking.get,
            "update": Update(self.store, saving, spec_check, self.cache),
            "restore": Restore(self.store, saving, spec_check, self.cache),
            "update_meta": upkeep.update_meta,
            "delete": upkeep.delete,
            "enable": upkeep.enable,
            "disable": upkeep.disable,
            "version": looking.version,
            "schema": looking.schema,
            "children": looking.children,
            "tree": graph.tree,
            "context": graph.context,
            "intention": looking.intention,
            "promote": Promote(self.catalogue, self.store, self.graphs, saving, self.clock),
        }
