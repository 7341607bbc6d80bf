"""A ledger that would acknowledge what a power cut can take does not start."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, event

from ledger.core.errors import ConfigError
from ledger.store.engine import assert_durable, writer_engine
from tests.support.ledgers import Ledger
from tests.support.postgres import PostgresServer


@contextlib.contextmanager
def server_runs_with(server: PostgresServer, setting: str, value: str) -> Iterator[None]:
    """The server with a setting changed by whoever administers it, and back again."""

    def put(statement: str, wanted: str) -> None:
        with psycopg.connect(server.admin_dsn(), autocommit=True) as connection:
            connection.execute(statement)
            connection.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + 10
            while connection.execute(f"SHOW {setting}").fetchone() != (wanted,):
                assert time.monotonic() < deadline, f"the server does not take {setting} = {wanted}"
                time.sleep(0.02)

    put(f"ALTER SYSTEM SET {setting} = {value}", value)
    try:
        yield
    finally:
        put(f"ALTER SYSTEM RESET {setting}", "on")


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_postgresql_with_a_lowered_server_setting_is_refused_by_name(
    postgres_ledger: Ledger, postgres_server: PostgresServer, setting: str
) -> None:
    with server_runs_with(postgres_server, setting, "off"), pytest.raises(ConfigError, match=f"{setting} = off"):
        postgres_ledger.open()
    postgres_ledger.open()


@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_postgresql_with_a_lowered_setting_of_the_role_is_refused(
    postgres_ledger: Ledger, postgres_server: PostgresServer, value: str
) -> None:
    database = postgres_ledger.settings.database_url(postgres_ledger.folder).database
    role = f"ALTER ROLE trailseal_runtime IN DATABASE {database}"
    with psycopg.connect(postgres_server.admin_dsn(), autocommit=True) as connection:
        connection.execute(f"{role} SET synchronous_commit = {value}".encode())
    with pytest.raises(ConfigError, match=f"synchronous_commit = {value}"):
        postgres_ledger.open()


@pytest.mark.parametrize("pragma", ["synchronous = OFF", "synchronous = NORMAL", "journal_mode = DELETE"])
def test_sqlite_with_lowered_pragmas_is_refused_by_name(tmp_path: Path, pragma: str) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    writer_engine(url).dispose()
    engine = create_engine(url)
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = FULL").close())
    event.listen(engine, "connect", lambda raw, _: raw.execute(f"PRAGMA {pragma}").close())
    with pytest.raises(ConfigError, match=pragma.split()[0]):
        assert_durable(engine)
    engine.dispose()


def test_a_sqlite_database_that_cannot_keep_a_write_ahead_log_is_refused() -> None:
    with pytest.raises(ConfigError, match="journal_mode"):
        writer_engine("sqlite://")


def test_every_writing_connection_has_the_durable_pragmas(sqlite_ledger: Ledger) -> None:
    engine = sqlite_ledger.store.writer
    connections = [engine.connect() for _ in range(4)]
    for connection in connections:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
        assert found == [2, "wal"]
        connection.rollback()
        connection.close()


def test_another_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mysql"):
        writer_engine("mysql://localhost/ledger")
