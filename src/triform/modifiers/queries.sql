-- name: hold
-- Which of some elements live; those are not deleted before the transaction ends.
SELECT id FROM elements WHERE circle_id = $1 AND id = ANY($2) AND state <> 'deleted' ORDER BY id FOR KEY SHARE;

-- name: attach
-- A new attachment, or the one that is there with other terms.
INSERT INTO attachments AS a (id, circle_id, source_id, target_id, priority, cascade_policy, version_pin, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (target_id, source_id) DO UPDATE
    SET priority = excluded.priority, cascade_policy = excluded.cascade_policy, version_pin = excluded.version_pin
RETURNING id, source_id, target_id, priority, cascade_policy, version_pin, created_at;

-- name: detach
-- Attachments of a target end.
DELETE FROM attachments WHERE target_id = $1 AND id = ANY($2);
