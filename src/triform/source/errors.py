"""Why something cannot be done with an element's source."""

from collections.abc import Sequence
from typing import ClassVar

from triform.errors import Complaint, Suggestion, TriformError
from triform.source.rules import Problem


class SourceTooLarge(TriformError):
    """The source is too large."""

    code = "SOURCE_TOO_LARGE"
    kind = "validation"
    to_run: ClassVar[Suggestion] = Suggestion(
        why="All files of a version lie on the disk of every machine that runs it.",
        fix="Leave out what the code does not need; hand data over in the input.",
    )


class BundleRefused(TriformError):
    """The bundle cannot be imported."""

    code = "BUNDLE_REFUSED"
    kind = "validation"


class SourceFileMissing(TriformError):
    """The file that has the code is not there."""

    code = "SOURCE_FILE_MISSING"
    kind = "conflict"


class SourceNotFetched(TriformError):
    """The repository cannot be fetched."""

    code = "SOURCE_NOT_FETCHED"
    kind = "validation"


class SourceUnreachable(TriformError):
    """The repository cannot be reached."""

    code = "SOURCE_UNREACHABLE"
    kind = "unavailable"
    retryable = True


class SourceRefused(TriformError):
    """The source holds what must not lie in a repository."""

    code = "SOURCE_REFUSED"
    kind = "validation"

    @classmethod
    def for_problems(cls, branch: str, problems: Sequence[Problem]) -> "SourceRefused":
        return cls(
            f"The source on {branch} has {len(problems)} problem(s): {said(problems[0])}.",
            errors=tuple(Complaint("", said(each)) for each in problems),
            suggestion=Suggestion(
                why="What is listed must not be kept or promoted; what was pushed stays in the history for good.",
                fix="Remove it from the branch, then ask source_validate again.",
                op="source_validate",
            ),
        )

    @classmethod
    def to_run(cls, what: str, problems: Sequence[Problem]) -> "SourceRefused":
        return cls(
            f"{what[0].upper()}{what[1:]} has {len(problems)} problem(s): {said(problems[0])}.",
            errors=tuple(Complaint("", said(each)) for each in problems),
            suggestion=Suggestion(
                why="Only plain files with plain names can lie beside code that runs.",
                fix="Remove what is listed from the repository, commit, and deploy again.",
                op="deploy",
            ),
        )


def said(problem: Problem) -> str:
    """`main.rb:3 holds a private key; …`."""
    place = f"{problem.path}:{problem.line}" if problem.line else problem.path
    return f"{place or 'the branch'} {problem.message}"
