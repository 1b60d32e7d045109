"""Why a repository elsewhere could not be fetched. What a server sent is quoted only where it explains itself to
git; an address is named by its host alone: the rest might hold what is nobody's business."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from triform.errors import Suggestion
from triform.source.errors import SourceNotFetched, SourceUnreachable
from triform.source.packets import Told
from triform.source.pktline import Malformed

_CORRECT = "Correct source.repository: an http(s) address that `git clone` takes without credentials."
_REDIRECT = "Three redirects are followed, to a repository each, and never from https to http."
_AGAIN = "Deploy again later; if it stays, look whether the repository can be cloned from elsewhere."


@contextmanager
def translated(host: str) -> Iterator[None]:
    """What goes wrong on the way, as an error for people."""
    try:
        yield
    except httpx2.TimeoutException:
        raise unreachable(host, "it takes too long") from None
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        why = "its certificate is not trusted for this name" if untrusted else "the connection fails"
        raise unreachable(host, why) from None
    except Malformed as error:
        raise unreachable(host, f"it sends something that is not understood: {error}") from None
    except Told as told:
        raise _not_fetched(
            f"{host} says: {told}.", f"The git server refused: {told}.", _CORRECT, "REFUSED"
        ) from None


def unreachable(host: str, why: str) -> SourceUnreachable:
    return SourceUnreachable(
        f"The repository at {host} cannot be fetched: {why}.",
        suggestion=Suggestion(why=f"At {host}, {why}.", fix=_AGAIN, op="deploy"),
    )


def for_status(host: str, status: int) -> None:
    """Raises for every answer but 200."""
    if status in (401, 403, 407):
        why = "Repositories that ask for credentials are not supported, and some servers ask where there is none."
        fix = "Use a public repository; or push the code to the element's own repository, with source.type file."
        raise _not_fetched(f"{host} asks for credentials ({status}).", why, fix, "CREDENTIALS_NEEDED")
    if status in (404, 410):
        raise no_repository(host)
    if status in (429, 500, 502, 503, 504):
        raise unreachable(host, f"it answers {status}")
    if status != 200:
        raise _not_fetched(
            f"{host} answers {status}.", f"A git server answers 200, not {status}.", _CORRECT, "STATUS"
        )


def no_repository(host: str) -> SourceNotFetched:
    message = f"There is no git repository at this address of {host}."
    return _not_fetched(message, "What is there does not answer as a git server does.", _CORRECT, "NO_REPOSITORY")


def no_such_ref(host: str, ref: str | None) -> SourceNotFetched:
    if ref is None:
        message, why = f"The repository at {host} has no commits.", "Without source.ref its HEAD is taken."
    else:
        message, why = f"The repository at {host} has no branch or tag {ref}.", "source.ref names neither."
    fix = "Name a branch, a tag, or a whole commit id in source.ref."
    return _not_fetched(message, why, fix, "REF_NOT_FOUND")


def no_commit(host: str, commit: str) -> SourceNotFetched:
    message = f"{commit[:12]} at {host} is no commit."
    return _not_fetched(
        message, "Only commits have files that can run.", "Name a branch or a commit.", "NO_COMMIT"
    )


def too_large(host: str, limit: int) -> SourceNotFetched:
    message = f"The commit at {host} has more than {limit} bytes, packed."
    fix = "Leave out what the code does not need; whoever runs this server may raise TRIFORM_PUSH_LIMIT_BYTES."
    return _not_fetched(message, "Only so much of a repository is fetched.", fix, "TOO_LARGE")


def unpackable(host: str) -> SourceNotFetched:
    message = f"What {host} sent is no sound git pack."
    return _not_fetched(message, "git's own checks refuse it.", "See what `git fsck` says of it.", "UNSOUND")


def sha256(host: str) -> SourceNotFetched:
    message = f"The repository at {host} names its objects by SHA-256."
    return _not_fetched(message, "Only SHA-1 repositories are understood.", "Convert it.", "SHA256")


def odd_address() -> SourceNotFetched:
    why = "Only plain http(s) addresses are fetched from: no ssh, no files, no credentials, no query."
    return _not_fetched("This is no address that code can be fetched from.", why, _CORRECT, "ADDRESS")


def odd_redirect(host: str) -> SourceNotFetched:
    message = f"{host} redirects to something that is not fetched from."
    return _not_fetched(
        message, "A redirect leads to a repository, and never from https to http.", _CORRECT, "REDIRECT"
    )


def in_circles(host: str) -> SourceNotFetched:
    return _not_fetched(f"{host} redirects in circles.", _REDIRECT, _CORRECT, "REDIRECT")


def _not_fetched(message: str, why: str, fix: str, code: str) -> SourceNotFetched:
    return SourceNotFetched(message, suggestion=Suggestion(code=code, why=why, fix=fix, op="update"))
