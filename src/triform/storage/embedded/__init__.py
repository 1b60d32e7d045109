"""The embedded Postgres: our own supervisor over the binaries of a wheel."""

from triform.storage.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
