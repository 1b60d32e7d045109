-- name: lock_migrations
-- One migrating server at a time; released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('triform.migrations', 0));

-- name: lift_time_limits
-- A migration may take as long as it takes, and wait for running work.
SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true);

-- name: create_platform_schema
-- The platform's schema; nobody but its owner may enter it.
CREATE SCHEMA IF NOT EXISTS triform;

-- name: create_schema_versions
-- One row per schema: the checksums of the files applied to it, in order.
CREATE TABLE IF NOT EXISTS triform.schema_versions (
    schema_name text PRIMARY KEY,
    role_name   text,
    version     integer NOT NULL,
    checksums   text[] NOT NULL,
    migrated_at timestamptz NOT NULL DEFAULT now()
);

-- name: applied_checksums
-- What has been applied to a schema; no row when nothing has.
SELECT checksums FROM triform.schema_versions WHERE schema_name = $1;

-- name: record_migration
-- Remembers one more file as applied.
INSERT INTO triform.schema_versions AS known (schema_name, role_name, version, checksums)
VALUES ($1, $2, $3, ARRAY[$4::text])
ON CONFLICT (schema_name) DO UPDATE
SET version = excluded.version, role_name = excluded.role_name, migrated_at = now(),
    checksums = known.checksums || excluded.checksums;

-- name: tenants_behind
-- Tenant schemas whose version is not the one this code has (a newer one is then refused).
SELECT schema_name, role_name FROM triform.schema_versions
WHERE role_name IS NOT NULL AND version <> $1 ORDER BY schema_name;
