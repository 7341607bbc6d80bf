"""Opens databases so that what they acknowledge is durable, or refuses to.

A ledger has one writer engine a process (SQLite: every transaction `BEGIN IMMEDIATE`, taken in turn) and one reader
engine (SQLite: `query_only`). Readers never wait for the writer: SQLite runs in WAL mode, PostgreSQL by snapshots.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from ledger.core.errors import ConfigError
from ledger.store.compiled import COMPILED

BUSY_TIMEOUT_MS = 60_000
"""How long an appending process waits for another one's transaction on SQLite."""

CHECKPOINT_PAGES = 32_768
"""Pages of the write-ahead log (128 MiB) at which SQLite copies it into its file (`store.copying`): what many commits
wrote again, only once. In a large ledger a commit of 2,000 records changes some 3,000 pages."""

CHECKPOINT_AT_MOST = 4
"""So many times `CHECKPOINT_PAGES` are the most that the write-ahead log grows to before a commit copies it."""

WRITERS = 16
"""Connections that may write: one for each log that this process appends to, and some for what stands beside them.
One more copies the write-ahead log."""

PREPARED = 1000
"""Statements that a connection keeps prepared: all that a verification asks, several for each table. With fewer, each
would be prepared and forgotten again, on PostgreSQL for three round trips in place of one."""

UNBOUNDED = -1
"""To SQLAlchemy's pool."""

_SQLITE_DURABLE = {"journal_mode": "wal", "synchronous": 2}
_POSTGRES_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def writer_engine(url: str | URL) -> Engine:
    """The engine that appends. Raises ConfigError if the database would acknowledge what is not durable."""
    engine = _engine(url, pool_size=WRITERS + 1, begin="BEGIN IMMEDIATE")
    assert_durable(engine)
    return engine


def reader_engine(url: str | URL, pool_size: int) -> Engine:
    """The engine that reads; as many connections are kept as the executor that uses it has threads.

    A thread that reads may come to read a second time within: it is given a further connection, else enough such
    threads would hold all there are and wait for each other. The executors bound how many that can be.
    """
    engine = _engine(url, pool_size=pool_size, begin="BEGIN", overflow=UNBOUNDED)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON").close())
    else:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


@contextmanager
def planned_anew(connection: Connection) -> Iterator[None]:
    """Within, PostgreSQL plans each statement for what it asks: of one that it keeps prepared it no longer looks at
    that. For questions whose best way turns on how many records have what; all else is sooner done as it is prepared.
    """
    if is_sqlite(connection):
        yield
        return
    raw: Any = connection.connection.driver_connection
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        yield
    finally:
        raw.prepare_threshold = threshold


def assert_durable(engine: Engine) -> None:
    """Raises ConfigError, naming the setting, unless a commit means that the data is on stable storage."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for pragma, wanted in _SQLITE_DURABLE.items():
                found = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
                if found != wanted:
                    raise ConfigError(f"SQLite runs with {pragma} = {found}, not {wanted}")
            return
        for setting, wanted in _POSTGRES_DURABLE.items():
            found = connection.exec_driver_sql(f"SHOW {setting}").scalar()
            if found != wanted and not (setting == "synchronous_commit" and found == "remote_apply"):
                raise ConfigError(
                    f"PostgreSQL runs with {setting} = {found}: a record it acknowledges could be lost",
                    advice=f"Set {setting} = {wanted} for this server, database and role, then start again.",
                )


def is_sqlite(connection: Connection | Engine) -> bool:
    """Whether this is SQLite; everything else is PostgreSQL."""
    return connection.dialect.name == "sqlite"


def _engine(url: str | URL, pool_size: int, begin: str, overflow: int = 0) -> Engine:
    # Its errors are logged: parameters, which hold records and secrets, are left out of them.
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=overflow,
            hide_parameters=True,
            execution_options={"compiled_cache": COMPILED},
            connect_args={
                "check_same_thread": False,
                "timeout": BUSY_TIMEOUT_MS / 1000,
                "cached_statements": PREPARED,
            },
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: _begin(connection, begin))
        return engine
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=overflow,
            hide_parameters=True,
            execution_options={"compiled_cache": COMPILED},
        )
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "prepared_max", PREPARED))
        return engine
    raise ConfigError(
        f"a ledger cannot live on {parsed.get_backend_name()}", advice="Use a sqlite or a postgresql URL."
    )


def raised(connection: Connection, statement: str, error: Exception) -> BaseException:
    """What SQLAlchemy would have raised for the driver's error, where the driver is spoken to itself."""
    dialect = connection.dialect
    return DBAPIError.instance(statement, None, error, dialect.loaded_dbapi.Error, True, dialect=dialect)


def _begin(connection: Connection, statement: str) -> None:
    # Through SQLAlchemy it would be a twentieth of an append of one entry.
    raw: Any = connection.connection.driver_connection
    try:
        raw.execute(statement).close()
    except sqlite3.Error as error:
        raise raised(connection, statement, error) from error


def _prepare_sqlite(raw: Any, _record: Any) -> None:
    # The driver's own transaction handling begins nothing on SELECT; ours is explicit (see the begin event).
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "cache_size = -65536",
        "temp_store = MEMORY",
        f"wal_autocheckpoint = {CHECKPOINT_AT_MOST * CHECKPOINT_PAGES}",
        # Begun anew it is cut off: its length says how much of it is waiting.
        "journal_size_limit = 0",
        # Else REPLACE removes a row without the trigger that refuses to delete it.
        "recursive_triggers = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
