"""Postgres: the embedded server, the pool and its transactions, the group commit, the migrations."""
