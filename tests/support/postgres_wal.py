"""A PostgreSQL server of the tests' own that logs what logical decoding needs, with an account that may read slots."""

import contextlib
from collections.abc import Iterator

import psycopg

from tests.support.postgres import PostgresServer, temporary_postgres

PASSWORD = "a-Secret-of-Tests-3"


@contextlib.contextmanager
def logical_postgres() -> Iterator[PostgresServer]:
    """Running, with `wal_level = logical` and the role `collector`, who has the attribute REPLICATION."""
    with temporary_postgres() as server:
        with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET wal_level = 'logical'")
            admin.execute(f"CREATE ROLE collector LOGIN REPLICATION PASSWORD '{PASSWORD}'")
        server.stop()
        server.start()
        yield server
