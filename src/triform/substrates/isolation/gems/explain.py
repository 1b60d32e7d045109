"""Why requirements did not become a bundle, told to their author: one sentence, and what to change. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from triform.chemistry.element_type import ElementType
from triform.errors import Complaint, Failure, Suggestion
from triform.substrates.isolation.gems.errors import REFUSED, Alternative, NotBuilt, SourceTrouble, Unresolved
from triform.substrates.isolation.gems.requirements import POINTER, BadRequirement, read_one

CAUSE = "requirements"
"""The end cause a type gives its error code for."""

_NOT_FOUND = 7
_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """The requirements as the spec has them."""

    type: ElementType
    entries: tuple[str, ...]

    def place(self, name: str) -> str | None:
        """The pointer of the entry about a gem; None when no entry is."""
        for number, entry in enumerate(self.entries):
            if _name(entry) == name:
                return f"{self.pointer}/{number}"
        return None

    @property
    def pointer(self) -> str:
        return f"{self.type.limits.get('source', '')}{POINTER}"


def failure(asked: Asked, error: Unresolved | SourceTrouble | NotBuilt) -> Failure:
    """The type's own error; only a network that failed is worth another try."""
    if isinstance(error, SourceTrouble):
        return _failure(asked, str(error), _of_source(asked, error), retryable=error.passing)
    if isinstance(error, Unresolved):
        return _of_versions(asked, error)
    return _of_build(asked, error)


def _failure(
    asked: Asked, message: str, suggestion: Suggestion, *, retryable: bool = False, **facts: Any
) -> Failure:
    declared = asked.type.error_for(CAUSE).failure(message, **facts)
    errors = (Complaint(asked.pointer, message),)
    return replace(declared, suggestion=suggestion, retryable=retryable, errors=errors)


def _of_source(asked: Asked, error: SourceTrouble) -> Suggestion:
    return replace(_declared(asked), why=str(error), fix=error.fix, example=None)


def _of_versions(asked: Asked, error: Unresolved) -> Failure:
    sentence = _missing(str(error)) if error.status == _NOT_FOUND else _conflict(str(error))
    suggestion = _instead(asked, error, sentence)
    return _failure(asked, sentence, suggestion, bundler={"status": error.status, "text": str(error)[:_TAIL]})


_ABSENT = re.compile(r"Could not find gem '([^'\s]+)(?: \(([^')]*)\))?'")
_LISTED = re.compile(r"^\s+\* (\S+)$", re.MULTILINE)


def _missing(text: str) -> str:
    """`Could not find gem 'a (>= 5)' in … The source contains …` in one sentence."""
    said = _ABSENT.search(text)
    if said is None:
        return _conflict(text)
    name, wanted = said.groups()
    there = [each.removeprefix(f"{name}-") for each in _LISTED.findall(text)]
    if not there:
        return f"There is no gem {name} in the gem source."
    return f"No version of {name} is {wanted}; the gem source has {', '.join(there[-5:])}."


_WORDS = (
    (
        re.compile(r" could not be found in rubygems repository \S+ or installed locally"),
        " is not in the gem source",
    ),
    (re.compile(r"\bGemfile depends on\b"), "the requirements ask for"),
    (re.compile(r"\s*So, because\b"), "; and because"),
    (re.compile(r"(?<=[\w)])\.\s+(?=\w)"), "; "),
    (re.compile(r"\bversion solving has failed\b"), "no choice of versions satisfies them all"),
)


def _conflict(text: str) -> str:
    """PubGrub's explanation, which comes in lines and steps, as one sentence."""
    sentence = " ".join(text.removeprefix("Could not find compatible versions").split())
    for pattern, words in _WORDS:
        sentence = pattern.sub(words, sentence)
    return re.sub(r"\.?(; and because)", r"\1", sentence)


def _instead(asked: Asked, error: Unresolved, sentence: str) -> Suggestion:
    declared = replace(_declared(asked), why=sentence, example=None)
    for other in error.alternatives:
        place = asked.place(other.name)
        if place is not None:
            entry = f"{other.name} ~> {_series(other)}"
            return replace(
                declared,
                fix=f"With {entry} everything else can stay as it is; apply the patch and deploy again.",
                patch=({"op": "replace", "path": place, "value": entry},),
            )
    return replace(declared, fix="Loosen or drop one of the requirements named, then deploy again.")


def _series(other: Alternative) -> str:
    """`~>` of what was found, so that later fixes of it are taken: 7.1.3 → 7.1, a pre-release as it is."""
    parts = other.version.split(".")
    plain = all(part.isdigit() for part in parts)
    return ".".join(parts[:2]) if plain and len(parts) > 2 else other.version


_HEADER = re.compile(r"(?:checking for |fatal error: )([\w./+-]+\.h(?:pp)?)(?:\.\.\. no|: No such file)")
_FAILED = re.compile(r"An error occurred while installing (\S+) \(([^)]+)\)")
_ENDS = {
    "oom": "Installing the gems took more memory than a build may take.",
    "timeout": "Installing the gems took longer than a build may take.",
}


def _of_build(asked: Asked, error: NotBuilt) -> Failure:
    text = str(error)
    gem = _FAILED.search(text)
    named = f"{gem[1]} {gem[2]}" if gem else "A gem"
    headers = list(dict.fromkeys(_HEADER.findall(text)))
    message, fix = _lacking(named, headers[-1]) if headers else (f"{named} could not be installed.", _READ_LOG)
    message = text if error.cause == REFUSED else _ENDS.get(error.cause, message)
    suggestion = replace(_declared(asked), why=message, fix=fix, op="logs", example=None)
    return _failure(asked, message, suggestion, output=text[-_TAIL:])


_READ_LOG = (
    "The run's log has all that the build said. Try another version of the gem, or one written in Ruby alone."
)


def _lacking(named: str, header: str) -> tuple[str, str]:
    package = _packages().get(header)
    where = f", which Debian has in {package}" if package else ""
    return (
        f"{named} could not be compiled: the C header {header} is missing{where}.",
        f"The build image has no {package or header}: use a gem without that library, or whoever runs this server "
        "adds the package to the language's image, with the library it needs at run time.",
    )


@cache
def _packages() -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load(Path(__file__).with_name("headers.yaml").read_text())
    return found


def _declared(asked: Asked) -> Suggestion:
    return asked.type.error_for(CAUSE).suggestion


def _name(entry: str) -> str | None:
    try:
        return read_one(entry).name
    except BadRequirement:
        return None


def entries_of(source: Any) -> tuple[str, ...]:
    """The requirements a spec's source has, as they are written."""
    listed: Sequence[str] = source.get("requirements") or ()
    return tuple(listed)
