"""Three real databases with an audit table, for tests that hold on each: one place that knows how they differ."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.support.mariadb import temporary_mariadb
from tests.support.postgres import PostgresServer

PASSWORD = "a-Secret-of-Tests-2"
DATABASES = ("sqlite", "postgresql", "mariadb")


class Audited:
    """A database whose owner runs statements here, and the address by which a collector reads it."""

    def __init__(self, kind: str, url: str, secrets: dict[str, str], connect: Any) -> None:
        self.kind = kind
        self.url = url
        self.secrets = secrets
        self.connect = connect
        """Another session of the owner; it commits when told to."""

    def run(self, *statements: str) -> None:
        with contextlib.closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def fill(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs a statement for many rows; its parameters are written `?`."""
        with contextlib.closing(self.connect()) as connection:
            connection.cursor().executemany(statement if self.kind == "sqlite" else statement.replace("?", "%s"), rows)
            connection.commit()


@contextlib.contextmanager
def audited(kind: str, folder: Path, postgres: PostgresServer) -> Iterator[Audited]:
    """One of `DATABASES`, running and empty, with an account `collector` where it has accounts."""
    if kind == "sqlite":
        path = folder / "audit's data.db"
        yield Audited(kind, f"sqlite:///{path}", {}, lambda: sqlite3.connect(path))
    elif kind == "postgresql":
        with _schema(postgres) as dsn:
            url = f"postgresql://collector@127.0.0.1:{postgres.port}/{dsn.rpartition('/')[2]}"
            yield Audited(kind, url, {"password": PASSWORD}, lambda: psycopg.connect(dsn))
    else:
        with temporary_mariadb() as maria:
            with maria.root() as root, root.cursor() as cursor:
                cursor.execute("CREATE DATABASE plant CHARACTER SET utf8mb4")
                cursor.execute(f"CREATE USER collector@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
                cursor.execute("GRANT SELECT, INSERT ON plant.* TO collector@'127.0.0.1'")
            url = f"mariadb://collector@127.0.0.1:{maria.port}/plant"

            def connect() -> Any:
                session = maria.root("plant")
                session.autocommit(False)
                return session

            yield Audited(kind, url, {"password": PASSWORD}, connect)


@contextlib.contextmanager
def _schema(postgres: PostgresServer) -> Iterator[str]:
    """A database of its own, as accounts are the whole server's."""
    with psycopg.connect(postgres.admin_dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE plant")
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'collector'").fetchone() is None:
            admin.execute(f"CREATE ROLE collector LOGIN PASSWORD '{PASSWORD}'")
        dsn = postgres.admin_dsn("plant")
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO collector")
        try:
            yield dsn
        finally:
            admin.execute("DROP DATABASE plant WITH (FORCE)")
            admin.execute("DROP OWNED BY collector")
            admin.execute("DROP ROLE collector")
