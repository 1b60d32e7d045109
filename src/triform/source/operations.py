"""Everything an element's source can be asked, by the names chemistry implements operations under."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triform.clock import Clock
from triform.elements.cache import ElementCache
from triform.elements.graph.store import GraphStore
from triform.elements.store import ElementStore
from triform.runs.masks import Masks
from triform.source.bundles import Bundles
from triform.source.export import ExportBundle, ExportCircle
from triform.source.git import Git
from triform.source.importing import ImportBundle, Makers
from triform.source.looking import Looking
from triform.source.present import Present
from triform.source.promote import SourcePromote
from triform.source.readme import ReadmeUpdate
from triform.source.repair import SourceRepair


@dataclass(frozen=True, slots=True)
class SourceOperations:
    git: Git
    present: Present
    makers: Makers
    cache: ElementCache
    graphs: GraphStore
    clock: Clock

    @property
    def store(self) -> ElementStore:
        return self.makers.store

    @property
    def masks(self) -> Masks:
        return self.makers.masks

    def table(self) -> Mapping[str, Any]:
        layout, exporting = self.present.repositories.layout, ExportBundle(self.git, self.present)
        return {
            "export_bundle": exporting,
            "circle_export_bundle": ExportCircle(
                exporting, self.makers.database, self.store, self.graphs, self.clock
            ),
            "import_bundle": ImportBundle(self.git, Bundles(self.git, layout), self.makers),
            **Looking(self.present, self.store, self.masks).table(),
            "readme_update": ReadmeUpdate(self.present, self.store, self.cache, self.masks, self.clock),
            "source_promote": SourcePromote(self.present, self.store, self.cache, self.masks),
            "source_repair": SourceRepair(self.git, self.present.repositories, self.store, self.cache),
        }
