"""Git bundles that come from outside: opened by git, confined, and judged object by object, as a push is."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from triform.elements.model import DRAFT
from triform.source.confinement import SCRATCH, Room
from triform.source.errors import BundleRefused
from triform.source.export import FORMAT, VERSION
from triform.source.git import Git, GitFailed
from triform.source.intake import Arrival, Intake
from triform.source.layout import Layout
from triform.source.push import MOST_READ, summary_of
from triform.source.repository import Repository, lay_out
from triform.source.rules import Problem
from triform.source.validate import Known, problems_of

MOST_ELEMENTS = 1000
MOST_ATTACHMENTS = 10_000
_SIGNATURES = (b"# v2 git bundle\n", b"# v3 git bundle\n")
_INCOMING = "refs/incoming/draft"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a bundle says; its objects wait in `waiting`. `document`: element_type, slug, name, intention, spec."""

    document: Mapping[str, Any]
    commit: str
    summary: str
    waiting: Path

    def problems(self, known: Known) -> list[Problem]:
        """What is wrong with its files where these secrets are known; blocks."""
        return problems_of(_view(self.waiting), self.commit, known)


class Bundles:
    def __init__(self, git: Git, layout: Layout) -> None:
        self._git = git
        self._intake = Intake(git)
        self._layout = layout

    async def opened(self, data: bytes, scratch: Path) -> Opened:
        """`scratch` is an empty folder. Raises BundleRefused, SourceRefused, SourceUnavailable."""
        if not data.startswith(_SIGNATURES):
            raise BundleRefused("This is no git bundle.")
        room = scratch / "room"
        await asyncio.to_thread(_prepare, room, data)
        try:
            commit = await self._fetched(room)
            arrival = Arrival(Room(scratch=room), SCRATCH, commit, None, scratch / "waiting")
            await self._intake.take(arrival, _view(arrival.waiting), _nothing, f"{DRAFT} of the bundle")
        except GitFailed as failed:
            raise BundleRefused(f"The bundle cannot be opened: {failed}.") from failed
        return await asyncio.to_thread(self._told, arrival)

    async def _fetched(self, room: Path) -> str:
        """The commit that draft stands at in the bundle."""
        await self._git.output(
            "--git-dir", SCRATCH, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            f"{SCRATCH}/in.bundle", f"refs/heads/{DRAFT}:{_INCOMING}",
            room=Room(scratch=room),
        )  # fmt: skip
        return await asyncio.to_thread(lambda: (room / _INCOMING).read_text().strip())

    def _told(self, arrival: Arrival) -> Opened:
        view = _view(arrival.waiting)
        read: Callable[[str], bytes | None] = partial(view.read, arrival.new, most=MOST_READ)
        document = self._layout.told(read, None)
        return Opened(document, arrival.new, summary_of(view.subject(arrival.new)), arrival.waiting)


def decoded(text: Any) -> bytes:
    """Raises BundleRefused."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error):
        raise BundleRefused("The bundle is not base64.") from None


def envelope_of(data: bytes) -> "Envelope | None":
    """What a circle's envelope holds; None when this is none. Raises BundleRefused."""
    if data.lstrip()[:1] != b"{":
        return None
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BundleRefused(f"The envelope cannot be read: {error}.") from None
    if envelope.format != FORMAT or not 1 <= envelope.version <= VERSION:
        raise BundleRefused(f"This is an envelope of {envelope.format!r}, version {envelope.version}.")
    if len(envelope.elements) > MOST_ELEMENTS:
        raise BundleRefused(f"The envelope has more than {MOST_ELEMENTS} elements.")
    if len(envelope.attachments) > MOST_ATTACHMENTS:
        raise BundleRefused(f"The envelope has more than {MOST_ATTACHMENTS} attachments.")
    return envelope


class Entry(msgspec.Struct, frozen=True):
    """An element: its slug, and its bundle in base64."""

    slug: str
    bundle_base64: str


class Carried(msgspec.Struct, frozen=True):
    """An attachment by the slugs of its ends; the target None is the circle itself."""

    source: str
    target: str | None
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    cascade_policy: Literal["none", "members"]
    version_pin: Annotated[int, msgspec.Meta(ge=1, le=2147483647)] | None = None


class Envelope(msgspec.Struct, frozen=True):
    """As export.py describes it."""

    format: str
    version: int
    elements: tuple[Entry, ...]
    attachments: tuple[Carried, ...] = ()


def _view(waiting: Path) -> Repository:
    """Just the objects that wait there."""
    return Repository(waiting).beside(waiting)


def _prepare(room: Path, data: bytes) -> None:
    room.mkdir(parents=True)
    lay_out(room)
    (room / "in.bundle").write_bytes(data)


def _nothing(data: bytes) -> bool:
    return False
