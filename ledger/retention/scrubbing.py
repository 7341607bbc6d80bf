"""What is left of removed rows in the database's own files, and how it goes.

SQLite: rows are overwritten as they go (`secure_delete`), then the write-ahead log is emptied; pages that were split
long ago may hold copies, and the full-text index marks words as gone before it drops them: `scrub` rewrites both.
PostgreSQL: `scrub` rewrites the tables, and the statistics that were taken of them. Its write-ahead log, archives,
replicas and backups keep what they have until they expire.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from tenacity import RetryError, retry, retry_if_result, stop_after_delay, wait_fixed

from ledger.core.errors import ConfigError, Conflict
from ledger.store.append_only import SEARCHED
from ledger.store.engine import BUSY_TIMEOUT_MS, is_sqlite
from ledger.store.store import Store

VAULT: Final = ("body", "original", "sealed_value")
STATISTICS: Final = "pg_catalog.pg_statistic"
_WAITS_MS: Final = 1000
_PATIENCE_S: Final = 10.0
"""Seconds within which those who read since before are done, or the write-ahead log is not emptied."""

Step = Callable[[int, int], None]
"""Told before each step how many are done of how many; may raise to stop."""

_NOT_OURS = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(:tables)"
    " AND NOT pg_has_role(relowner, 'USAGE')"
    " UNION ALL SELECT datname FROM pg_database WHERE datname = current_database() AND NOT pg_has_role(datdba, 'USAGE')"
)


def empty_log(store: Store) -> bool:
    """SQLite: empties the write-ahead log; whether nothing is left in it. Readers that began before hinder it."""
    if not is_sqlite(store.writer):
        return True
    with store.writer.connect() as connection:
        raw: Any = connection.connection.cursor()
        # It keeps writers out while it waits for readers: not for long.
        raw.execute(f"PRAGMA busy_timeout = {_WAITS_MS}")
        try:
            busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            raw.close()
    return not busy


def scrub(
    store: Store,
    owner: URL,
    tables: Sequence[str] = (*VAULT, *SEARCHED),
    step: Step = lambda done, total: None,
) -> None:
    """Rewrites the files that rows of these tables went from, so that nothing of them stays in free space.

    Takes a while; who writes waits meanwhile. `owner`: the URL of the database's owner. Raises ConfigError where it is
    not the owner's, and Conflict where readers kept the write-ahead log from being emptied: then nothing is lost, and
    the same call does it again.
    """
    sqlite = owner.get_backend_name() == "sqlite"
    engine = create_engine(
        owner if sqlite else owner.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            steps = list(_of_sqlite(store) if sqlite else _of_postgres(connection, tables))
            for done, run in enumerate(steps):
                step(done, len(steps))
                run(connection)
            step(len(steps), len(steps))
    finally:
        engine.dispose()
    try:
        _emptied(store)
    except RetryError:
        raise Conflict(
            "the write-ahead log could not be emptied: somebody reads since before",
            advice="Run it again when no verification or export runs.",
        ) from None


def _of_sqlite(store: Store) -> Iterator[Callable[[Connection], None]]:
    def rewrite(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
        connection.exec_driver_sql("PRAGMA secure_delete = ON").close()
        with store.alone():
            connection.exec_driver_sql("INSERT INTO record_fts(record_fts) VALUES ('optimize')")
            connection.exec_driver_sql("VACUUM")

    yield rewrite


def _of_postgres(connection: Connection, tables: Sequence[str]) -> Iterator[Callable[[Connection], None]]:
    # PostgreSQL passes over what is another's with a warning that nobody reads.
    others = connection.scalars(_NOT_OURS, {"tables": list(tables)}).all()
    if others:
        raise ConfigError(
            f"the database's files are not rewritten: {', '.join(others)} belong to another role",
            advice="Name the owner's URL as owner_database in trailseal.toml, or finish it where that is known.",
        )
    for table in tables:
        yield lambda connection, table=table: connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}").close()  # type: ignore[misc]
    yield lambda connection: connection.exec_driver_sql(f"VACUUM FULL {STATISTICS}").close()


@retry(retry=retry_if_result(lambda done: not done), stop=stop_after_delay(_PATIENCE_S), wait=wait_fixed(0.2))
def _emptied(store: Store) -> bool:
    return empty_log(store)
