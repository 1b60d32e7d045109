-- What a deploy was asked to bundle, as texts that are equal for requirements that say the same.
ALTER TABLE deployments ADD COLUMN requirements text[] NOT NULL DEFAULT '{}';
