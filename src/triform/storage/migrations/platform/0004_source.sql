-- Where each branch of an element's git repository stands, and which version that is. Postgres says it; the refs
-- of the repository follow. A draft_version behind `version` means that the repository lacks the last versions.
ALTER TABLE elements
    ADD COLUMN draft_commit  text,
    ADD COLUMN draft_version integer,
    ADD COLUMN demo_commit   text,
    ADD COLUMN demo_version  integer,
    ADD COLUMN live_commit   text,
    ADD COLUMN live_version  integer,
    ADD CHECK ((draft_commit IS NULL) = (draft_version IS NULL)),
    ADD CHECK ((demo_commit IS NULL) = (demo_version IS NULL)),
    ADD CHECK ((live_commit IS NULL) = (live_version IS NULL));

-- The commit that holds a version; NULL = the repository could not be written then.
ALTER TABLE element_versions ADD COLUMN commit_id text;
