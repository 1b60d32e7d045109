"""What can go wrong between us and Postgres, in classes that say what to do next."""

from typing import ClassVar

from triform.errors import Kind, Suggestion, TriformError


class DatabaseUnavailable(TriformError):
    """The database cannot be reached right now; nothing is known to have been changed."""

    code = "DATABASE_UNAVAILABLE"
    kind: ClassVar[Kind] = "unavailable"
    retryable = True
    default_suggestion = Suggestion(
        why="The connection to Postgres was refused, lost or took too long.",
        fix="Try again in a moment; if it stays, look at /readyz and the server's log.",
    )


class EmbeddedPostgresFailed(DatabaseUnavailable):
    """The embedded Postgres could not be started."""

    retryable = False


class DataDirInUse(EmbeddedPostgresFailed):
    """Another Triform server is running on this data directory."""


class MigrationRefused(TriformError):
    """The database's schema and this version of Triform do not fit together."""

    code = "MIGRATION_REFUSED"
    kind: ClassVar[Kind] = "internal"


class DatabaseNewerThanCode(MigrationRefused):
    """The database was migrated by a newer version of Triform."""

    default_suggestion = Suggestion(
        why="Its schema has migrations that this version does not know; running on would corrupt it.",
        fix="Start the newer version of Triform, or restore a backup taken before the upgrade.",
    )


class MigrationChanged(MigrationRefused):
    """A migration that has already been applied was changed afterwards."""

    default_suggestion = Suggestion(
        why="The file's checksum differs from the one recorded when it was applied.",
        fix="Put the file back as it was released and write the change as a new migration.",
    )
