-- What every run paid for and nothing needs. A hold or an entry of the ledger is only ever written by a statement that
-- has the wallet of the circle, which refers to the circle. Nobody numbers events yet.
ALTER TABLE holds DROP CONSTRAINT holds_circle_id_fkey;
ALTER TABLE ledger DROP CONSTRAINT ledger_circle_id_fkey;
DROP INDEX events_unnumbered;
