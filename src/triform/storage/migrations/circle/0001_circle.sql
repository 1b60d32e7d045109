-- A tenant's own schema. It holds nothing but the tables of the circle's data elements, and only the
-- circle's own login role (besides the platform) may enter it. {schema} and {role} arrive quoted.

CREATE SCHEMA IF NOT EXISTS {schema};

REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA {schema} TO {role};

DO $grant$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ', current_database()) || $role${role}$role$;
END $grant$;

-- Whatever the platform creates here later belongs to the tenant's use as well, and to nobody else's.
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {role};

-- A login of the tenant sees its own schema and no other.
ALTER ROLE {role} SET search_path = {schema};
ALTER ROLE {role} SET statement_timeout = '30s';
ALTER ROLE {role} SET idle_in_transaction_session_timeout = '60s';
