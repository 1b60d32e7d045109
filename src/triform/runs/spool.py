"""Lines of running runs on disk, so that a killed server loses at most a tenth of a second of them.

One file per run and only for runs that live longer than one tick: a JSON line per log line, appended;
removed when the run is settled. What a dead server left is read back by recovery.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from triform.runs.logs import Line, LogBook

TICK_S = 0.1
_log = structlog.get_logger()


class Spool:
    """`open` a run's book, `close` it once the run is settled; `once` writes in between."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._books: dict[UUID, tuple[LogBook, int]] = {}
        self._on_disk: set[UUID] = set()

    def open(self, run_id: UUID, book: LogBook) -> None:
        self._books[run_id] = (book, len(book.lines))

    def close(self, run_id: UUID) -> None:
        self._books.pop(run_id, None)
        if run_id in self._on_disk:
            self._on_disk.discard(run_id)
            self._file(run_id).unlink(missing_ok=True)

    async def once(self) -> None:
        """One turn of the loop, due every `TICK_S`."""
        self.flush()

    def flush(self) -> None:
        """Appends what came since the last tick. Disk trouble is said in the run, never raised into it."""
        for run_id, (book, written) in list(self._books.items()):
            fresh = book.lines[written:]
            if fresh:
                self._append(run_id, book, fresh)
                self._books[run_id] = (book, len(book.lines))

    def _append(self, run_id: UUID, book: LogBook, lines: list[Line]) -> None:
        self._on_disk.add(run_id)
        try:
            with self._file(run_id).open("ab") as file:
                file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        except OSError as error:
            book.complete = False
            _log.warning("log_spool_failed", run_id=str(run_id), error=str(error))

    def left_behind(self, run_id: UUID) -> tuple[Line, ...]:
        """The lines a dead server had spooled for this run; a torn last one is left out. `close` removes them."""
        path = self._file(run_id)
        if not path.exists():
            return ()
        self._on_disk.add(run_id)
        return tuple(_read(path))

    def _file(self, run_id: UUID) -> Path:
        return self._folder / f"{run_id}.jsonl"


def _read(path: Path) -> Iterator[Line]:
    for raw in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(raw, type=Line)
        except msgspec.DecodeError:
            return
