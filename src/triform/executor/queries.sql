-- name: accept
-- A batch of runs: each is admitted, stale (element, what is attached, or credential changed), a duplicate
-- (idempotency key taken) or unaffordable. What is pinned to a version need not be where its environment stands.
-- Wallets are locked in order and admit by running sum.
WITH asked AS (
    SELECT * FROM unnest($1::run_to_accept[]) WITH ORDINALITY
), wallet AS (
    SELECT circle_id, balance_micro_au - held_micro_au AS free FROM wallets
    WHERE circle_id IN (SELECT circle_id FROM asked) ORDER BY circle_id FOR UPDATE
), fresh AS (
    SELECT a.*, w.free, sum(a.hold) OVER (PARTITION BY a.circle_id ORDER BY a.ordinality) AS running_sum
    FROM asked a
    JOIN elements e ON e.id = a.element_id AND e.state = a.element_state
        AND e.live_version IS NOT DISTINCT FROM a.live_version
        AND a.element_version = coalesce(a.pinned,
            CASE a.env WHEN 'live' THEN e.live_version WHEN 'demo' THEN e.demo_version ELSE e.version END)
    JOIN circles g ON g.id = a.circle_id AND g.graph_revision = a.graph_revision
    LEFT JOIN credentials c ON c.id = a.credential_id
    JOIN wallet w ON w.circle_id = a.circle_id
    WHERE a.credential_id IS NULL
       OR (c.revision = a.credential_revision AND c.revoked_at IS NULL
           AND (c.expires_at IS NULL OR c.expires_at > a.created_at))
), affordable AS (
    SELECT * FROM fresh WHERE hold = 0 OR running_sum <= free
), keyed AS (
    INSERT INTO idempotency_keys AS k (circle_id, element_id, operation, key, run_id, body_digest, expires_at)
    SELECT circle_id, element_id, key_operation, key, run_id, key_digest, key_expires_at
    FROM affordable WHERE key IS NOT NULL
    ON CONFLICT (circle_id, element_id, operation, key) DO UPDATE
        SET run_id = excluded.run_id, body_digest = excluded.body_digest, expires_at = excluded.expires_at
        WHERE k.expires_at <= $2
    RETURNING run_id
), admitted AS (
    SELECT * FROM affordable WHERE key IS NULL OR run_id IN (SELECT run_id FROM keyed)
), recorded AS (
    INSERT INTO runs (run_id, circle_id, circle, element_id, element, element_version, env, operation, execution,
                      status, trigger, actor_kind, actor_id, input, input_size, input_digest, attempts, attempt,
                      worker_id, trace_id, traceparent, sealed_input, idempotency_key, created_at, started_at,
                      replay_of, batch, input_masked, next_attempt_at)
    SELECT run_id, circle_id, circle, element_id, element, element_version, env, operation, true,
           status, trigger, actor_kind, actor_id, input, input_size, input_digest, attempts, attempt,
           worker_id, trace_id, traceparent, sealed_input, key, created_at, started_at,
           replay_of, batch, input_masked, due
    FROM admitted
), held AS (
    INSERT INTO holds (run_id, circle_id, amount_micro_au)
    SELECT run_id, circle_id, hold FROM admitted WHERE hold > 0
), reserved AS (
    UPDATE wallets w SET held_micro_au = held_micro_au + h.amount
    FROM (SELECT circle_id, sum(hold)::bigint AS amount FROM admitted WHERE hold > 0 GROUP BY circle_id) h
    WHERE w.circle_id = h.circle_id
), told AS (
    INSERT INTO events (id, circle_id, element_id, element, kind, invocation_id, operation,
                        actor_kind, actor_id, trace_id, at, data)
    SELECT event_id, circle_id, element_id, element, 'run.started', run_id, operation,
           actor_kind, actor_id, trace_id, started_at, '{}'
    FROM admitted WHERE status = 'running'
)
SELECT a.run_id, f.free,
       CASE WHEN f.run_id IS NULL THEN 'stale'
            WHEN a.run_id IN (SELECT run_id FROM admitted) THEN 'admitted'
            WHEN f.hold > 0 AND f.running_sum > f.free THEN 'unaffordable'
            ELSE 'duplicate' END AS verdict
FROM asked a LEFT JOIN fresh f ON f.run_id = a.run_id
ORDER BY a.ordinality;

-- name: start
-- A batch of waiting runs begins an attempt. Only runs still pending in the expected attempt are taken;
-- `started` is told once per run, with its first attempt.
WITH asked AS (
    SELECT * FROM unnest($1::run_to_start[])
), taken AS (
    UPDATE runs r SET status = 'running', attempt = a.attempt, worker_id = a.worker_id, attempts = a.attempts,
                      started_at = coalesce(r.started_at, a.at), next_attempt_at = NULL
    FROM asked a
    WHERE r.run_id = a.run_id AND r.status = 'pending' AND r.attempt = a.expected AND NOT r.cancel_requested
    RETURNING r.*, a.at AS begun_at, a.event_id
), told AS (
    INSERT INTO events (id, circle_id, element_id, element, kind, invocation_id, operation,
                        actor_kind, actor_id, trace_id, at, data)
    SELECT event_id, circle_id, element_id, element, 'run.started', run_id, operation,
           actor_kind, actor_id, trace_id, begun_at, '{}'
    FROM taken WHERE attempt = 1
)
SELECT run_id FROM taken;

-- name: end
-- A batch of runs ends: the run, its ledger lines, its hold, its log and its terminal event in one statement.
-- Only a run in the expected status and attempt is touched, so an end is never written twice.
WITH asked AS (
    SELECT * FROM unnest($1::run_to_end[])
), charge AS (
    SELECT * FROM unnest($2::run_charge[]) WITH ORDINALITY
), wallet AS (
    SELECT circle_id, balance_micro_au FROM wallets
    WHERE circle_id IN (SELECT circle_id FROM asked) ORDER BY circle_id FOR UPDATE
), ended AS (
    UPDATE runs r
    SET status = a.status, output = a.output, error = a.error, error_code = a.error_code, attempts = a.attempts,
        log_total = a.log_total, log_dropped = a.log_dropped, log_complete = a.log_complete,
        duration_ms = a.duration_ms, queue_ms = a.queue_ms, cold_start_ms = a.cold_start_ms, cpu_ms = a.cpu_ms,
        memory_peak_mb = a.memory_peak_mb, isolation = a.isolation, cost_micro_au = a.cost, debits = a.debits,
        finished_at = a.finished_at, next_attempt_at = NULL, sealed_input = NULL
    FROM asked a JOIN wallet w ON w.circle_id = a.circle_id
    WHERE r.run_id = a.run_id AND r.status = a.expected AND r.attempt = a.attempt
    RETURNING r.run_id, r.circle_id, r.element_id, r.element, r.operation, r.actor_kind, r.actor_id, r.trace_id,
              r.status, r.error_code, r.finished_at, r.idempotency_key, r.replay_of, a.lines, a.event_id, a.release_key
), released AS (
    DELETE FROM holds h USING ended e WHERE h.run_id = e.run_id RETURNING h.circle_id, h.amount_micro_au
), due AS (
    SELECT c.id, c.run_id, c.dimension, c.amount, e.circle_id, e.finished_at,
           w.balance_micro_au - sum(c.amount) OVER (PARTITION BY e.circle_id ORDER BY c.ordinality) AS balance_after
    FROM charge c JOIN ended e ON e.run_id = c.run_id JOIN wallet w ON w.circle_id = e.circle_id
), entered AS (
    INSERT INTO ledger (id, circle_id, debit_account, credit_account, amount_micro_au, balance_after_micro_au,
                        run_id, dimension, at)
    SELECT id, circle_id, circle_id::text, 'revenue', amount, balance_after, run_id, dimension, finished_at FROM due
), settled AS (
    UPDATE wallets w SET balance_micro_au = w.balance_micro_au - s.spent, held_micro_au = w.held_micro_au - s.freed
    FROM (SELECT circle_id, sum(spent)::bigint AS spent, sum(freed)::bigint AS freed
          FROM (SELECT circle_id, amount AS spent, 0 AS freed FROM due
                UNION ALL SELECT circle_id, 0, amount_micro_au FROM released) m
          GROUP BY circle_id) s
    WHERE w.circle_id = s.circle_id
), logged AS (
    INSERT INTO run_logs (run_id, circle_id, element_id, lines)
    SELECT run_id, circle_id, element_id, lines FROM ended WHERE lines IS NOT NULL
    ON CONFLICT (run_id) DO UPDATE SET lines = excluded.lines
), told AS (
    INSERT INTO events (id, circle_id, element_id, element, kind, invocation_id, operation,
                        actor_kind, actor_id, trace_id, at, data)
    SELECT event_id, circle_id, element_id, element, 'run.' || status, run_id, operation,
           actor_kind, actor_id, trace_id, finished_at, '{}'
    FROM ended
), freed AS (
    DELETE FROM idempotency_keys k USING ended e WHERE e.release_key AND k.run_id = e.run_id
        AND k.circle_id = e.circle_id AND k.element_id = e.element_id AND k.key = e.idempotency_key
        AND k.operation = CASE WHEN e.replay_of IS NULL THEN e.operation ELSE 'run_replay' END
)
SELECT run_id FROM ended;

-- name: reschedule
-- A run that failed and will be tried again waits in the table; its hold stays.
WITH waiting AS (
    UPDATE runs SET status = 'pending', worker_id = NULL, next_attempt_at = $3, attempts = $4,
                    log_total = $5, log_dropped = $6, log_complete = $7, duration_ms = $9
    WHERE run_id = $1 AND status = 'running' AND attempt = $2
    RETURNING run_id, circle_id, element_id
), logged AS (
    INSERT INTO run_logs (run_id, circle_id, element_id, lines)
    SELECT run_id, circle_id, element_id, $8::bytea FROM waiting WHERE $8::bytea IS NOT NULL
    ON CONFLICT (run_id) DO UPDATE SET lines = excluded.lines
)
SELECT run_id FROM waiting;

-- name: request_cancel
-- Marks an unfinished run; its worker sees the mark, a queued one is not started any more.
UPDATE runs SET cancel_requested = true WHERE run_id = $1 AND status IN ('pending', 'running')
RETURNING status, worker_id;

-- name: cancel_requests
-- Runs that somebody asked to cancel: of this worker, and those that went back to waiting, which nobody takes.
SELECT r.*, l.lines FROM runs r LEFT JOIN run_logs l USING (run_id)
WHERE r.cancel_requested AND r.status IN ('pending', 'running')
  AND (r.worker_id = $1 OR (r.worker_id IS NULL AND r.status = 'pending'));

-- name: due
-- Asynchronous runs that may start now, oldest first, without those being started here and without elements
-- that have no slot free. No wait is longer than an hour: what seems so was
-- set by a clock that was wrong (some minutes are for clocks that differ).
SELECT r.*, l.lines FROM runs r LEFT JOIN run_logs l USING (run_id)
WHERE r.status = 'pending' AND r.worker_id IS NULL AND (r.next_attempt_at IS NULL OR r.next_attempt_at <= $1 OR r.next_attempt_at > $1 + interval '65 minutes')
  AND r.element_id <> ALL ($2::uuid[]) AND r.run_id <> ALL ($3::uuid[]) AND NOT r.cancel_requested
ORDER BY r.next_attempt_at NULLS FIRST, r.run_id LIMIT $4;

-- name: next_due
-- When the next run in back-off is due.
SELECT min(next_attempt_at) FROM runs WHERE status = 'pending' AND worker_id IS NULL AND next_attempt_at > $1;

-- name: backlog
-- Asynchronous runs of a circle that wait.
SELECT count(*) FROM runs WHERE status = 'pending' AND worker_id IS NULL AND circle_id = $1;

-- name: waiting
-- Asynchronous runs of all circles that wait.
SELECT count(*) FROM runs WHERE status = 'pending' AND worker_id IS NULL;

-- name: find_key
-- What an idempotency key stands for, while it is remembered.
SELECT run_id, body_digest FROM idempotency_keys
WHERE circle_id = $1 AND element_id = $2 AND operation = $3 AND key = $4 AND expires_at > $5;

-- name: claim_key
-- Takes a key inside a platform operation's transaction; no row when it is taken.
INSERT INTO idempotency_keys AS k (circle_id, element_id, operation, key, run_id, body_digest, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (circle_id, element_id, operation, key) DO UPDATE
    SET run_id = excluded.run_id, body_digest = excluded.body_digest, expires_at = excluded.expires_at
    WHERE k.expires_at <= $8
RETURNING run_id;

-- name: forget_keys
-- Keys past their time.
DELETE FROM idempotency_keys WHERE expires_at <= $1;

-- name: check_credential
-- Whether a credential is still what the caller believes, inside a platform operation's transaction.
SELECT revision = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) AS valid
FROM credentials WHERE id = $1;

-- name: record
-- A platform operation's run, finished as it is written.
INSERT INTO runs (run_id, circle_id, circle, element_id, element, element_version, env, operation, execution,
                  status, trigger, actor_kind, actor_id, input, input_size, input_digest, input_masked, output,
                  attempts, attempt, duration_ms, cost_micro_au, debits, trace_id, idempotency_key,
                  created_at, started_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false, 'completed', $9, $10, $11, $12, $13, $14, $15, $16,
        $17, 1, $18, $19, $20, $21, $22, $23, $23, $24);

-- name: tell
-- One event.
INSERT INTO events (id, circle_id, element_id, element, kind, invocation_id, operation,
                    actor_kind, actor_id, trace_id, at, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: join
-- A worker begins; its lease says until when it is believed to be alive.
INSERT INTO workers (worker_id, node_id, started_at, lease_until) VALUES ($1, $2, $3, $4);

-- name: renew
-- The worker is alive.
UPDATE workers SET lease_until = $2 WHERE worker_id = $1;

-- name: leave
-- The worker ends with nothing left.
DELETE FROM workers WHERE worker_id = $1;

-- name: lost_workers
-- Workers whose lease ran out, and former ones of this node.
SELECT worker_id FROM workers WHERE worker_id <> $1 AND (lease_until < $3 OR node_id = $2);

-- name: runs_of_worker
-- Unfinished runs of one worker.
SELECT r.*, l.lines FROM runs r LEFT JOIN run_logs l USING (run_id)
WHERE r.worker_id = $1 AND r.status IN ('pending', 'running') ORDER BY r.run_id;

-- name: run
-- One run with its lines.
SELECT r.*, l.lines FROM runs r LEFT JOIN run_logs l USING (run_id) WHERE r.run_id = $1;

-- name: inputs
-- The inputs of some runs.
SELECT run_id, input FROM runs WHERE run_id = ANY ($1::uuid[]);

-- name: batch
-- The runs that were started together.
SELECT run_id, replay_of, element_version FROM runs WHERE batch = $1 AND circle_id = $2 ORDER BY run_id;

-- name: status
-- Where a run stands.
SELECT status FROM runs WHERE run_id = $1 AND circle_id = $2;

-- name: reservations
-- Slots that elements have reserved.
SELECT id, reserved_slots FROM elements
WHERE reserved_slots > 0 AND state IN ('ready', 'deployed') ORDER BY id;

-- name: create_partition
-- One month of a partitioned table.
SELECT create_partition($1, $2, $3, $4);
