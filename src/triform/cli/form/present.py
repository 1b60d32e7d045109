"""What is in the circle, as far as a form is about it: read with a bounded number of requests per element."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triform.cli.client import Client
from triform.cli.outcome import Refused

Json = Mapping[str, Any]
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Around:
    """What an element hangs together with: slugs of those that refer to it, attachments by both ends."""

    holders: frozenset[str]
    on_it: Sequence[Json]
    elsewhere: Sequence[Json]


class Circle:
    """The circle of the command; slug None is the circle itself."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._id: str | None = None

    @property
    def name(self) -> str:
        return self.client.circle

    @property
    def id(self) -> str:
        if self._id is None:
            self._id = str(self.client.get(self.client.element())["id"])
        return self._id

    def listed(self) -> dict[str, Json]:
        """Every element by slug, without its spec."""
        return {each["slug"]: each for each in self._children()}

    def element(self, slug: str) -> Json | None:
        """The element with its spec; None when it is gone."""
        try:
            found: Json = self.client.get(self.client.element(slug))
        except Refused as refused:
            if refused.problem.get("status") == 404:
                return None
            raise
        return found

    def readme(self, slug: str) -> str | None:
        """None when there is none."""
        found = self.client.get(self.client.op("readme", slug))
        return str(found["content"]) if found["exists"] else None

    def attached(self, slug: str | None) -> Sequence[Json]:
        """What is attached to it."""
        found: Sequence[Json] = self.client.get(self.client.op("attachments", slug))["attachments"]
        return found

    def targets(self, slug: str) -> Sequence[Json]:
        """Where it is attached."""
        found: Sequence[Json] = self.client.get(self.client.op("targets", slug))["attachments"]
        return found

    def around(self, slug: str) -> Around:
        tree = self.client.get(self.client.op("tree", slug), depth=0)
        holders = frozenset(each["slug"] for each in tree["referenced_by"])
        return Around(holders, tree["attachments"], self.targets(slug))

    def target_of(self, attachment: Json) -> str | None:
        """The slug of what something is attached to; None for the circle."""
        return None if attachment["target_id"] == self.id else str(attachment["target"])

    def _children(self) -> Iterator[Json]:
        at, total = 0, 1
        while at < total:
            page = self.client.get(self.client.op("children"), limit=_PAGE, offset=at)
            yield from page["children"]
            at, total = at + _PAGE, page["total"]
