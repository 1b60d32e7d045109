"""Everything between the doors and the stores, put together; nothing is started here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from triform import __version__
from triform.api.answers import Answers
from triform.api.app import application
from triform.api.auth import AuthDoor
from triform.api.credentials import RequestCredentials
from triform.api.guards import allowed_hosts
from triform.api.health import Health
from triform.api.metrics import HttpFigures
from triform.api.ops import Ops
from triform.api.problems import Problems
from triform.chemistry.openapi import document
from triform.circles.access import Access
from triform.circles.credential_store import CredentialStore
from triform.circles.credentials import Credentials
from triform.circles.links import Claim, FirstAdmin, LoginLinks
from triform.circles.operations import CircleOperations
from triform.circles.passwords import Passwords
from triform.circles.provision import Provision
from triform.circles.sessions import Sessions
from triform.circles.sign_in import SignIn
from triform.circles.store import CircleStore
from triform.circles.tokens import AccessTokens
from triform.elements.addresses import Addresses
from triform.elements.circle_element import CircleElements
from triform.elements.operations import ElementOperations
from triform.executor import cancel, replays
from triform.executor.backlog import Backlog
from triform.executor.commits import Commits
from triform.executor.hooks import HOOKS
from triform.executor.house import Bounds, House
from triform.executor.lease import node_id
from triform.executor.live import LiveRuns
from triform.executor.lookup import Lookup
from triform.executor.loops import Loop
from triform.executor.metrics import TypeMetrics
from triform.executor.node import Node
from triform.executor.rules import SpecRules
from triform.executor.run_figures import RunFigures
from triform.executor.slots import Slots
from triform.executor.tasks import Tasks
from triform.executor.waiting import Waiting, waiting_table
from triform.mcp.door import McpDoor
from triform.mcp.late import Late, Manager
from triform.modifiers.environment import AttachedEnvironment
from triform.runs.active import ActiveRuns
from triform.runs.activity import ActivityOperations
from triform.runs.operations import RunOperations
from triform.runs.reading import RunReader
from triform.runs.spool import Spool
from triform.settings import Settings
from triform.substrates.interfaces import PLATFORM
from triform.substrates.platform import PlatformSubstrate
from triform.wallet.ledger import Ledger
from triform.wallet.operations import WalletOperations
from triform.wiring.metrics import metrics_door
from triform.wiring.modifiers import modifiers
from triform.wiring.parts import Assembled, Ground, Machinery, memory_mb
from triform.wiring.source import source_parts

_LEAST_SLOTS = 32
_MB_PER_SLOT = 192
"""Memory one running sandbox is expected to take: its default limit and what surrounds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circles:
    credentials: Credentials
    sessions: Sessions
    operations: CircleOperations
    access: Access
    door: AuthDoor
    first_admin: FirstAdmin | None


def assemble(base: Ground, machinery: Machinery) -> Assembled:
    """Everything between the doors and the stores; starts nothing."""
    ledger, platform = Ledger(base.clock, base.ids), PlatformSubstrate()
    circles = _circles(base, ledger)
    house = _house(base, machinery, ledger, platform, circles.credentials)
    forgetting = Loop("sessions", 3600.0, circles.sessions.forget_ended, base.clock)
    waiting, node = (
        Waiting(house),
        Node(house, node_id(base.settings.data_dir, base.ids), (forgetting, *machinery.loops)),
    )
    source, elements = source_parts(base), _elements(base, machinery)
    tables = (elements, source.table(base, elements), *_tables(base, house, waiting, circles))
    platform.bind(base.catalogue, tables)
    ops = _ops(base, node, waiting, circles)
    mcp = _mcp(base, ops)
    doors = [*source.door(base, node, circles.credentials).routes(), *mcp.routes()]
    app = _app(base, machinery, node, ops, [*circles.door.routes(), *doors])
    return Assembled(app=app, node=node, mcp=mcp, first_admin=circles.first_admin)


def _circles(base: Ground, ledger: Ledger) -> _Circles:
    settings, database, clock = base.settings, base.database, base.clock
    store, keys = CircleStore(clock, base.ids), CredentialStore(clock, base.ids)
    tokens = AccessTokens(base.keyring, clock, base.ids)
    credentials = Credentials(database, keys, tokens, clock)
    element = CircleElements(base.catalogue, base.elements, clock)
    provision = Provision(store, base.keyring, element, ledger, settings.wallet_grant_micro_au)
    sessions, passwords = Sessions(database, keys, tokens, credentials, clock), Passwords()
    links = None if settings.dev_mode else LoginLinks(clock)
    claim = Claim(database, store, links, provision, sessions, passwords) if links else None
    first_admin = FirstAdmin(database, store, links, settings.data_dir) if links else None
    door = AuthDoor(
        SignIn(database, store, provision, sessions, passwords, clock),
        sessions,
        credentials,
        claim=claim,
        first_admin=first_admin,
        dev_mode=settings.dev_mode,
        secure_cookie=not settings.on_loopback,
    )
    known = frozenset(name for kind in base.catalogue.types.values() for name in kind.operations)
    operations = CircleOperations(store, keys, credentials, links, known, clock, base.ids)
    return _Circles(
        credentials=credentials,
        sessions=sessions,
        operations=operations,
        access=Access(store, keys, clock),
        door=door,
        first_admin=first_admin,
    )


def _house(
    base: Ground, machinery: Machinery, ledger: Ledger, platform: PlatformSubstrate, credentials: Credentials
) -> House:
    settings = base.settings
    environment = AttachedEnvironment(base.catalogue, base.database, base.graphs, base.cache)
    backlog = Backlog(base.database, base.clock, settings.backlog_limit)
    return House(
        catalogue=base.catalogue,
        clock=base.clock,
        ids=base.ids,
        database=base.database,
        bounds=_bounds(settings),
        elements=Lookup(base.cache, credentials, environment.of, Addresses(base.catalogue, base.cache).frozen),
        commits=Commits(base.database, base.ids),
        slots=Slots(settings.worker_slots or _slots_by_memory(), settings.queue_limit, freed=backlog.slot_freed),
        backlog=backlog,
        tasks=Tasks(),
        live=LiveRuns(),
        spool=Spool(settings.data_dir / "spool"),
        ledger=ledger,
        platform=platform,
        substrates=machinery.substrates,
        hooks=HOOKS,
        rules=SpecRules(),
        secrets=base.masks.secrets,
        masks=base.masks,
        metrics=TypeMetrics(base.catalogue),
        figures=RunFigures(),
        tracing=base.tracing,
        modifiers=_no_modifiers,
        worker_id=base.ids.new(),
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        log_bytes=settings.log_limit_bytes,
        queue_wait_s=settings.queue_wait_ms / 1000,
        key_ttl=timedelta(seconds=settings.idempotency_ttl_s),
        lease_s=settings.lease_s,
        input_bytes=settings.body_limit_bytes,
    )


def _slots_by_memory() -> int:
    return max(_LEAST_SLOTS, memory_mb() // 2 // _MB_PER_SLOT)


async def _no_modifiers(element: object) -> tuple[()]:
    """Nothing can be attached yet."""
    return ()


def _elements(base: Ground, machinery: Machinery) -> Mapping[str, Any]:
    return ElementOperations(
        base.catalogue,
        base.elements,
        base.repositories,
        machinery.source_check,
        (ActiveRuns(),),
        base.cache,
        base.graphs,
        base.masks.secrets,
        base.ids,
        base.clock,
    ).table()


def _tables(base: Ground, house: House, waiting: Waiting, circles: _Circles) -> tuple[Mapping[str, Any], ...]:
    runs = RunOperations(RunReader(house.live), house.clock).table()
    return (
        {**runs, **waiting_table(waiting, runs)},
        circles.operations.table(),
        WalletOperations(house.ledger).table(),
        cancel.table(house),
        ActivityOperations(base.graphs, base.clock).table(),
        circles.access.table(),
        modifiers(base).table(),
        replays.table(house, waiting),
    )


def _ops(base: Ground, node: Node, waiting: Waiting, circles: _Circles) -> Ops:
    problems = Problems(base.catalogue)
    return Ops(
        executor=node.executor,
        waiting=waiting,
        catalogue=base.catalogue,
        elements=Addresses(base.catalogue, base.cache),
        credentials=RequestCredentials(circles.credentials),
        tracing=base.tracing,
        problems=problems,
        answers=Answers(problems),
        clock=base.clock,
        body_limit=base.settings.body_limit_bytes,
        draining=node.draining,
    )


def _mcp(base: Ground, ops: Ops) -> McpDoor:
    def behind() -> Manager:
        from triform.mcp.listing import Listing
        from triform.mcp.tools import Tools

        listing = Listing(base.catalogue, base.database, base.elements)
        tools = Tools(listing=listing, catalogue=base.catalogue, elements=base.cache, perform=ops.perform)
        return tools.manager(base.settings.body_limit_bytes)

    return McpDoor(known=ops.credentials.principal, draining=ops.draining, behind=Late(behind))


def _app(base: Ground, machinery: Machinery, node: Node, ops: Ops, more: Sequence[BaseRoute]) -> ASGIApp:
    health = Health({PLATFORM: base.database.ping, **machinery.checks}, node.draining)
    answered = HttpFigures()
    metrics = metrics_door(base.settings, machinery, node, answered)
    routes = [*health.routes(), *metrics.routes(), *more]
    openapi = document(base.catalogue, __version__)
    return application(ops, routes, ops.problems, openapi, allowed_hosts(base.settings), answered)
