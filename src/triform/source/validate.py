"""Holds what lies on a branch against the rules."""

from collections.abc import Callable, Iterator

from triform.elements.errors import SourceUnavailable
from triform.source import rules, spec_file
from triform.source.repository import File, FileTooLarge, Repository, TooManyFiles
from triform.source.rules import Problem

Known = Callable[[bytes], bool]
"""Whether a secret value of the element is in there."""


def problems_of(repository: Repository, commit: str, known: Known) -> list[Problem]:
    """What is wrong with a commit's files; blocks. Never raises for what lies there, readable or not."""
    try:
        files = repository.files(commit)
    except SourceUnavailable as error:
        return [Problem("unreadable", "", f"cannot be read: {error.detail}")]
    except TooManyFiles:
        return [_too_many()]
    return rules.first(_all(repository, files, known))


def in_spec(content: bytes) -> Iterator[Problem]:
    """The spec is readable and keeps no secret: git would show it to everybody who ever clones."""
    document, complaints = spec_file.parsed(content)
    for complaint in complaints:
        yield Problem("spec", spec_file.PATH, f"cannot be used: {complaint.message}")
    if _keeps_value(document.get("spec")):
        yield Problem("secret", spec_file.PATH, "holds the value of a secret; only its digest may stand there")


def _all(repository: Repository, files: list[File], known: Known) -> Iterator[Problem]:
    if len(files) > rules.MOST_FILES:
        yield _too_many()
    for file in files:
        yield from _of_file(repository, file, known)


def _too_many() -> Problem:
    return Problem("size", "", f"has more than {rules.MOST_FILES} files")


def _of_file(repository: Repository, file: File, known: Known) -> Iterator[Problem]:
    for wrong in filter(None, (rules.in_name(step.encode()) for step in file.path.split("/"))):
        yield Problem("path", file.path, f"cannot be called so: {wrong}")
    yield from rules.in_path(file.path)
    if (wrong_mode := rules.in_mode(file.mode)) is not None:
        yield Problem("mode", file.path, wrong_mode)
        return
    try:
        content = repository.blob(file.blob, file.path, rules.MOST_FILE_BYTES)
    except FileTooLarge as error:
        yield from rules.in_size(file.path, error.size)
    except SourceUnavailable as error:
        yield Problem("unreadable", file.path, f"cannot be read: {error.detail}")
    else:
        yield from rules.in_content(file.path, content, known)
        if file.path == spec_file.PATH:
            yield from in_spec(content)


def _keeps_value(value: object) -> bool:
    if isinstance(value, dict):
        kept = value.get("secret") is True and "value" in value
        return kept or any(_keeps_value(inner) for inner in value.values())
    return isinstance(value, list) and any(_keeps_value(inner) for inner in value)
