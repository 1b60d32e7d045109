"""What can be refused about circles, members and credentials."""

from math import ceil
from typing import ClassVar

from triform.errors import Kind, Suggestion, TriformError


class LastAdmin(TriformError):
    """A circle keeps at least one admin."""

    code = "LAST_ADMIN"
    kind: ClassVar[Kind] = "conflict"
    default_suggestion = Suggestion(
        why="This member is the circle's only admin; without one nobody could manage it any more.",
        fix="Make somebody else admin first, then try again.",
        op="member_set",
        example={"identity": "another-identity", "role": "admin"},
    )


class NameTaken(TriformError):
    """Another circle has this name."""

    code = "NAME_TAKEN"
    kind: ClassVar[Kind] = "conflict"
    default_suggestion = Suggestion(
        why="Circle names are unique across the whole installation.",
        fix="Choose another circle_name, or ask an admin of that circle to make you a member.",
    )


class TooManySignIns(TriformError):
    """Too many sign-in attempts; wait before the next one."""

    code = "RATE_LIMITED"
    kind: ClassVar[Kind] = "rate_limit"
    retryable = True

    def __init__(self, wait_s: float) -> None:
        seconds = max(1, ceil(wait_s))
        super().__init__(
            suggestion=Suggestion(
                why="Attempts are limited per identity and address, so that passwords cannot be guessed.",
                fix=f"Try again in {seconds} s.",
            ),
            facts={"retry_after_s": seconds},
        )


class KeyFileRefused(TriformError):
    """A key file in the data directory cannot be trusted."""

    code = "KEY_FILE_REFUSED"
    kind: ClassVar[Kind] = "internal"


class RolesNotAllowed(TriformError):
    """The database user may not create login roles."""

    code = "ROLES_NOT_ALLOWED"
    kind: ClassVar[Kind] = "internal"
    default_suggestion = Suggestion(
        why="Every circle has a login role of its own, so that Postgres itself keeps circles apart.",
        fix="Whoever runs this server: ALTER ROLE <the user in TRIFORM_DATABASE_URL> CREATEROLE.",
    )
