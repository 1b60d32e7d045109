-- The run a run repeats, and what it was started together with. `input_masked`: secret values were taken out of
-- `input`, so it is not what the handler saw; NULL = from before this was noted.
ALTER TABLE runs ADD COLUMN replay_of uuid, ADD COLUMN batch uuid, ADD COLUMN input_masked boolean;
CREATE INDEX runs_replaying ON runs (replay_of, run_id DESC) WHERE replay_of IS NOT NULL;
CREATE INDEX runs_of_batch ON runs (batch, run_id DESC) WHERE batch IS NOT NULL;
