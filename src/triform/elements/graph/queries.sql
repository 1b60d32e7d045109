-- name: nodes
-- Every living element of a circle, by slug; the circle's own among them.
SELECT id, parent_id, slug, element_type, name, state, version FROM elements
WHERE circle_id = $1 AND state <> 'deleted' ORDER BY slug;

-- name: references
-- What elements of a circle refer to, in the order of their specs.
SELECT source_id, relation, target_id FROM element_references WHERE circle_id = $1
ORDER BY source_id, relation, place;

-- name: attachments
-- What is attached in a circle.
SELECT id, source_id, target_id, priority, cascade_policy, version_pin, created_at FROM attachments
WHERE circle_id = $1;

-- name: changed
-- Connections of a circle change: one transaction after the other, and what was remembered of them is stale.
UPDATE circles SET graph_revision = graph_revision + 1 WHERE id = $1;

-- name: revision
-- Which state of the connections this transaction sees.
SELECT graph_revision FROM circles WHERE id = $1;

-- name: find_slugs
-- Living elements of these slugs; none of them is deleted before the transaction ends.
SELECT id, slug FROM elements
WHERE circle_id = $1 AND slug = ANY($2) AND state <> 'deleted' AND id <> circle_id
ORDER BY id FOR KEY SHARE;

-- name: forget_references
-- What an element's former version referred to.
DELETE FROM element_references WHERE source_id = $1;

-- name: insert_references
-- What an element's present version refers to.
INSERT INTO element_references (source_id, relation, target_id, circle_id, place)
SELECT $1, relation, target_id, $2, place FROM unnest($3::text[], $4::uuid[], $5::int[]) AS r (relation, target_id, place);

-- name: bonds
-- What keeps an element from being deleted: attachments by both ends, and references by both ends.
SELECT 'attachment' AS kind, s.slug || ' on ' || CASE WHEN t.id = t.circle_id THEN 'the circle' ELSE t.slug END AS name
FROM attachments a JOIN elements s ON s.id = a.source_id JOIN elements t ON t.id = a.target_id
WHERE a.source_id = $1 OR a.target_id = $1
UNION ALL
SELECT r.relation || ' of', s.slug FROM element_references r JOIN elements s ON s.id = r.source_id WHERE r.target_id = $1
UNION ALL
SELECT r.relation, t.slug FROM element_references r JOIN elements t ON t.id = r.target_id WHERE r.source_id = $1
ORDER BY 1, 2 LIMIT $2;
