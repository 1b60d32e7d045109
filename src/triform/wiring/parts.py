"""What a node is made of."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp

from triform.api.health import Check
from triform.api.metrics import Source
from triform.chemistry.catalogue import Catalogue, ElementType, load
from triform.circles.keyring import Keyring
from triform.circles.links import FirstAdmin
from triform.clock import Clock, SystemClock
from triform.elements.cache import ElementCache
from triform.elements.deployments import Deployments
from triform.elements.graph.store import GraphStore
from triform.elements.secrets import Secrets
from triform.elements.source_check import SourceCheck
from triform.elements.store import ElementStore
from triform.elements.vault import Vault
from triform.executor.hooks import HOOKS
from triform.executor.loops import Loop
from triform.executor.node import Node
from triform.ids import Ids
from triform.mcp.door import McpDoor
from triform.observability.export import exports
from triform.observability.heartbeat import Heartbeat
from triform.observability.tracing import Tracing, configure_tracing
from triform.runs.masks import Masks
from triform.settings import Settings
from triform.source.git import Git
from triform.source.layout import CodeFile, Layout
from triform.source.present import Present
from triform.source.repositories import Repositories
from triform.storage.database import Database
from triform.substrates.interfaces import Substrate
from triform.substrates.isolation.languages import Language, read_languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    """What carries out user work: the substrates by name, the check of sources on save, and how they are.

    `metrics` and `heartbeats` are what it shows of itself on /metrics; `loops` what it wants done now and then.
    """

    substrates: Mapping[str, Substrate]
    source_check: SourceCheck
    checks: Mapping[str, Check]
    metrics: Source = tuple
    heartbeats: Sequence[Heartbeat] = ()
    loops: Sequence[Loop] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What everything stands on."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    languages: Mapping[str, Language]
    clock: Clock
    ids: Ids
    tracing: Tracing
    elements: ElementStore
    cache: ElementCache
    graphs: GraphStore
    deployments: Deployments
    keyring: Keyring
    masks: Masks
    repositories: Repositories
    git: Git

    @property
    def present(self) -> Present:
        """Elements with repositories that have all their versions."""
        return Present(self.database, self.elements, self.cache, self.repositories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """One node and its doors."""

    app: ASGIApp
    node: Node
    mcp: McpDoor
    first_admin: FirstAdmin | None


def ground(
    settings: Settings, database: Database, clock: Clock | None = None, catalogue: Catalogue | None = None
) -> Ground:
    """`catalogue`: where the definitions of these settings have been read before."""
    clock = clock or SystemClock()
    ids, store = Ids(clock), ElementStore()
    cache, keyring = ElementCache(database, store, clock), Keyring.open(settings.data_dir)
    catalogue = catalogue or load(settings.definitions, known_hooks=HOOKS.keys())
    languages = read_languages(settings.harnesses)
    return Ground(
        settings=settings,
        database=database,
        catalogue=catalogue,
        languages=languages,
        clock=clock,
        ids=ids,
        tracing=configure_tracing("triform", exports()),
        elements=store,
        cache=cache,
        graphs=GraphStore(),
        keyring=keyring,
        masks=Masks(Secrets(Vault(keyring.derive), store)),
        deployments=Deployments(database, store, cache, ids, clock),
        git=Git(settings.data_dir / "git"),
        repositories=Repositories(settings.data_dir / "repositories", Layout(catalogue, _code_file(languages))),
    )


def _code_file(languages: Mapping[str, Language]) -> CodeFile:
    """Every language names the file of its inline source."""

    def named(element_type: ElementType) -> str | None:
        language = languages.get(element_type.language or "")
        return language.file if language else None

    return named


def memory_mb() -> int:
    """Of this machine, in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
