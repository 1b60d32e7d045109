-- name: open
-- A new circle's wallet, empty.
INSERT INTO wallets (circle_id) VALUES ($1);

-- name: wallet
-- What is there and what of it is set aside.
SELECT balance_micro_au, held_micro_au FROM wallets WHERE circle_id = $1;

-- name: credit
-- Adds to a wallet; answers the new balance.
UPDATE wallets SET balance_micro_au = balance_micro_au + $2 WHERE circle_id = $1 RETURNING balance_micro_au;

-- name: debit
-- Takes from a wallet what is not held; no row when it is not there.
UPDATE wallets SET balance_micro_au = balance_micro_au - $2
WHERE circle_id = $1 AND balance_micro_au - held_micro_au >= $2 RETURNING balance_micro_au;

-- name: enter
-- One movement between two accounts.
INSERT INTO ledger (id, circle_id, debit_account, credit_account, amount_micro_au, balance_after_micro_au,
                    run_id, dimension, reference, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: entries
-- A circle's movements, newest first, below a cursor.
SELECT id, run_id, dimension, reference, at, balance_after_micro_au,
       CASE WHEN debit_account = circle_id::text THEN -amount_micro_au ELSE amount_micro_au END AS amount_micro_au
FROM ledger
WHERE circle_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::uuid IS NULL OR run_id = $3)
ORDER BY id DESC LIMIT $4 OFFSET $5;

-- name: recent
-- How long the last completed runs of an operation of an element took, and how many there were.
SELECT count(*) AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) AS p50_duration_ms
FROM (SELECT duration_ms FROM runs WHERE element_id = $1 AND operation = $2 AND status = 'completed'
      ORDER BY run_id DESC LIMIT $3) AS recent;
