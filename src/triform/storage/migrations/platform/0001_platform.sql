-- The platform schema. JSON that users own is bytea holding UTF-8 JSON (jsonb loses \u0000 and exact numbers).
-- Money is integer micro-AU. Ids are UUIDv7 made by the application, so ranges of ids are ranges of time.

CREATE TABLE identities (
    id            uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    password_hash text,
    created_at    timestamptz NOT NULL
);

CREATE TABLE circles (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE members (
    circle_id   uuid NOT NULL REFERENCES circles,
    identity_id uuid NOT NULL REFERENCES identities,
    role        text NOT NULL CHECK (role IN ('viewer', 'operator', 'member', 'admin')),
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (circle_id, identity_id)
);

-- A session (a family of refresh tokens and the access tokens made from them) or an API key.
-- `revision` rises with everything that changes what the credential may do.
CREATE TABLE credentials (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('session', 'api_key')),
    circle_id   uuid NOT NULL REFERENCES circles,
    identity_id uuid NOT NULL REFERENCES identities,
    name        text NOT NULL DEFAULT '',
    role        text CHECK (role IN ('viewer', 'operator', 'member', 'admin')),
    scopes      text[] NOT NULL DEFAULT '{}',
    secret_hash bytea UNIQUE,
    revision    integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    CHECK (kind = 'session' OR (secret_hash IS NOT NULL AND role IS NOT NULL))
);
CREATE INDEX credentials_of_member ON credentials (circle_id, identity_id);

CREATE TABLE refresh_tokens (
    token_hash    bytea PRIMARY KEY,
    credential_id uuid NOT NULL REFERENCES credentials ON DELETE CASCADE,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX refresh_tokens_of_credential ON refresh_tokens (credential_id);

-- One-time links that set a password: an invited identity's, or (both NULL) the first admin's.
CREATE TABLE login_links (
    link_hash   bytea PRIMARY KEY,
    identity_id uuid REFERENCES identities,
    circle_id   uuid REFERENCES circles,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CHECK ((identity_id IS NULL) = (circle_id IS NULL))
);

-- The element whose id is its circle's id stands for the circle itself.
CREATE TABLE elements (
    id               uuid PRIMARY KEY,
    circle_id        uuid NOT NULL REFERENCES circles,
    parent_id        uuid REFERENCES elements,
    slug             text NOT NULL,
    element_type     text NOT NULL,
    name             text NOT NULL,
    intention        text NOT NULL DEFAULT '',
    state            text NOT NULL CHECK (state IN ('ready', 'deployed', 'disabled', 'deleted')),
    enabled_state    text NOT NULL CHECK (enabled_state IN ('ready', 'deployed')),
    version          integer NOT NULL,
    deployed_version integer,
    reserved_slots   integer NOT NULL DEFAULT 0 CHECK (reserved_slots >= 0),
    spec             bytea NOT NULL,
    meta             bytea NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);
CREATE UNIQUE INDEX elements_slug ON elements (circle_id, slug) WHERE state <> 'deleted' AND id <> circle_id;
CREATE INDEX elements_with_reservations ON elements (id) WHERE reserved_slots > 0;
CREATE INDEX elements_of_parent ON elements (parent_id) WHERE state <> 'deleted';

CREATE TABLE element_versions (
    element_id  uuid NOT NULL REFERENCES elements,
    version     integer NOT NULL,
    name        text NOT NULL,
    intention   text NOT NULL,
    spec        bytea NOT NULL,
    spec_digest text NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    text NOT NULL,
    summary     text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (element_id, version)
);

-- What a successful deploy pinned for a version.
CREATE TABLE deployments (
    element_id    uuid NOT NULL REFERENCES elements,
    version       integer NOT NULL,
    deploy_id     uuid NOT NULL,
    runtime_image text NOT NULL,
    lock          text,
    bundle        text,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (element_id, version)
);

CREATE TABLE wallets (
    circle_id        uuid PRIMARY KEY REFERENCES circles,
    balance_micro_au bigint NOT NULL DEFAULT 0 CHECK (balance_micro_au >= 0),
    held_micro_au    bigint NOT NULL DEFAULT 0 CHECK (held_micro_au >= 0),
    CHECK (held_micro_au <= balance_micro_au)
);

-- Double entry: one row moves `amount_micro_au` from one account to another. A circle's account is its id;
-- the platform's accounts are named ('revenue', 'grants', 'top_ups').
CREATE TABLE ledger (
    id                     uuid PRIMARY KEY,
    circle_id              uuid NOT NULL REFERENCES circles,
    debit_account          text NOT NULL,
    credit_account         text NOT NULL,
    amount_micro_au        bigint NOT NULL CHECK (amount_micro_au > 0),
    balance_after_micro_au bigint NOT NULL CHECK (balance_after_micro_au >= 0),
    run_id                 uuid,
    dimension              text NOT NULL,
    reference              text,
    at                     timestamptz NOT NULL,
    CHECK (debit_account <> credit_account)
);
CREATE INDEX ledger_of_circle ON ledger (circle_id, id DESC);
CREATE UNIQUE INDEX ledger_once_per_run ON ledger (run_id, dimension) WHERE run_id IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE holds (
    run_id          uuid PRIMARY KEY,
    circle_id       uuid NOT NULL REFERENCES circles,
    amount_micro_au bigint NOT NULL CHECK (amount_micro_au > 0)
);

-- A worker that has not renewed its lease has lost its runs. `node_id` survives a restart of the node.
CREATE TABLE workers (
    worker_id   uuid PRIMARY KEY,
    node_id     uuid NOT NULL,
    started_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL
);

CREATE TABLE runs (
    run_id           uuid NOT NULL PRIMARY KEY,
    circle_id        uuid NOT NULL,
    circle           text NOT NULL,
    element_id       uuid NOT NULL,
    element          text NOT NULL,
    element_version  integer NOT NULL,
    env              text NOT NULL,
    operation        text NOT NULL,
    execution        boolean NOT NULL,
    status           text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    trigger          text NOT NULL,
    actor_kind       text NOT NULL,
    actor_id         text NOT NULL,
    input            bytea,
    input_size       bigint NOT NULL,
    input_digest     bytea NOT NULL,
    output           bytea,
    error            bytea,
    error_code       text,
    attempts         bytea NOT NULL,
    attempt          integer NOT NULL,
    worker_id        uuid,
    next_attempt_at  timestamptz,
    cancel_requested boolean NOT NULL DEFAULT false,
    log_total        integer NOT NULL DEFAULT 0,
    log_dropped      integer NOT NULL DEFAULT 0,
    log_complete     boolean NOT NULL DEFAULT true,
    duration_ms      double precision NOT NULL DEFAULT 0,
    queue_ms         double precision NOT NULL DEFAULT 0,
    cold_start_ms    double precision NOT NULL DEFAULT 0,
    cpu_ms           double precision NOT NULL DEFAULT 0,
    memory_peak_mb   double precision NOT NULL DEFAULT 0,
    isolation        text,
    cost_micro_au    bigint NOT NULL DEFAULT 0,
    debits           bytea,
    trace_id         text NOT NULL DEFAULT '',
    idempotency_key  text,
    created_at       timestamptz NOT NULL,
    started_at       timestamptz,
    finished_at      timestamptz
) PARTITION BY RANGE (run_id);
CREATE INDEX runs_of_element ON runs (element_id, run_id DESC);
CREATE INDEX runs_of_circle ON runs (circle_id, run_id DESC);
CREATE INDEX runs_unfinished ON runs (status, next_attempt_at, run_id) WHERE status IN ('pending', 'running');
CREATE TABLE runs_rest PARTITION OF runs DEFAULT;

-- The lines of one run: JSON array of [seq, stream, unix µs, text].
CREATE TABLE run_logs (
    run_id     uuid NOT NULL PRIMARY KEY,
    circle_id  uuid NOT NULL,
    element_id uuid NOT NULL,
    lines      bytea NOT NULL
) PARTITION BY RANGE (run_id);
CREATE INDEX run_logs_of_element ON run_logs (element_id, run_id DESC);
CREATE TABLE run_logs_rest PARTITION OF run_logs DEFAULT;

CREATE TABLE idempotency_keys (
    circle_id   uuid NOT NULL,
    element_id  uuid NOT NULL,
    operation   text NOT NULL,
    key         text NOT NULL,
    run_id      uuid NOT NULL,
    body_digest bytea NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (circle_id, element_id, operation, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- Written unnumbered in the transaction of what they tell; `seq` is given after commit by one sequencer.
CREATE TABLE events (
    id            uuid NOT NULL PRIMARY KEY,
    circle_id     uuid NOT NULL,
    element_id    uuid NOT NULL,
    element       text NOT NULL,
    kind          text NOT NULL,
    invocation_id uuid,
    operation     text NOT NULL,
    actor_kind    text NOT NULL,
    actor_id      text NOT NULL,
    trace_id      text NOT NULL DEFAULT '',
    at            timestamptz NOT NULL,
    data          bytea NOT NULL,
    seq           bigint
) PARTITION BY RANGE (id);
CREATE INDEX events_of_circle ON events (circle_id, id DESC);
CREATE INDEX events_unnumbered ON events (id) WHERE seq IS NULL;
CREATE TABLE events_rest PARTITION OF events DEFAULT;

-- Makes one partition of a table ranged by UUIDv7; false when it is there or when the rows that belong in it
-- already lie in the default partition, where they stay.
CREATE FUNCTION create_partition(parent text, suffix text, lower_bound uuid, upper_bound uuid)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass(format('triform.%I', parent || '_' || suffix)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE triform.%I PARTITION OF triform.%I FOR VALUES FROM (%L) TO (%L)',
                   parent || '_' || suffix, parent, lower_bound, upper_bound);
    RETURN true;
EXCEPTION WHEN check_violation OR duplicate_table THEN
    RETURN false;
END $$;
