-- name: active
-- Unfinished runs of an element, oldest first.
SELECT run_id FROM runs WHERE element_id = $1 AND status IN ('pending', 'running') ORDER BY run_id LIMIT $2;

-- name: list
-- Runs as a list shows them: inputs and outputs over $1 bytes are left out, but for their beginning. What is
-- wanted of them, order and page are added by `reading_filters`.
SELECT r.run_id, r.circle_id, r.circle, r.element_id, r.element, r.element_version, r.env, r.operation, r.execution,
       r.status, r.trigger, r.actor_kind, r.actor_id, r.input_size, r.input_digest, r.error, r.attempts,
       r.next_attempt_at, r.log_total, r.log_dropped, r.log_complete, r.duration_ms, r.queue_ms, r.cold_start_ms,
       r.cpu_ms, r.memory_peak_mb, r.isolation, r.cost_micro_au, r.debits, r.trace_id, r.created_at, r.started_at,
       r.finished_at, r.idempotency_key, r.input_masked, r.replay_of, r.batch,
       octet_length(r.output) AS output_size,
       CASE WHEN octet_length(r.input) <= $1 THEN r.input END AS input,
       CASE WHEN octet_length(r.output) <= $1 THEN r.output END AS output,
       CASE WHEN octet_length(r.input) > $1 THEN substring(r.input FOR 200) END AS input_head,
       CASE WHEN octet_length(r.output) > $1 THEN substring(r.output FOR 200) END AS output_head
FROM runs r;

-- name: find
-- One run of an element ($3) or of a circle, with its stored lines.
SELECT r.*, l.lines FROM runs r LEFT JOIN run_logs l ON l.run_id = r.run_id
WHERE r.run_id = $1 AND r.circle_id = $2 AND ($3::uuid IS NULL OR r.element_id = $3);

-- name: replays
-- Runs that repeat a run, newest first.
SELECT run_id FROM runs WHERE replay_of = $1 AND circle_id = $2 ORDER BY run_id DESC LIMIT $3;

-- name: newest_logs
-- Runs of an element that printed something or are going on, newest first, between two ids.
SELECT r.run_id, r.status, r.log_total, r.log_dropped, r.log_complete, l.lines
FROM runs r LEFT JOIN run_logs l ON l.run_id = r.run_id
WHERE r.circle_id = $1 AND r.element_id = $2 AND ($3::uuid IS NULL OR r.run_id > $3)
  AND ($4::uuid IS NULL OR r.run_id < $4) AND r.execution
  AND (l.run_id IS NOT NULL OR r.log_total > 0 OR r.status IN ('pending', 'running'))
ORDER BY r.run_id DESC LIMIT $5;

-- name: stats
-- Figures over the executions of some elements since a moment: for each that has any, and in the row without an
-- element for all of them together. Rates count what ended by itself.
SELECT element_id, count(*) AS runs,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status = 'failed') AS failed,
       avg(duration_ms) FILTER (WHERE status IN ('completed', 'failed')) AS avg_duration_ms,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms)
           FILTER (WHERE status IN ('completed', 'failed')) AS p50_duration_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms)
           FILTER (WHERE status IN ('completed', 'failed')) AS p95_duration_ms,
       coalesce(sum(cost_micro_au), 0)::bigint AS cost_micro_au,
       max(created_at) AS last_run_at
FROM runs
WHERE circle_id = $1 AND element_id = ANY($2) AND execution AND created_at >= $3 AND run_id >= $4
GROUP BY GROUPING SETS ((element_id), ());

-- name: events_of_circle
-- What has happened in a circle, newest first.
SELECT id, element_id, element, kind, invocation_id, operation, actor_kind, actor_id, trace_id, at, data FROM events
WHERE circle_id = $1 AND ($2::uuid IS NULL OR id >= $2) ORDER BY id DESC LIMIT $3 OFFSET $4;

-- name: events_of_elements
-- What has happened to some elements of a circle, newest first.
SELECT e.* FROM unnest($5::uuid[]) AS about (id) CROSS JOIN LATERAL (
    SELECT id, element_id, element, kind, invocation_id, operation, actor_kind, actor_id, trace_id, at, data
    FROM events WHERE element_id = about.id AND circle_id = $1 AND ($2::uuid IS NULL OR id >= $2)
    ORDER BY id DESC LIMIT $3::bigint + $4::bigint
) e ORDER BY e.id DESC LIMIT $3::bigint OFFSET $4::bigint;
