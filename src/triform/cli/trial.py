"""One round of `triform dev`: deploy the folder, call it with the test input, say what happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triform.cli.client import Client
from triform.cli.declaration import Declaration, read
from triform.cli.deploy import bring_up
from triform.cli.invoke import read_json
from triform.cli.new import TEST_INPUT
from triform.cli.outcome import Refused, WrongUsage
from triform.cli.terminal import Terminal

Event = Mapping[str, Any]
"""What a program reads as one line of JSON: `event`, and what belongs to it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """`input_file` None = the folder's test input, or an empty object when there is none."""

    client: Client
    terminal: Terminal
    folder: Path
    input_file: Path | None

    def events(self) -> Iterator[Event]:
        """`deployed`, `log`*, and last how the run ended, or `refused` when there is none."""
        try:
            yield from self._events(read(self.folder))
        except WrongUsage as wrong:
            yield {"event": "refused", "error": wrong.problem}

    def _events(self, declared: Declaration) -> Iterator[Event]:
        try:
            yield self._deployed(declared)
            yield from self._called(declared.slug)
        except Refused as refused:
            run_id = refused.problem.get("run_id")
            if run_id:
                yield from self._ended(declared.slug, str(run_id), error=refused.problem)
            else:
                yield {"event": "refused", "error": refused.problem}

    def _deployed(self, declared: Declaration) -> Event:
        with self.terminal.working(f"deploying {declared.slug}"):
            done = bring_up(self.client, declared)
        told = {"change": done.change, "version": done.element["version"], "duration_ms": done.took_ms}
        return {"event": "deployed", **told, "warnings": done.element.get("warnings") or []}

    def _called(self, slug: str) -> Iterator[Event]:
        body = self._input()
        with self.terminal.working(f"running {slug}"):
            answer = self.client.send(
                "POST", self.client.op("invoke", slug), body=body, query={"env": "draft"}, patient=True
            )
        yield from self._ended(slug, answer.headers["Triform-Run-Id"], output=answer.document)

    def _input(self) -> Any:
        file = self.input_file or self.folder / TEST_INPUT
        return read_json(str(file)) if self.input_file or file.exists() else {}

    def _ended(self, slug: str, run_id: str, **outcome: Any) -> Iterator[Event]:
        """What the run printed last, then how it ended."""
        run = self.client.get(self.client.op(f"runs/{run_id}", slug))
        logs = run["logs"]
        for line in logs["lines"]:
            yield {"event": "log", "run_id": run_id, **line}
        told = {name: run[name] for name in ("run_id", "operation", "cost_micro_au", "duration_ms", "usage")}
        yield {"event": run["status"], **told, "lines": logs["total"], **outcome}
