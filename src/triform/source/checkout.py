"""The files of a commit on the host's disk: bounded, plain files only, nothing outside the folder. Blocks."""

from pathlib import Path

from triform.source import rules
from triform.source.errors import SourceRefused, SourceTooLarge
from triform.source.repository import File, FileTooLarge, Repository, TooManyFiles
from triform.source.rules import Problem

_LONGEST_NAME = 255
_EXECUTABLE = 0o755


def check_out(repository: Repository, commit: str, folder: Path) -> None:
    """Writes them into an empty folder. Raises SourceRefused, SourceTooLarge, SourceUnavailable."""
    files, left = files_of(repository, commit), rules.MOST_BYTES
    for file in files:
        try:
            content = repository.blob(file.blob, file.path, min(left, rules.MOST_FILE_BYTES))
        except FileTooLarge:
            raise too_large() from None
        left -= len(content)
        _write(folder / file.path, content, file)


def files_of(repository: Repository, commit: str) -> list[File]:
    """All of them, if they can lie on a disk. Raises SourceRefused, SourceTooLarge, SourceUnavailable."""
    try:
        files = repository.files(commit)
    except TooManyFiles:
        raise too_large() from None
    if len(files) > rules.MOST_FILES:
        raise too_large()
    problems = [problem for file in files if (problem := _problem(file)) is not None]
    if problems:
        raise SourceRefused.to_run(f"commit {commit[:12]}", problems)
    return files


def too_large() -> SourceTooLarge:
    return SourceTooLarge(
        f"The source has more than {rules.MOST_FILES} files, one of over {rules.MOST_FILE_BYTES} bytes, or over "
        f"{rules.MOST_BYTES} bytes in all.",
        suggestion=SourceTooLarge.to_run,
    )


def _problem(file: File) -> Problem | None:
    if (wrong := rules.in_mode(file.mode)) is not None:
        return Problem("mode", file.path, wrong)
    steps = file.path.split("/")
    if len(file.path) > rules.LONGEST_PATH or any(len(step.encode()) > _LONGEST_NAME for step in steps):
        return Problem("path", file.path[: rules.LONGEST_PATH], "is too long")
    wrong = next(filter(None, (rules.in_name(step.encode()) for step in steps)), None)
    return Problem("path", file.path, f"cannot be called so: {wrong}") if wrong else None


def _write(place: Path, content: bytes, file: File) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as written:
            written.write(content)
    except (FileExistsError, NotADirectoryError):
        twice = Problem("path", file.path, "is there twice")
        raise SourceRefused.to_run("the commit", [twice]) from None
    if file.mode & 0o100:
        place.chmod(_EXECUTABLE)
