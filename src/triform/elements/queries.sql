-- name: find_by_slug
-- The living element of a slug, never the one that stands for the circle.
SELECT e.*, c.name AS circle_name, c.graph_revision, d.version AS bundled_version, d.runtime_image, d.bundle,
       d.requirements, d.fetched_from, d.fetched_commit
FROM elements e JOIN circles c ON c.id = e.circle_id
LEFT JOIN LATERAL (SELECT * FROM deployments WHERE element_id = e.id AND version <= e.version
                   ORDER BY version DESC LIMIT 1) d ON true
WHERE e.circle_id = $1 AND e.slug = $2 AND e.state <> 'deleted' AND e.id <> e.circle_id;

-- name: find_by_id
-- An element of a circle by its id, deleted ones too.
SELECT e.*, c.name AS circle_name, c.graph_revision, d.version AS bundled_version, d.runtime_image, d.bundle,
       d.requirements, d.fetched_from, d.fetched_commit
FROM elements e JOIN circles c ON c.id = e.circle_id
LEFT JOIN LATERAL (SELECT * FROM deployments WHERE element_id = e.id AND version <= e.version
                   ORDER BY version DESC LIMIT 1) d ON true
WHERE e.circle_id = $1 AND e.id = $2;

-- name: lock
-- An element of a circle, kept from being changed by others until the transaction ends. Accepting runs goes on.
SELECT e.*, c.name AS circle_name FROM elements e JOIN circles c ON c.id = e.circle_id
WHERE e.circle_id = $1 AND e.id = $2 FOR NO KEY UPDATE OF e;

-- name: lock_for_delete
-- The same, and nothing that refers to the element (children, runs about to be accepted) comes in meanwhile.
SELECT e.*, c.name AS circle_name FROM elements e JOIN circles c ON c.id = e.circle_id
WHERE e.circle_id = $1 AND e.id = $2 FOR UPDATE OF e;

-- name: lock_parent
-- The element that is to contain another; it cannot be deleted until the transaction ends.
SELECT state FROM elements WHERE circle_id = $1 AND id = $2 FOR KEY SHARE;

-- name: insert
-- A new element; no row when a living element of the circle has its slug.
INSERT INTO elements (id, circle_id, parent_id, slug, element_type, name, intention, state, enabled_state,
                      version, reserved_slots, spec, meta, created_at, updated_at, secrets)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT DO NOTHING RETURNING id;

-- name: update
-- What changes with a new version. The row is locked and its version has been compared.
UPDATE elements SET name = $2, intention = $3, spec = $4, version = $5, state = $6, enabled_state = $7,
                    reserved_slots = $8, updated_at = $9, secrets = $10
WHERE id = $1 AND version = $5 - 1;

-- name: set_state
-- Disabled, enabled, deployed, deleted: no new version.
UPDATE elements SET state = $2, enabled_state = $3, updated_at = $4 WHERE id = $1;

-- name: set_meta
-- What the user interface remembers: no new version.
UPDATE elements SET meta = $2, updated_at = $3 WHERE id = $1;

-- name: set_deployed
-- A deploy succeeded for the version the element still has; a disabled one becomes deployed when it is enabled.
UPDATE elements SET enabled_state = 'deployed', deployed_version = version, updated_at = $3,
                    state = CASE WHEN state = 'disabled' THEN state ELSE 'deployed' END
WHERE id = $1 AND version = $2 AND state <> 'deleted' RETURNING id;

-- name: children
-- A page of what an element contains, by slug, with the count of all that match.
SELECT e.*, c.name AS circle_name, count(*) OVER () AS total
FROM elements e JOIN circles c ON c.id = e.circle_id
WHERE e.parent_id = $1 AND e.id <> $1 AND e.state <> 'deleted'
  AND ($2::text[] IS NULL OR e.element_type = ANY($2)) AND ($3::text[] IS NULL OR e.state = ANY($3))
  AND ($4::text IS NULL OR position(lower($4) IN e.slug) > 0 OR position(lower($4) IN lower(e.name)) > 0)
ORDER BY e.slug LIMIT $5 OFFSET $6;

-- name: after
-- Living elements of a circle, of some types, by slug from behind another slug on.
SELECT e.*, c.name AS circle_name FROM elements e JOIN circles c ON c.id = e.circle_id
WHERE e.circle_id = $1 AND e.id <> $1 AND e.state <> 'deleted' AND e.element_type = ANY($2) AND e.slug > $3
ORDER BY e.slug LIMIT $4;

-- name: types_in
-- The types of all living elements of a circle, its own among them.
SELECT DISTINCT element_type FROM elements WHERE circle_id = $1 AND state <> 'deleted' ORDER BY element_type;

-- name: count_children
-- How many match, for a page beyond the last.
SELECT count(*) FROM elements e
WHERE e.parent_id = $1 AND e.id <> $1 AND e.state <> 'deleted'
  AND ($2::text[] IS NULL OR e.element_type = ANY($2)) AND ($3::text[] IS NULL OR e.state = ANY($3))
  AND ($4::text IS NULL OR position(lower($4) IN e.slug) > 0 OR position(lower($4) IN lower(e.name)) > 0);

-- name: insert_version
-- What an element was at a version.
INSERT INTO element_versions (element_id, version, name, intention, spec, spec_digest,
                              actor_kind, actor_id, summary, created_at, secrets, commit_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: set_commit
-- The commit that holds a version.
UPDATE element_versions SET commit_id = $3 WHERE element_id = $1 AND version = $2;

-- name: set_tip
-- A branch of the element's repository stands at another commit.
UPDATE elements
SET draft_commit = CASE $2 WHEN 'draft' THEN $3 ELSE draft_commit END,
    draft_version = CASE $2 WHEN 'draft' THEN $4 ELSE draft_version END,
    demo_commit = CASE $2 WHEN 'demo' THEN $3 ELSE demo_commit END,
    demo_version = CASE $2 WHEN 'demo' THEN $4 ELSE demo_version END,
    live_commit = CASE $2 WHEN 'live' THEN $3 ELSE live_commit END,
    live_version = CASE $2 WHEN 'live' THEN $4 ELSE live_version END
WHERE id = $1;

-- name: versions_after
-- What an element was at each version after one, and who made it so.
SELECT version, name, intention, spec, actor_kind, actor_id, summary, created_at, commit_id FROM element_versions
WHERE element_id = $1 AND version > $2 ORDER BY version;

-- name: secrets_of_versions
-- The encrypted values every version had, latest first.
SELECT secrets FROM element_versions WHERE element_id = $1 AND secrets IS NOT NULL ORDER BY version DESC;

-- name: forget_secrets
-- Of a deleted element nothing is kept that could be decrypted.
WITH forgotten AS (UPDATE element_versions SET secrets = NULL WHERE element_id = $1 AND secrets IS NOT NULL)
UPDATE elements SET secrets = NULL WHERE id = $1 AND secrets IS NOT NULL;

-- name: versions
-- The history, newest first, without the specs.
SELECT version, spec_digest, actor_kind, actor_id, summary, created_at, commit_id FROM element_versions
WHERE element_id = $1 ORDER BY version DESC LIMIT $2;

-- name: find_version
-- What an element was at a version, and what the last deploy up to it pinned.
SELECT v.name, v.intention, v.spec, v.secrets, v.commit_id, d.version AS bundled_version, d.runtime_image, d.bundle,
       d.requirements, d.fetched_from, d.fetched_commit
FROM element_versions v
LEFT JOIN LATERAL (SELECT * FROM deployments WHERE element_id = $1 AND version <= $2
                   ORDER BY version DESC LIMIT 1) d ON true
WHERE v.element_id = $1 AND v.version = $2;

-- name: insert_deployment
-- What a deploy of a version pinned; deploying the same version again replaces it.
INSERT INTO deployments (element_id, version, deploy_id, runtime_image, lock, bundle, created_at, requirements,
                         fetched_from, fetched_commit)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (element_id, version) DO UPDATE
    SET deploy_id = excluded.deploy_id, runtime_image = excluded.runtime_image, lock = excluded.lock,
        bundle = excluded.bundle, created_at = excluded.created_at, requirements = excluded.requirements,
        fetched_from = excluded.fetched_from, fetched_commit = excluded.fetched_commit;

-- name: carry_deployment
-- A new version with the source of the one before: what was pinned for that one holds on.
WITH carried AS (
    INSERT INTO deployments (element_id, version, deploy_id, runtime_image, lock, bundle, created_at, requirements,
                             fetched_from, fetched_commit)
    SELECT element_id, version + 1, deploy_id, runtime_image, lock, bundle, created_at, requirements,
           fetched_from, fetched_commit FROM deployments
    WHERE element_id = $1 AND version = $2 - 1 RETURNING element_id)
UPDATE elements SET deployed_version = $2 WHERE id IN (SELECT element_id FROM carried);

-- name: find_deployment
-- What the deploy of a version pinned.
SELECT version, deploy_id, runtime_image, lock, bundle, created_at, requirements, fetched_from, fetched_commit
FROM deployments WHERE element_id = $1 AND version = $2;

-- name: insert_event
-- One event about an element, unnumbered.
INSERT INTO events (id, circle_id, element_id, element, kind, invocation_id, operation,
                    actor_kind, actor_id, trace_id, at, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: pins
-- Runtime images that deploys pinned for versions of elements that live.
SELECT d.runtime_image, c.name AS circle, e.slug AS element, d.version
FROM deployments d JOIN elements e ON e.id = d.element_id JOIN circles c ON c.id = e.circle_id
WHERE e.state <> 'deleted' ORDER BY c.name, e.slug, d.version;

-- name: bundles
-- Bundles that deploys pinned for elements that live.
SELECT DISTINCT d.bundle FROM deployments d JOIN elements e ON e.id = d.element_id
WHERE e.state <> 'deleted' AND d.bundle IS NOT NULL;
