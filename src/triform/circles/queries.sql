-- name: identity
-- An identity by name.
SELECT id, name, password_hash FROM identities WHERE name = $1;

-- name: add_identity
-- A new identity without password; no row when the name exists (also when it was just being added).
INSERT INTO identities (id, name, created_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO NOTHING RETURNING id, name, password_hash;

-- name: set_first_password
-- The password of an identity that has none yet; no row when it has one.
UPDATE identities SET password_hash = $2 WHERE id = $1 AND password_hash IS NULL RETURNING name;

-- name: add_circle
-- A new circle; no row when the name is taken (also when it was just being taken).
INSERT INTO circles (id, name, created_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO NOTHING RETURNING id, name, created_at;

-- name: entry
-- The circle of this name, if the identity is a member of it.
SELECT c.id, c.name, c.created_at FROM circles c JOIN members m ON m.circle_id = c.id
WHERE m.identity_id = $1 AND c.name = $2;

-- name: membership
-- The circle of this id, if the identity is a member of it.
SELECT c.id, c.name, c.created_at FROM circles c JOIN members m ON m.circle_id = c.id
WHERE c.id = $1 AND m.identity_id = $2;

-- name: home
-- The circle an identity enters when it names none: the one of its own name, else its oldest membership.
SELECT c.id, c.name, c.created_at FROM circles c JOIN members m ON m.circle_id = c.id
WHERE m.identity_id = $1 ORDER BY (c.name = $2) DESC, m.created_at, c.id LIMIT 1;

-- name: lock_circle
-- Changes of members and credentials of one circle happen one after the other. Rows that merely refer to the
-- circle are not held up.
SELECT FROM circles WHERE id = $1 FOR NO KEY UPDATE;

-- name: members
-- A circle's members, oldest first.
SELECT m.identity_id, i.name AS identity, m.role, m.created_at
FROM members m JOIN identities i ON i.id = m.identity_id
WHERE m.circle_id = $1 ORDER BY m.created_at, i.name;

-- name: member
-- One member by the identity's name.
SELECT m.identity_id, i.name AS identity, m.role, m.created_at
FROM members m JOIN identities i ON i.id = m.identity_id
WHERE m.circle_id = $1 AND i.name = $2;

-- name: put_member
-- Makes somebody a member, or changes the role.
INSERT INTO members (circle_id, identity_id, role, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (circle_id, identity_id) DO UPDATE SET role = excluded.role;

-- name: remove_member
-- Ends a membership.
DELETE FROM members WHERE circle_id = $1 AND identity_id = $2;

-- name: other_admin
-- Whether the circle has an admin besides this identity.
SELECT EXISTS (SELECT FROM members WHERE circle_id = $1 AND role = 'admin' AND identity_id <> $2);

-- name: member_elsewhere
-- Whether the identity is a member of any other circle.
SELECT EXISTS (SELECT FROM members WHERE identity_id = $1 AND circle_id <> $2);

-- name: admin_can_sign_in
-- Whether any circle has an admin with a password.
SELECT EXISTS (
    SELECT FROM members m JOIN identities i ON i.id = m.identity_id
    WHERE m.role = 'admin' AND i.password_hash IS NOT NULL
);

-- name: standing
-- What a credential may do now. The membership is part of it: without one, a credential is nothing.
SELECT k.id, k.kind, k.name, k.role AS key_role, k.scopes, k.revision, k.expires_at,
       m.role AS member_role, i.id AS identity_id, i.name AS identity,
       c.id AS circle_id, c.name AS circle, c.created_at AS circle_created_at
FROM credentials k
JOIN members m ON m.circle_id = k.circle_id AND m.identity_id = k.identity_id
JOIN identities i ON i.id = k.identity_id
JOIN circles c ON c.id = k.circle_id
WHERE k.id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2);

-- name: key_of_secret
-- The API key whose secret has this hash.
SELECT id FROM credentials WHERE secret_hash = $1 AND kind = 'api_key' AND revoked_at IS NULL;

-- name: add_session
-- A session; its power is that of the membership.
INSERT INTO credentials (id, kind, circle_id, identity_id, created_at, expires_at)
VALUES ($1, 'session', $2, $3, $4, $5);

-- name: add_key
-- An API key.
INSERT INTO credentials (id, kind, circle_id, identity_id, name, role, scopes, secret_hash, created_at, expires_at)
VALUES ($1, 'api_key', $2, $3, $4, $5, $6, $7, $8, $9);

-- name: keys
-- A circle's API keys that have not been revoked, newest first.
SELECT k.id, k.name, k.role, k.scopes, i.name AS owner, k.created_at, k.expires_at, k.revoked_at
FROM credentials k JOIN identities i ON i.id = k.identity_id
WHERE k.circle_id = $1 AND k.kind = 'api_key' AND k.revoked_at IS NULL ORDER BY k.id DESC;

-- name: revoke_key
-- Ends an API key of a circle; the time of an earlier revocation stays.
UPDATE credentials k SET revoked_at = coalesce(k.revoked_at, $3), revision = k.revision + 1
FROM identities i
WHERE k.circle_id = $1 AND k.id = $2 AND k.kind = 'api_key' AND i.id = k.identity_id
RETURNING k.id, k.name, k.role, k.scopes, i.name AS owner, k.created_at, k.expires_at, k.revoked_at;

-- name: revoke_session
-- Ends a session: its access and refresh tokens are worth nothing from now on.
UPDATE credentials SET revoked_at = $2, revision = revision + 1
WHERE id = $1 AND kind = 'session' AND revoked_at IS NULL RETURNING id;

-- name: revoke_of_member
-- Ends every credential of a former member.
UPDATE credentials SET revoked_at = $3, revision = revision + 1
WHERE circle_id = $1 AND identity_id = $2 AND revoked_at IS NULL;

-- name: touch_of_member
-- The member's power changed: whoever remembers its credentials must look again.
UPDATE credentials SET revision = revision + 1
WHERE circle_id = $1 AND identity_id = $2 AND revoked_at IS NULL;

-- name: add_refresh_token
-- One more token of a session's family.
INSERT INTO refresh_tokens (token_hash, credential_id, created_at, expires_at) VALUES ($1, $2, $3, $4);

-- name: refresh_token
-- A refresh token, held until the transaction ends: of two exchanges, the second sees the first.
SELECT credential_id, expires_at, used_at IS NOT NULL AS used
FROM refresh_tokens WHERE token_hash = $1 FOR UPDATE;

-- name: use_refresh_token
-- The token has been exchanged.
UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1;

-- name: add_link
-- A one-time link.
INSERT INTO login_links (link_hash, identity_id, circle_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: link_is_open
-- Whether a one-time link can still be used.
SELECT EXISTS (SELECT FROM login_links WHERE link_hash = $1 AND used_at IS NULL AND expires_at > $2);

-- name: lock_links
-- Whoever uses a link up uses up its siblings: two at once wait for one another in the same order.
SELECT link_hash FROM login_links
WHERE used_at IS NULL AND identity_id IS NOT DISTINCT FROM (SELECT identity_id FROM login_links WHERE link_hash = $1)
ORDER BY link_hash FOR UPDATE;

-- name: use_link
-- Uses a one-time link up; no row when it is unknown, used or too old.
UPDATE login_links SET used_at = $2 WHERE link_hash = $1 AND used_at IS NULL AND expires_at > $2
RETURNING identity_id, circle_id;

-- name: close_links
-- Uses up all other links of an identity; NULL are the first admin's.
UPDATE login_links SET used_at = $2 WHERE identity_id IS NOT DISTINCT FROM $1 AND used_at IS NULL;

-- name: lock_first_admin
-- Two first admins cannot be made at once.
SELECT pg_advisory_xact_lock(hashtextextended('triform.first_admin', 0));

-- name: forget_sessions
-- Sessions past their time, or ended before it; their refresh tokens go with them.
DELETE FROM credentials WHERE kind = 'session' AND (expires_at <= $1 OR revoked_at <= $1);

-- name: forget_links
-- One-time links past their time.
DELETE FROM login_links WHERE expires_at <= $1;

-- name: reset_password
-- Another password for an identity, whatever it had; no row when there is no such identity.
UPDATE identities SET password_hash = $2 WHERE name = $1 RETURNING id;

-- name: revoke_sessions_of
-- Ends every session of an identity, in all circles. API keys stay.
UPDATE credentials SET revoked_at = $2, revision = revision + 1
WHERE identity_id = $1 AND kind = 'session' AND revoked_at IS NULL;
