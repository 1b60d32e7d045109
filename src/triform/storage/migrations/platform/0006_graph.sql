-- Rises with every change of how elements of the circle are connected, or of what one gives to others.
ALTER TABLE circles ADD COLUMN graph_revision bigint NOT NULL DEFAULT 0;

-- What the spec of one element says of others, by relation; written with each version of it.
CREATE TABLE element_references (
    source_id uuid    NOT NULL REFERENCES elements,
    relation  text    NOT NULL,
    target_id uuid    NOT NULL REFERENCES elements,
    circle_id uuid    NOT NULL REFERENCES circles,
    place     integer NOT NULL,
    PRIMARY KEY (source_id, relation, target_id)
);
CREATE INDEX element_references_of_target ON element_references (target_id);
CREATE INDEX element_references_of_circle ON element_references (circle_id);

-- A modifier or resource (the source) on an element (the target).
CREATE TABLE attachments (
    id             uuid        PRIMARY KEY,
    circle_id      uuid        NOT NULL REFERENCES circles,
    source_id      uuid        NOT NULL REFERENCES elements,
    target_id      uuid        NOT NULL REFERENCES elements,
    priority       integer     NOT NULL,
    cascade_policy text        NOT NULL CHECK (cascade_policy IN ('none', 'members')),
    version_pin    integer,
    created_at     timestamptz NOT NULL,
    UNIQUE (target_id, source_id)
);
CREATE INDEX attachments_of_source ON attachments (source_id);
CREATE INDEX attachments_of_circle ON attachments (circle_id);

-- What has happened to one element.
CREATE INDEX events_of_element ON events (element_id, id DESC);
