-- What every run paid for and nothing needs. A hold or an entry of the ledger is only ever written by a statement that
-- has the wallet of the circle, which refers to the circle. Nobody numbers events yet.
ALTER TABLE holds DROP CONSTRAINT holds_circle_id_fkey;
ALTER TABLE ledger DROP CONSTRAINT ledger_circle_id_fkey;
DROP INDEX events_unnumbered;

-- Batches as the three commits of runs take them: one value of a row each costs a third of an array per column.
CREATE TYPE run_to_accept AS (
    run_id              uuid,
    circle_id           uuid,
    circle              text,
    element_id          uuid,
    element             text,
    element_version     integer,
    element_state       text,
    credential_id       uuid,
    credential_revision integer,
    env                 text,
    operation           text,
    status              text,
    trigger             text,
    actor_kind          text,
    actor_id            text,
    input               bytea,
    input_size          bigint,
    input_digest        bytea,
    attempts            bytea,
    attempt             integer,
    worker_id           uuid,
    trace_id            text,
    key                 text,
    key_digest          bytea,
    key_expires_at      timestamptz,
    created_at          timestamptz,
    started_at          timestamptz,
    hold                bigint,
    event_id            uuid,
    traceparent         text,
    sealed_input        bytea,
    live_version        integer,
    graph_revision      bigint,
    replay_of           uuid,
    batch               uuid,
    input_masked        boolean,
    pinned              integer,
    due                 timestamptz,
    key_operation       text
);
CREATE TYPE run_to_start AS (
    run_id    uuid,
    expected  integer,
    attempt   integer,
    worker_id uuid,
    attempts  bytea,
    at        timestamptz,
    event_id  uuid
);
CREATE TYPE run_to_end AS (
    run_id         uuid,
    circle_id      uuid,
    expected       text,
    attempt        integer,
    status         text,
    output         bytea,
    error          bytea,
    error_code     text,
    attempts       bytea,
    log_total      integer,
    log_dropped    integer,
    log_complete   boolean,
    duration_ms    double precision,
    queue_ms       double precision,
    cold_start_ms  double precision,
    cpu_ms         double precision,
    memory_peak_mb double precision,
    isolation      text,
    cost           bigint,
    debits         bytea,
    finished_at    timestamptz,
    lines          bytea,
    event_id       uuid,
    release_key    boolean
);
CREATE TYPE run_charge AS (
    id        uuid,
    run_id    uuid,
    dimension text,
    amount    bigint
);
