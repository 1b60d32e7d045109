"""The lines of an element as they are written, by asking again and again; each line comes once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from triform.cli.client import Client

Line = Mapping[str, Any]

_MOST_LINES = 10_000
_MANY_LINES = 1_000
_MOST_RUNS = 500
_MARGIN = 60_000 << 80
"""A minute, in the milliseconds that a run's id begins with: ids are made shortly before their run is there."""


class Following:
    """`only` narrows to one run."""

    def __init__(self, client: Client, slug: str, only: str | None = None) -> None:
        self._client = client
        self._slug = slug
        self._only = only
        self._since = _before(UUID(only).int) if only else None
        self._seen: dict[str, int] = {}
        self.complete = True

    def fresh(self) -> list[Line]:
        """What was written since the last time, oldest first; the first time what there is."""
        answer = self._client.get(self._client.op("logs", self._slug), since_run_id=self._since, limit=_MOST_LINES)
        lines = [line for line in answer["lines"] if self._is_new(line)]
        self._seen |= {line["run_id"]: line["seq"] for line in lines}
        self.complete = self.complete and answer["complete"]
        if len(answer["lines"]) >= _MANY_LINES and not self._only:
            self._move_on()
        return sorted(lines, key=lambda line: str(line["at"]))

    def ended(self) -> bool:
        """Whether nothing more can come; ask before the last lines are fetched."""
        if self._only is None:
            return False
        run = self._client.get(self._client.op(f"runs/{self._only}", self._slug))
        return run["status"] not in ("pending", "running")

    def _is_new(self, line: Line) -> bool:
        wanted = self._only in (None, line["run_id"])
        return wanted and line["seq"] > self._seen.get(line["run_id"], 0)

    def _move_on(self) -> None:
        """From now on only of runs that may still write, and of those of the last minute."""
        unfinished = [run for status in ("pending", "running") for run in self._runs(status)]
        if len(unfinished) < _MOST_RUNS:
            self._since = _before(min(UUID(run).int for run in [*unfinished, max(self._seen)]) - _MARGIN)
            self._seen = {run: seq for run, seq in self._seen.items() if run > self._since}

    def _runs(self, status: str) -> list[str]:
        answer = self._client.get(self._client.op("runs", self._slug), status=status, limit=_MOST_RUNS)
        return [run["run_id"] for run in answer["runs"]]


def _before(run_id: int) -> str:
    return str(UUID(int=max(run_id - 1, 0)))
