"""Files for their owner alone (0600), complete or absent whatever happens."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private(file: Path, content: bytes) -> None:
    """Write `file` unless it exists: of two makers at once, the first wins and the other's content is dropped."""
    with _aside(file, content) as aside, suppress(FileExistsError):
        os.link(aside, file)


def replace_private(file: Path, content: bytes) -> None:
    """Write `file`, whatever was there."""
    with _aside(file, content) as aside:
        aside.replace(file)


@contextmanager
def _aside(file: Path, content: bytes) -> Iterator[Path]:
    aside = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)
