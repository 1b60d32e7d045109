"""Schema migrations: plain SQL files, applied in order, once, each in a transaction of its own.

    migrations/platform/0001_platform.sql     the platform's schema, `triform`
    migrations/circle/0001_circle.sql         every circle's schema; {schema} and {role} stand for quoted names

One row per schema in `triform.schema_versions` remembers the checksums of what was applied. An advisory lock
lets several starting servers pass one after the other.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from triform.storage.database import Database, Transaction
from triform.storage.errors import DatabaseNewerThanCode, MigrationChanged, MigrationRefused
from triform.storage.queries import load

log = structlog.get_logger()

QUERIES = load(__file__)

PLATFORM_SCHEMA = "triform"
_FOLDER = Path(__file__).with_name("migrations")
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_IDENTIFIER_LIMIT_BYTES = 63


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `checksum` is the SHA-256 of its text, in hex."""

    version: int
    name: str
    sql: str
    checksum: str


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The folder's migrations in order. Raises `MigrationRefused` for a gap, a double or an odd name."""
    migrations = tuple(_read(path) for path in sorted(folder.glob("*.sql")))
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        names = ", ".join(migration.name for migration in migrations)
        raise MigrationRefused(
            f"{folder}: migrations must be numbered 0001, 0002 … without gap or double: {names}"
        )
    return migrations


def _read(path: Path) -> Migration:
    match = _FILE.fullmatch(path.name)
    if match is None:
        raise MigrationRefused(f"{path}: a migration is named NNNN_what_it_does.sql")
    sql = path.read_text(encoding="utf-8")
    return Migration(int(match[1]), path.name, sql, hashlib.sha256(sql.encode()).hexdigest())


async def migrate_platform(database: Database, folder: Path = _FOLDER / "platform") -> int:
    """Bring the platform's schema up to this code; returns how many files were applied.

    Raises `DatabaseNewerThanCode`, `MigrationChanged`, `MigrationRefused`.
    """
    migrations = read_migrations(folder)
    applied = 0
    async with database.transaction() as tx:
        await tx.execute(QUERIES["lock_migrations"])
        await tx.execute(QUERIES["create_platform_schema"])
        await tx.execute(QUERIES["create_schema_versions"])
    while True:
        async with database.transaction() as tx:
            await tx.execute(QUERIES["lift_time_limits"])
            pending = await _pending(tx, PLATFORM_SCHEMA, migrations)
            if not pending:
                return applied
            await _apply(tx, pending[0], PLATFORM_SCHEMA, role=None)
        log.info("migrated", schema=PLATFORM_SCHEMA, migration=pending[0].name)
        applied += 1


async def migrate_circle(tx: Transaction, *, schema: str, role: str, folder: Path = _FOLDER / "circle") -> int:
    """Create or bring up a tenant's schema within `tx`; the login role must exist. Returns files applied."""
    pending = await _pending(tx, schema, read_migrations(folder))
    for migration in pending:
        await _apply(tx, migration, schema, role=role)
    return len(pending)


async def migrate_circles(database: Database, folder: Path = _FOLDER / "circle") -> int:
    """Bring up every tenant schema that is behind this code, each in its own transaction; returns how many."""
    behind = await database.fetch(QUERIES["tenants_behind"], len(read_migrations(folder)))
    for row in behind:
        async with database.transaction() as tx:
            await tx.execute(QUERIES["lift_time_limits"])
            await migrate_circle(tx, schema=row["schema_name"], role=row["role_name"], folder=folder)
    return len(behind)


async def _pending(tx: Transaction, schema: str, migrations: Sequence[Migration]) -> Sequence[Migration]:
    await tx.execute(QUERIES["lock_migrations"])
    applied: list[str] = await tx.fetchval(QUERIES["applied_checksums"], schema) or []
    if len(applied) > len(migrations):
        raise DatabaseNewerThanCode(
            f"Schema {schema} is at version {len(applied)}; this Triform knows versions up to {len(migrations)}."
        )
    for checksum, migration in zip(applied, migrations, strict=False):
        if checksum != migration.checksum:
            raise MigrationChanged(f"{migration.name} was changed after it had been applied to schema {schema}.")
    return migrations[len(applied) :]


async def _apply(tx: Transaction, migration: Migration, schema: str, *, role: str | None) -> None:
    await tx.execute(fill_in(migration.sql, schema=schema, role=role))
    await tx.execute(QUERIES["record_migration"], schema, role, migration.version, migration.checksum)


def fill_in(sql: str, *, schema: str, role: str | None) -> str:
    """`{schema}` and `{role}` replaced by quoted identifiers; other braces are left alone."""
    filled = sql.replace("{schema}", quoted(schema))
    return filled.replace("{role}", quoted(role)) if role is not None else filled


def quoted(identifier: str) -> str:
    """A safe SQL identifier. Raises `MigrationRefused` for what Postgres could not tell apart or store."""
    if not identifier or "\0" in identifier or len(identifier.encode()) > _IDENTIFIER_LIMIT_BYTES:
        raise MigrationRefused(f"{identifier!r} cannot be a name in the database (1 to 63 bytes, no NUL).")
    return '"' + identifier.replace('"', '""') + '"'
