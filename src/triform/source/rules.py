"""What may lie in a repository. Pure: paths, modes and contents in, problems out; no content is ever quoted."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from triform.source import spec_file

MOST_FILES = 5000
MOST_FILE_BYTES = 5 << 20
MOST_BYTES = 50 << 20
MOST_PROBLEMS = 50
LONGEST_PATH = 1000

REGULAR = frozenset({0o100644, 0o100755, 0o100664})
"""Modes of plain files. Links and submodules lead out of the repository."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that must not lie there. `rule` is one word a program can go by."""

    rule: str
    path: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    pattern: "re.Pattern[str]"
    message: str


def _paths(name: str, pattern: str, message: str) -> _Rule:
    return _Rule(name, re.compile(pattern, re.IGNORECASE), message)


_GENERATED = "is generated; build it where it is needed"
_DATA = "is data of a running program, not source"
_KEPT_SECRET = "is where secrets are kept; use secret values of the element instead"  # noqa: S105 - a sentence

_IN_PATHS = (
    _paths(
        "generated",
        r"(^|/)(node_modules|__pycache__|\.bundle|coverage|vendor/bundle|vendor/cache)/"
        r"|\.(o|so|a|dylib|dll|exe|class|pyc|gem|jar)$",
        _GENERATED,
    ),
    _paths(
        "runtime_data",
        r"(^|/)(tmp|log)/.|\.(log|pid|sock|sqlite3?|db|swp)$|(^|/)(core|\.ds_store|thumbs\.db)$",
        _DATA,
    ),
    _paths(
        "secret",
        r"(^|/)(id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.pgpass|\.htpasswd)$|\.(p12|pfx|jks|keystore)$"
        r"|(^|/)\.env(\.(?!example$|sample$|template$)[^/]*)?$",
        _KEPT_SECRET,
    ),
    _paths("submodule", r"(^|/)\.gitmodules$", "declares submodules, which are not followed"),
)


@dataclass(frozen=True, slots=True)
class _Token:
    pattern: "re.Pattern[bytes]"
    what: str


_TOKENS = (
    _Token(re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"), "a private key"),
    _Token(re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "an AWS access key"),
    _Token(re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"), "a GitHub token"),
    _Token(re.compile(rb"\bglpat-[A-Za-z0-9_-]{20,}"), "a GitLab token"),
    _Token(re.compile(rb"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"), "a Slack token"),
    _Token(re.compile(rb"\b[rs]k_live_[A-Za-z0-9]{16,}"), "a Stripe key"),
    _Token(re.compile(rb"\bAIza[0-9A-Za-z_-]{35}"), "a Google API key"),
    _Token(re.compile(rb"\btrif_[A-Za-z0-9]{49}\b"), "an API key of this platform"),
)

_RESERVED = ".triform/"
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What some file systems leave out of names."""
_LIKE_GIT = re.compile(r"(?:\.git|git~\d+)(?:$|:)")


def in_name(name: bytes) -> str | None:
    """What is wrong with one step of a path, if anything."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return "a name is UTF-8"
    if not text or text in (".", "..") or "/" in text or "\\" in text or "\0" in text:
        return "a name is not empty, . or .. and has no slash, backslash or NUL"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return "a name has no control characters"
    plain = _IGNORABLE.sub("", unicodedata.normalize("NFKC", text)).lower().rstrip(". ")
    return "a name is not that of git's own folder, in any spelling" if _LIKE_GIT.match(plain) else None


def in_mode(mode: int) -> str | None:
    """What is wrong with the mode of something that is no folder."""
    if mode in REGULAR:
        return None
    known = {0o120000: "is a symbolic link", 0o160000: "is a submodule"}
    return f"{known.get(mode, f'has the mode {mode:o}')}; only plain files are taken"


def in_path(path: str) -> Iterator[Problem]:
    """What the place of a file tells about it."""
    if len(path) > LONGEST_PATH:
        yield Problem("path", path[:LONGEST_PATH], f"is longer than {LONGEST_PATH} characters")
    if path.startswith(_RESERVED) and path != spec_file.PATH:
        yield Problem("reserved", path, f"lies in {_RESERVED}, where only spec.yaml may lie")
    for rule in _IN_PATHS:
        if rule.pattern.search(path):
            yield Problem(rule.name, path, rule.message)


def in_size(path: str, size: int) -> Iterator[Problem]:
    if size > MOST_FILE_BYTES:
        yield Problem("size", path, f"has {size} bytes; a file has at most {MOST_FILE_BYTES}")


def in_content(path: str, content: bytes, known: Callable[[bytes], bool]) -> Iterator[Problem]:
    """Secret material. `known` tells whether a secret value of the element is in there."""
    for token in _TOKENS:
        found = token.pattern.search(content)
        if found:
            line = content.count(b"\n", 0, found.start()) + 1
            yield Problem("secret", path, f"holds {token.what}; {_INSTEAD}", line)
    if known(content):
        yield Problem("secret", path, f"holds a secret value of the element; {_INSTEAD}")


def first(problems: Iterable[Problem]) -> list[Problem]:
    """As many as anybody reads, each once."""
    found: dict[Problem, None] = {}
    for problem in problems:
        found[problem] = None
        if len(found) == MOST_PROBLEMS:
            break
    return list(found)


_INSTEAD = "make it a secret value of the environment and read it from there"
