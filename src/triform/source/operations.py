"""Everything an element's source can be asked, by the names chemistry implements operations under."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triform.clock import Clock
from triform.elements.cache import ElementCache
from triform.elements.store import ElementStore
from triform.runs.masks import Masks
from triform.source.git import Git
from triform.source.looking import Looking
from triform.source.present import Present
from triform.source.promote import SourcePromote
from triform.source.readme import ReadmeUpdate
from triform.source.repair import SourceRepair


@dataclass(frozen=True, slots=True)
class SourceOperations:
    git: Git
    present: Present
    store: ElementStore
    cache: ElementCache
    masks: Masks
    clock: Clock

    def table(self) -> Mapping[str, Any]:
        return {
            **Looking(self.present, self.store, self.masks).table(),
            "readme_update": ReadmeUpdate(self.present, self.store, self.cache, self.masks, self.clock),
            "source_promote": SourcePromote(self.present, self.store, self.cache, self.masks),
            "source_repair": SourceRepair(self.git, self.present.repositories, self.store, self.cache),
        }
