-- Secret values, encrypted: {name: {digest, box}} beside the spec that names them by digest.
ALTER TABLE elements ADD COLUMN secrets bytea;
ALTER TABLE element_versions ADD COLUMN secrets bytea;

-- The exact input of an asynchronous run whose shown input had to be masked: encrypted, gone when the run ends.
ALTER TABLE runs ADD COLUMN sealed_input bytea;
